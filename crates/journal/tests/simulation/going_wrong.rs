//! What goes wrong in a run.

use std::time::Duration;

use orderly_journal::Record;
use orderly_journal::seek::Past as _;

use super::member::Process;
use super::world::{Member, WITHIN, World};

impl World {
    pub(super) fn go_wrong(&mut self) {
        let plan = self.plan.clone();
        let member = self.random.usize(..self.members.len());
        if self.one_in(plan.freeze) {
            let until = self.time + Duration::from_millis(self.random.u64(500..15_000));
            if let Some(process) = &mut self.members[member].process {
                process.frozen_until = until;
                self.note(format_args!("m{member} is frozen until {until:?}"));
            }
        }
        if self.one_in(plan.kill) && self.members[member].process.is_some() {
            self.note(format_args!("m{member} is killed"));
            self.stop(member);
            self.members[member].disk.crash(&mut self.random);
        }
        if self.one_in(plan.cut_off) {
            self.lose_writer(member);
            let until = self.time + Duration::from_millis(self.random.u64(100..12_000));
            if let Some(process) = &mut self.members[member].process {
                process.cut_off_until = Some(until);
                self.note(format_args!("m{member} is cut off until {until:?}"));
            }
        }
        let is_cut_off = |member: &Member| member.process.as_ref().is_none_or(Process::is_cut_off);
        if self.one_in(plan.lost_reader) && !is_cut_off(&self.members[member]) {
            self.with(member, |process, now, _| process.node.reader_lost(now));
        }
        if self.one_in(plan.lost_writer) && !is_cut_off(&self.members[member]) {
            self.lose_writer(member);
            self.with(member, |process, now, _| process.node.writer_lost(now));
        }
        if self.one_in(plan.claim) {
            self.with(member, |process, now, _| process.node.claim(now));
        }
        if self.one_in(plan.leave) {
            self.with(member, |process, now, _| process.node.leave(now));
        }
        if self.one_in(plan.moved_consumer) {
            self.commands.lose_consumer();
        }
        if self.one_in(plan.lost_front) {
            self.lose_front();
        }
        if self.one_in(plan.lost_end) {
            self.lose_end();
        }
    }

    /// The broker deletes the oldest records, but some member still finds its place.
    pub(super) fn lose_front(&mut self) {
        let safe = self.members.iter().filter_map(|member| member.disk.safe());
        let Some(safe) = safe.map(|place| place.offset).max() else { return };
        let first = self.stream.front;
        let most = self.stream.entries.len().saturating_sub(20);
        let before = self.stream.entries.iter().take(most);
        let front = before.take_while(|entry| entry.offset < safe).count().max(first);
        if front >= first + 8 {
            self.stream.front = front;
            self.note(format_args!("the stream begins at record {front}"));
        }
    }

    /// Most machines of the broker lose power: the end of the stream is gone, and every connection. All is well again at
    /// once, and stays so until what was durable is back.
    pub(super) fn lose_end(&mut self) {
        let members = &self.members;
        let runs = members.iter().filter_map(|member| member.process.as_ref());
        let mut least = self.stream.front.max(1);
        // an owner of an earlier epoch that lives, and does not know yet that it was fenced, would go on
        if runs.into_iter().any(|process| self.accepted.earlier.contains(&process.node.nonce()))
            || self.random.bool()
        {
            least = least.max(self.accepted.opened + 1);
        }
        let length = self.stream.entries.len();
        // every member still finds a place where it was
        for member in &self.members {
            let records = self.stream.entries.iter().enumerate().skip(self.stream.front);
            let mut known = records.filter(|(_, entry)| {
                if member.disk.last().is_some_and(|place| place.offset == entry.offset) {
                    return true;
                }
                let Ok(Record::Units(units)) = Record::decode(&entry.body) else { return false };
                let place = member.disk.at(units.end.next);
                place.is_some_and(|place| place.offset == entry.offset)
            });
            match known.next() {
                Some((at, _)) => least = least.max(at + 1),
                None if member.disk.last().is_some() => return,
                None => {}
            }
        }
        // a journal without any opening record is gone, and every member refuses it
        if least >= length || length < 80 {
            return;
        }
        let kept = self.random.usize(least.max(length.saturating_sub(30))..length);
        self.note(format_args!("the stream loses its records from {kept} on, of {length}"));
        self.lost_ends += 1;
        self.stream.lose_end(kept);
        let before = std::mem::take(&mut self.accepted);
        self.promises.lose_end(before);
        self.accepted.read(&self.stream);
        self.commands.lose_consumer();
        for member in 0..self.members.len() {
            self.lose_writer(member);
            self.members[member].starts_at = self.time;
            if let Some(process) = &mut self.members[member].process {
                process.frozen_until = Duration::ZERO;
                process.cut_off_until = None;
            }
            self.with(member, |process, now, _| {
                process.node.reader_lost(now);
                process.node.writer_lost(now);
            });
        }
        let calm = self.plan.calm();
        let plan = std::mem::replace(&mut self.plan, calm);
        let until = self.time + WITHIN;
        while !self.promises.is_kept(&self.accepted) || self.owner().is_none() {
            assert!(self.time < until, "what was durable did not come back");
            self.step();
        }
        self.plan = plan;
    }
}

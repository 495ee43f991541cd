//! What goes wrong in a run.

use super::member::{Member, Run, Stage};
use super::world::World;
use orderly_actors::clock::Clock as _;
use orderly_domain::time::Timestamp;
use orderly_journal::Record;
use orderly_member::Place;
use orderly_store::Seq;
use std::time::Duration;

/// Within this time after a fault there is an owner, and everything that was durable is back.
pub(super) const WITHIN: Duration = Duration::from_secs(60);
/// The journal keeps at least so many records.
const LEAST_KEPT: usize = 20;
/// The most records that are lost at its end.
const MOST_LOST: usize = 30;

impl World {
    fn one_in(&mut self, cases: u64) -> bool {
        self.outside.random.one_in(cases)
    }

    fn some_time(&mut self, least: u64, most: u64) -> Duration {
        self.outside.time + Duration::from_millis(self.outside.random.between(least, most))
    }

    /// The process of a member that is reachable and does not stand still.
    fn awake(&mut self, member: usize) -> Option<&mut Run> {
        let time = self.outside.time;
        let run = self.members[member].run.as_mut();
        run.filter(|run| !run.is_frozen(time) && !run.is_cut_off())
    }

    pub(super) async fn go_wrong(&mut self) {
        let faults = self.outside.faults.clone();
        let member = self.outside.random.index(self.members.len());
        if self.one_in(faults.freeze) {
            let until = self.some_time(500, 15_000);
            if let Some(run) = &mut self.members[member].run {
                run.frozen_until = until;
                self.outside.trace.note(format_args!("m{member} is frozen until {until:?}"));
            }
        }
        if self.one_in(faults.kill) && self.members[member].run.is_some() {
            self.outside.trace.note(format_args!("m{member} is killed"));
            self.stop(member).await;
        }
        if self.one_in(faults.cut_off) && self.members[member].run.is_some() {
            let until = self.some_time(100, 12_000);
            self.outside.trace.note(format_args!("m{member} is cut off until {until:?}"));
            self.cut_off(member, until);
        }
        if self.one_in(faults.lost_reader)
            && let Some(run) = self.awake(member)
        {
            run.node.reader_lost(run.now());
            run.act();
        }
        if self.one_in(faults.lost_writer) && self.awake(member).is_some() {
            self.lose_writer(member);
            if let Some(run) = self.awake(member) {
                run.node.writer_lost(run.now());
                run.act();
            }
        }
        if self.one_in(faults.claim)
            && let Some(run) = self.awake(member)
        {
            run.node.claim(run.now());
            run.act();
        }
        if self.one_in(faults.leave)
            && let Some(run) = self.awake(member)
        {
            run.node.leave(run.now());
            run.act();
        }
        if self.one_in(faults.moved_consumer) {
            self.consumer = None;
        }
        self.pass_time(member);
        if self.one_in(faults.lost_front) {
            self.lose_front();
        }
        if self.one_in(faults.lost_end) {
            Box::pin(self.lose_end()).await;
        }
    }

    /// Minutes pass at once, or a wall clock steps.
    fn pass_time(&mut self, member: usize) {
        let faults = self.outside.faults.clone();
        if self.one_in(faults.jump) {
            let span = Duration::from_millis(self.outside.random.between(10_000, 900_000));
            self.pass(span);
        }
        if self.one_in(faults.clock) {
            let aside = i64::try_from(self.outside.random.below(1_200_000_000)).expect("small");
            if let Some(run) = &self.members[member].run {
                let to = run.clock.now().micros() + aside - 600_000_000;
                run.clock.step_to(Timestamp::from_micros(to));
            }
        }
    }

    fn cut_off(&mut self, member: usize, until: Duration) {
        self.lose_writer(member);
        let Some(run) = &mut self.members[member].run else { return };
        run.cut_off_until = Some(until);
        if let Stage::Owning(owning) = &mut run.stage {
            owning.cut_off(&mut self.outside);
        }
    }

    /// The broker deletes the oldest records, but some member still finds its place.
    fn lose_front(&mut self) {
        let safe = self.members.iter().filter_map(|member| member.safe).max();
        let Some(safe) = safe else { return };
        let first = self.stream.front;
        let most = self.stream.entries.len().saturating_sub(LEAST_KEPT);
        let before = self.stream.entries.iter().take(most);
        let front = before.take_while(|entry| entry.offset < safe).count().max(first);
        if front >= first + 8 {
            self.stream.front = front;
            self.outside.trace.note(format_args!("the stream begins at record {front}"));
        }
    }

    /// The first record of the stream that a member's store knows, and whether the store has any unit. `None`: the store cannot
    /// be read.
    fn first_known(&self, member: &Member) -> Option<(Option<usize>, bool)> {
        let disk = std::sync::Arc::new(member.disk.copy());
        let (following, _) =
            Member { disk, ..Member::new(0) }.open(&self.outside.plan.options).ok()?;
        let place = Place::of(following.store()).ok()?;
        let mut records = self.stream.entries.iter().enumerate().skip(self.stream.front);
        let known = records.find(|(_, entry)| {
            if place.last.is_some_and(|place| place.offset == entry.offset) {
                return true;
            }
            let Ok(Record::Units(units)) = Record::decode(&entry.body) else { return false };
            place.past.at(units.end.next).is_some_and(|place| place.offset == entry.offset)
        });
        Some((known.map(|(at, _)| at), place.stored.is_some()))
    }

    /// Whether no store has more than the journal, and every member has done what it was told.
    fn agrees(&self) -> bool {
        let next = Seq(self.outside.truth.accepted.next);
        self.members.iter().all(|member| match &member.run {
            None => member.needs_copy,
            Some(run) => {
                let stored = match &run.stage {
                    Stage::Following(following) => following.store().next_seq(),
                    Stage::Owning(owning) => owning.process.history.durable(),
                    Stage::Over => Seq::FIRST,
                };
                run.told.is_empty() && stored <= next
            }
        })
    }

    /// Most machines of the broker lose power: the end of the stream is gone, and every connection. All is well again at
    /// once, and stays so until what was durable is back.
    async fn lose_end(&mut self) {
        let accepted = &self.outside.truth.accepted;
        let mut least = self.stream.front.max(1);
        let mut runs = self.members.iter().filter_map(|member| member.run.as_ref());
        // an owner of an earlier epoch that lives, and does not know yet that it was fenced, would go on
        let has_earlier = runs.any(|run| accepted.earlier.contains(&run.node.nonce()));
        let opened = accepted.opened;
        if has_earlier || self.one_in(2) {
            least = least.max(opened + 1);
        }
        let length = self.stream.entries.len();
        // every member still finds a place where it was
        for member in &self.members {
            match self.first_known(member) {
                Some((Some(at), _)) => least = least.max(at + 1),
                Some((None, false)) => {}
                Some((None, true)) | None => return,
            }
        }
        // a journal without any opening record is gone, and every member refuses it
        if least >= length || length < 80 {
            return;
        }
        let kept = least.max(length.saturating_sub(MOST_LOST));
        let kept = kept + self.outside.random.index(length - kept);
        self.outside
            .trace
            .note(format_args!("the stream loses its records from {kept}, of {length}"));
        self.lost_ends += 1;
        self.stream.lose_end(kept);
        self.outside.truth.lose_end(&self.stream);
        self.consumer = None;
        for member in 0..self.members.len() {
            let time = self.outside.time;
            self.members[member].starts_at = time;
            self.cut_off(member, time);
            if let Some(run) = &mut self.members[member].run {
                run.frozen_until = Duration::ZERO;
            }
        }
        let calm = self.outside.faults.calm();
        let faults = std::mem::replace(&mut self.outside.faults, calm);
        let until = self.outside.time + WITHIN;
        while !self.outside.truth.is_kept() || self.owner().is_none() || !self.agrees() {
            assert!(self.outside.time < until, "what was durable did not come back");
            self.step().await;
        }
        self.outside.faults = faults;
        // what nobody has any more
        let next = self.outside.truth.accepted.next;
        self.outside.truth.forget_from(Seq(next));
    }
}

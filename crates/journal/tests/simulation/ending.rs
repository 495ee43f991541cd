//! The end of a run: nothing goes wrong any more, and everything that had to happen must have happened.

use std::time::Duration;

use orderly_journal::node::Role;

use super::oracle::check;
use super::world::{Member, WITHIN, World};

/// How long a standby may be behind.
const MAX_LAG: Duration = Duration::from_secs(10);

impl World {
    /// The member that owns, if there is one that agrees with the journal.
    pub(super) fn owner(&self) -> Option<usize> {
        let owns = |member: &Member| {
            member.process.as_ref().is_some_and(|process| {
                let status = process.node.status(MAX_LAG, process.now(self.time));
                status.role == Role::Owner && status.epoch == self.accepted.epoch
            })
        };
        self.members.iter().position(owns)
    }

    /// Nothing goes wrong any more: soon there is an owner, and everything is done.
    pub(super) fn come_to_rest(&mut self) {
        self.plan = self.plan.calm();
        for member in &mut self.members {
            member.starts_at = Duration::ZERO;
            if let Some(process) = &mut member.process {
                process.frozen_until = Duration::ZERO;
                process.cut_off_until = process.cut_off_until.map(|_| Duration::ZERO);
            }
        }
        self.note("nothing goes wrong any more");
        let until = self.time + WITHIN;
        while self.owner().is_none() {
            assert!(self.time < until, "there is no owner");
            self.step();
        }
        let until = self.time + WITHIN;
        while !self.is_at_rest() {
            assert!(self.time < until, "it does not come to rest");
            self.step();
        }
        check(&self.accepted);
        for (at, member) in self.members.iter().enumerate() {
            let units = self.accepted.units.iter().map(|(seq, (_, unit))| (seq, unit));
            assert!(member.disk.units.iter().eq(units), "the store of m{at} is another");
        }
        for seq in self.accepted.units.keys() {
            assert!(self.promises.published.contains(seq), "{seq} was never published");
        }
        assert!(self.promises.is_kept(&self.accepted), "something durable is gone");
        assert_eq!(self.accepted.units.len() as u64, self.commands.made(), "commands and units");
    }

    pub(super) fn is_at_rest(&self) -> bool {
        let next = self.accepted.next;
        let done = self.commands.waiting.is_empty() && self.commands.in_hand.is_empty();
        let published = self.members.iter().any(|member| {
            let core = member.process.as_ref().and_then(|process| process.core.as_ref());
            core.is_some_and(|core| core.cursor == next)
        });
        done && published && self.members.iter().all(|member| member.disk.next() == next)
    }
}

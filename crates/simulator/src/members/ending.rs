//! The end of a run: nothing goes wrong any more, and everything that had to happen must have happened.

use super::going_wrong::WITHIN;
use super::member::{Member, Stage};
use super::world::{MAX_LAG, World};
use crate::process::Process;
use orderly_journal::node::Role;
use orderly_store::Seq;
use std::time::Duration;

/// Longer than any hold.
const LONG: Duration = Duration::from_secs(3 * 3600);
/// The most steps until everything is done that is left.
const MOST: u32 = 20_000;

impl World {
    /// The member that owns, if there is one that agrees with the journal.
    pub(super) fn owner(&self) -> Option<usize> {
        self.members.iter().position(|member| {
            member.run.as_ref().is_some_and(|run| {
                let status = run.node.status(MAX_LAG, run.now());
                let owns = matches!(run.stage, Stage::Owning(_));
                owns && status.role == Role::Owner
                    && status.epoch == self.outside.truth.accepted.epoch
            })
        })
    }

    /// Nothing goes wrong any more: soon there is an owner, and everything is done.
    pub(crate) async fn end(&mut self) {
        self.outside.faults = self.outside.faults.calm();
        self.outside.plan.calm();
        for member in &mut self.members {
            member.starts_at = Duration::ZERO;
            if let Some(run) = &mut member.run {
                run.frozen_until = Duration::ZERO;
                run.cut_off_until = run.cut_off_until.map(|_| Duration::ZERO);
            }
        }
        self.outside.trace.note(format_args!("nothing goes wrong any more"));
        self.come_to_rest().await;
        // twice, since what is under way when the time has passed is looked at again only later
        for _ in 0..2 {
            self.pass(LONG);
            self.come_to_rest().await;
        }
        self.check();
    }

    async fn come_to_rest(&mut self) {
        let until = self.outside.time + WITHIN;
        while self.owner().is_none() {
            assert!(self.outside.time < until, "there is no owner");
            self.step().await;
        }
        for _ in 0..MOST {
            if self.is_at_rest() {
                return;
            }
            self.step().await;
        }
        panic!("it does not come to rest: the queue has {:?}", self.outside.queue.counts());
    }

    fn is_at_rest(&mut self) -> bool {
        let next = Seq(self.outside.truth.accepted.next);
        let has_all = |member: &Member| {
            let mut seen = None;
            if let Some(run) = &member.run {
                run.look(|view| seen = Some(view.next_seq()));
            }
            seen == Some(next)
        };
        if !self.unsent.is_empty()
            || !self.outside.queue.is_empty()
            || !self.members.iter().all(has_all)
        {
            return false;
        }
        let Some(owner) = self.owner() else { return false };
        let Some(Stage::Owning(owning)) =
            self.members[owner].run.as_mut().map(|run| &mut run.stage)
        else {
            return false;
        };
        owning.is_idle() && !has_due(&mut owning.process)
    }

    fn check(&mut self) {
        let truth = &mut self.outside.truth;
        truth.expected.compare_all();
        let mirror = &truth.expected.mirror;
        mirror.check_kept_sums();
        assert_eq!(mirror.next, Seq(truth.accepted.next), "what was lost is back, or forgotten");
        truth.observations.check_paid_up(&truth.subscribers);
        let oldest = truth.expected.oldest();
        for (at, member) in self.members.iter().enumerate() {
            let Some(run) = &member.run else { panic!("m{at} does not run") };
            run.look(|view| {
                mirror.compare_all(view, oldest);
                truth.observations.check_acked(mirror, &self.outside.queue, oldest);
                mirror.check_parked(view);
                let audit = orderly_actors::audit::verify(view).expect("every state can be read");
                assert!(audit.balanced, "the store of m{at}: {:?}", audit.violations);
            });
            if let Stage::Owning(owning) = &run.stage {
                let now = owning.process.sequencer.now().micros();
                mirror.check_expired(&truth.expected.model.settings, now);
            }
        }
    }
}

/// Whether a timer is due. It is handed out, so it fires next.
fn has_due(process: &mut Process) -> bool {
    let now = process.sequencer.now().micros();
    let due = process.sequencer.view().borrow().due(now, 1);
    process.firing.extend(due.expect("the store is readable"));
    !process.firing.is_empty()
}

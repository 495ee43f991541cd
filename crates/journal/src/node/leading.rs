//! Claiming, owning and leaving.

use orderly_planted::{Bug, is_planted};

use super::{DEFER_FOR, Leaving, Node, Now, Output, PASS_ON_EVERY};
use crate::claim::{Claim, Step, Trigger};
use crate::follower::Intake;
use crate::id::{Epoch, Nonce, Progress};
use crate::owner::Owner;
use crate::reader::Reader;
use crate::record::{Close, Open, Record, Tick};

impl Node {
    /// The epoch in force.
    pub(super) fn in_force(&self) -> Option<Epoch> {
        self.reader.as_ref().and_then(Reader::in_force).map(|in_force| in_force.epoch)
    }

    /// Whether this member owns, as far as it has read.
    pub(super) fn owns(&self) -> bool {
        self.owner.as_ref().is_some_and(|owner| {
            self.in_force() == Some(owner.epoch()) || is_planted(Bug::OwnWithoutReading)
        })
    }

    pub(super) fn may_claim(&self) -> bool {
        !self.ended && self.claim.is_none() && self.reader.is_some()
    }

    pub(super) fn begin_claim(&mut self, trigger: Trigger, now: Now) {
        let serial = self.probe(now);
        self.claim = Some(Claim::begin(trigger, serial, now.monotonic));
        if is_planted(Bug::ClaimWithoutProbe) {
            self.step(Step::Open(self.at_end(now).number), now);
        }
    }

    /// An own probe was read.
    pub(super) fn probe_read(&mut self, serial: u64, now: Now) {
        let at = self.at_end(now);
        if let Some(claim) = &mut self.claim
            && self.follower.is_at_end()
        {
            let step = claim.probe_read(serial, &at, &self.settings.patience);
            self.step(step, now);
        }
    }

    pub(super) fn step(&mut self, step: Step, now: Now) {
        match step {
            Step::Wait => {}
            Step::StandBy => self.claim = None,
            Step::Probe => {
                let serial = self.probe(now);
                if let Some(claim) = &mut self.claim {
                    claim.probed(serial);
                }
            }
            Step::Open(number) => {
                self.append_open(Epoch { number, nonce: self.settings.nonce }, now);
            }
            Step::OpenAgain(epoch) => self.append_open(epoch, now),
        }
    }

    fn append_open(&mut self, epoch: Epoch, now: Now) {
        let Some(from) = self.journal_end() else { return };
        let open = Open {
            epoch,
            node: self.settings.node.clone(),
            charter: self.settings.charter,
            from,
            cursor: self.known_cursor(),
            at: now.wall,
        };
        self.append(&Record::Open(open));
        if let Some(claim) = &mut self.claim {
            claim.opening(epoch, now.monotonic);
        }
        if is_planted(Bug::OwnWithoutReading) {
            self.own(epoch, now);
        }
    }

    /// Every event below this was published, as far as this member knows.
    pub(super) fn known_cursor(&self) -> u64 {
        self.reader.as_ref().map_or(0, Reader::cursor).max(self.cursor)
    }

    /// The own opening record of `epoch` is in force.
    pub(super) fn own(&mut self, epoch: Epoch, now: Now) {
        let Some(end) = self.journal_end() else { return };
        let after_foreign = is_planted(Bug::ResendAfterForeignEpoch);
        let owner = match self.owner.take() {
            // it was read before, and the reader has attached again
            Some(owner) if owner.epoch().number >= epoch.number => {
                self.owner = Some(owner);
                return;
            }
            Some(mut owner) => {
                owner.reopen(epoch, end, now.monotonic);
                if after_foreign {
                    owner.renumber(end);
                }
                owner
            }
            None => Owner::new(epoch, end, self.applied.next(), now.monotonic),
        };
        self.claim = None;
        let mut cursor = self.known_cursor();
        if is_planted(Bug::CursorNotCarried) {
            cursor = end.next;
        }
        let (next, lost) = (owner.given(), owner.missing());
        self.owner = Some(owner);
        self.out.push_back(Output::Own { epoch, next, cursor, lost });
    }

    /// The opening record of another member is in force.
    pub(super) fn other_opened(&mut self, open: &Open, now: Now) {
        if let Some(owner) = &self.owner
            && open.epoch.number >= owner.epoch().number
        {
            if is_planted(Bug::AckOnFenced) {
                self.out.push_back(Output::Durable { next: owner.given() });
            }
            if is_planted(Bug::ResendAfterForeignEpoch) {
                self.begin_claim(Trigger::Doubt, now);
                return;
            }
            self.end(Output::Fenced { by: open.epoch, node: open.node.node.clone() });
            return;
        }
        let patience = self.settings.patience;
        if let Some(step) = self.claim.as_mut().map(|it| it.beaten(now.monotonic, &patience)) {
            self.step(step, now);
        }
    }

    /// Claims when a trigger fires.
    pub(super) fn watch(&mut self, now: Now) {
        if let Some(claim) = &self.claim {
            if self.reader.is_some() {
                let step = claim.elapse(now.monotonic, &self.settings.patience);
                self.step(step, now);
            }
            return;
        }
        if !self.may_claim() || !self.follower.is_at_end() {
            return;
        }
        if let Some(trigger) = self.trigger(now) {
            self.begin_claim(trigger, now);
        }
    }

    fn trigger(&mut self, now: Now) -> Option<Trigger> {
        let silent = self.follower.silence(now.monotonic) >= self.settings.takeover_after;
        if self.owner.is_some() && !self.owns() {
            // the journal lost the opening record
            return Some(Trigger::Ahead);
        }
        if self.is_ahead_for_long(now) {
            return Some(Trigger::Ahead);
        }
        if self.owns() {
            return silent.then_some(Trigger::Doubt);
        }
        if let Some(left) = self.deferral.left
            && !(self.deferral.is_wanted && now.monotonic < left + DEFER_FOR)
        {
            self.deferral.left = None;
            return Some(Trigger::Closed);
        }
        if self.intake.active {
            return if self.pass_on(now) { None } else { Some(Trigger::Active) };
        }
        silent.then_some(Trigger::Silence)
    }

    /// Whether there is an owner that has not left, as far as this member has read.
    fn has_owner(&self) -> bool {
        self.reader.as_ref().and_then(Reader::in_force).is_some_and(|in_force| !in_force.closed)
    }

    /// Whether a person has paused the owner's intake. A pause ends with the ownership: when the owner has left, or when it has been
    /// silent for so long that others take over.
    pub fn owner_is_paused(&self, now: Now) -> bool {
        let is_silent = self.follower.silence(now.monotonic) >= self.settings.takeover_after;
        self.has_owner() && self.follower.owner_is_paused() && (self.owns() || !is_silent)
    }

    /// Leaves the commands to an owner that lives and does not get them: one that was chosen because the one before was silent, or
    /// left; or to the member that is to own next, when the owner has left. The broker does not know of owners, and gives the
    /// commands to any member. Once in a while only, since the owner may be unable to consume; always, while its intake is paused.
    fn pass_on(&mut self, now: Now) -> bool {
        let is_paused = self.owner_is_paused(now);
        let lately_heard = now.monotonic.saturating_sub(self.settings.tick_every * 2);
        let lives = self.has_owner() && self.follower.heard_alive(lately_heard);
        let is_wanted = (lives && !self.follower.owner_is_active()) || self.deferral.left.is_some();
        let lately = self.passed_on.is_some_and(|at| now.monotonic < at + PASS_ON_EVERY);
        if !is_paused && (!is_wanted || lately) {
            return false;
        }
        (self.passed_on, self.intake.active) = (Some(now.monotonic), false);
        self.out.push_back(Output::PassOn);
        true
    }

    /// Whether the store has been ahead of the journal for a while, and nobody appended what it lacks.
    fn is_ahead_for_long(&mut self, now: Now) -> bool {
        let end = self.journal_end().map(|end| end.next);
        match (end.filter(|_| self.is_ahead()), self.ahead) {
            (None, _) => {
                self.ahead = None;
                false
            }
            (Some(end), Some((was, since))) if was == end => {
                now.monotonic >= since + self.settings.patience.hear_for
            }
            (Some(end), _) => {
                self.ahead = Some((end, now.monotonic));
                false
            }
        }
    }

    /// Whether the owner may append now.
    fn may_append(&self) -> bool {
        let alone = self.claim.is_none() || is_planted(Bug::OwnWithoutReading);
        let at_end = self.follower.is_at_end() && !self.is_ahead();
        !self.ended && self.owns() && alone && at_end
    }

    /// Appends what the owner has to say.
    pub(super) fn lead(&mut self, now: Now) {
        if !self.may_append() {
            return;
        }
        if self.follower.silence(now.monotonic) >= self.settings.takeover_after {
            return self.watch(now);
        }
        let cursor = self.known_cursor();
        let Some(owner) = &mut self.owner else { return };
        if owner.is_stuck(&self.settings.limits, now.monotonic) {
            owner.append_again(now.monotonic);
        }
        let mut bodies = Vec::new();
        while let Some(record) = owner.next_record(&self.settings.limits, cursor, now.wall) {
            bodies.push(record.encode());
        }
        let (epoch, is_idle) = (owner.epoch(), owner.is_idle());
        if !bodies.is_empty() {
            self.appended = now.monotonic;
        }
        for body in bodies {
            self.append_body(body);
        }
        if is_idle && self.leave_now(epoch, cursor, now) {
            return;
        }
        // units do not name the owner, so one that always has some names itself from time to time
        let is_due = now.monotonic >= self.appended + self.settings.tick_every
            || now.monotonic >= self.announced + self.settings.announce_every;
        if self.tells_intake || is_due {
            (self.appended, self.announced) = (now.monotonic, now.monotonic);
            self.tells_intake = false;
            let Some(Progress { next, chain }) = self.journal_end() else { return };
            let (node, chain) = (self.settings.node.clone(), Some(chain));
            let (at, Intake { active, paused }) = (now.wall, self.intake);
            let tick = Tick { epoch, node, next, chain, cursor, at, active, paused };
            self.append(&Record::Tick(tick));
        }
    }

    /// Appends that the owner leaves, if it does, and if that was not appended just now.
    fn leave_now(&mut self, epoch: Epoch, cursor: u64, now: Now) -> bool {
        let again = match self.leaving {
            Leaving::No => return false,
            Leaving::Asked => true,
            Leaving::Said(appended) => {
                now.monotonic >= appended + self.settings.patience.retry_after
            }
        };
        if again {
            self.leaving = Leaving::Said(now.monotonic);
            self.append(&Record::Close(Close { epoch, cursor, at: now.wall }));
        }
        true
    }

    /// This run's name.
    pub const fn nonce(&self) -> Nonce {
        self.settings.nonce
    }
}

//! What probes and the owner's records tell of the members.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::id::{Name, Nonce, Progress};
use crate::record::Record;

/// The most members that are remembered. Of more, those that were heard of last.
const MOST: usize = 64;

/// A member, as far as its records say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// What it is called and where it answers, if a record said it.
    pub node: Option<Name>,
    /// How far its store has come, by its newest probe. `None`: it has not said.
    pub stored: Option<Progress>,
    /// When it was heard of last, by the clock of the one who listens.
    pub heard: Duration,
    /// When it said last how far its store has come.
    announced: Duration,
}

/// All members that were heard of.
#[derive(Debug, Clone, Default)]
pub struct Members(BTreeMap<Nonce, Member>);

impl Members {
    /// Takes note of a record that was read at `now`.
    pub fn note(&mut self, record: &Record, now: Duration) {
        match record {
            Record::Open(open) => self.hear(open.epoch.nonce, Some(&open.node), now),
            Record::Units(units) => self.hear(units.epoch.nonce, None, now),
            Record::Tick(tick) => self.hear(tick.epoch.nonce, Some(&tick.node), now),
            // it leaves, so it says nothing more
            Record::Close(close) => {
                self.0.remove(&close.epoch.nonce);
            }
            Record::Probe(probe) => {
                self.hear(probe.nonce, Some(&probe.node), now);
                if let Some(member) = self.0.get_mut(&probe.nonce)
                    && probe.stored.is_some()
                {
                    member.stored = probe.stored;
                    member.announced = now;
                }
            }
        }
    }

    fn hear(&mut self, nonce: Nonce, node: Option<&Name>, now: Duration) {
        if !self.0.contains_key(&nonce) {
            self.make_room();
        }
        let member = self.0.entry(nonce).or_insert(Member {
            node: None,
            stored: None,
            heard: now,
            announced: now,
        });
        member.heard = now;
        if member.node.is_none() {
            member.node = node.cloned();
        }
    }

    fn make_room(&mut self) {
        while self.0.len() >= MOST {
            let Some(oldest) = self.0.iter().min_by_key(|(_, member)| member.heard) else { return };
            let nonce = *oldest.0;
            self.0.remove(&nonce);
        }
    }

    /// Forgets members that were not heard of since `since`.
    pub fn forget_before(&mut self, since: Duration) {
        self.0.retain(|_, member| member.heard >= since);
    }

    /// Every member.
    pub fn iter(&self) -> impl Iterator<Item = (&Nonce, &Member)> {
        self.0.iter()
    }

    /// The furthest that another member than `own` said since `since` that its store has come.
    pub fn furthest(&self, own: Nonce, since: Duration) -> Option<u64> {
        let others = self.0.iter().filter(|&(&nonce, member)| {
            nonce != own && member.stored.is_some() && member.announced >= since
        });
        others.filter_map(|(_, member)| member.stored.map(|stored| stored.next)).max()
    }
}

#[cfg(test)]
mod tests;

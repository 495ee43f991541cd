//! What a member shows of itself.

use std::time::Duration;

use super::{Node, Now};
use crate::follower::Lag;
use crate::id::{Epoch, Name, Nonce};
use crate::members::Member;
use crate::reader::Reader;

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It looks for its place in the journal, or reads what it has missed.
    Joining,
    /// It follows.
    Standby,
    /// It takes over.
    Claiming,
    /// It owns.
    Owner,
}

/// What a member shows of itself.
#[derive(Debug, Clone)]
pub struct Status {
    /// What it is.
    pub role: Role,
    /// The epoch in force.
    pub epoch: Option<Epoch>,
    /// The owner, if it is known and has not left.
    pub owner: Option<Name>,
    /// Every event below this was published, as far as this member knows.
    pub cursor: u64,
    /// The sequence of the unit that its store needs next.
    pub next: u64,
    /// How current its data is. An owner's is current.
    pub lag: Lag,
    /// Whether a standby is ready to take over.
    pub is_ready: bool,
    /// Whether a person has paused the owner's intake, as the owner says in the journal.
    pub is_paused: bool,
    /// Units that the owner has not read back, in bytes.
    pub in_flight: usize,
    /// The members that were heard of, with the time since then.
    pub members: Vec<(Nonce, Member, Duration)>,
}

impl Node {
    /// What the member shows of itself. A standby that is further behind than `max_lag` is not ready.
    pub fn status(&self, max_lag: Duration, now: Now) -> Status {
        let in_force = self.reader.as_ref().and_then(Reader::in_force);
        let role = if self.owns() && self.claim.is_none() {
            Role::Owner
        } else if self.claim.is_some() {
            Role::Claiming
        } else if self.follower.is_at_end() {
            Role::Standby
        } else {
            Role::Joining
        };
        let since = |member: &Member| now.monotonic.saturating_sub(member.heard);
        let members = self.members.iter();
        Status {
            role,
            epoch: in_force.map(|in_force| in_force.epoch),
            owner: in_force
                .filter(|in_force| !in_force.closed)
                .and_then(|in_force| in_force.node.clone()),
            cursor: self.known_cursor(),
            next: self.applied.next(),
            lag: self.follower.lag(now.wall),
            is_ready: role == Role::Owner || self.follower.is_ready(now.wall, max_lag),
            is_paused: self.owner_is_paused(now),
            in_flight: self.owner.as_ref().map_or(0, crate::owner::Owner::bytes),
            members: members
                .map(|(&nonce, member)| (nonce, member.clone(), since(member)))
                .collect(),
        }
    }
}

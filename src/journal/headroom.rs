//! How long a member could stand still before the stream no longer has what it lacks.
//!
//! A stream deletes whole segments at its front, by its own limits, whoever still wants to read them. So a member can only look how
//! far the front is from the member that has come the least far.

use super::listen::{Heard, Listener};
use orderly_broker::rabbit::stream::{self, From, Stored};
use orderly_journal::Record;
use orderly_journal::node::Status;
use std::time::Duration;
use tokio::time::timeout;

/// How long the broker may take to show the first records.
const PATIENCE: Duration = Duration::from_secs(10);
/// Of the first so many records one says where the stream begins.
const MOST: usize = 10_000;
/// A member that was not heard for so long is not waited for.
const LIVES: Duration = Duration::from_secs(600);

/// Where the stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Front {
    /// The sequence of the first unit that it has, or of the next one that comes.
    pub next: u64,
    /// The owner's wall clock then, in microseconds since the epoch.
    pub at: i64,
    /// Whether this is the first record ever: nothing was deleted yet.
    pub is_whole: bool,
}

impl Front {
    /// What a record says of the place in front of it. `None`: nothing.
    fn of(stored: &Stored) -> Option<Self> {
        let (next, at) = match Record::decode(&stored.body).ok()? {
            Record::Open(open) => (open.from.next, open.at),
            Record::Units(units) => (units.first, units.at),
            Record::Tick(tick) => (tick.next, tick.at),
            Record::Close(_) | Record::Probe(_) => return None,
        };
        Some(Self { next, at, is_whole: stored.offset == 0 })
    }

    /// For how long the member that has come the least far could stand still until the stream passes it, at the average rate of
    /// what the stream has; without an end, while the stream is whole. `now` is the wall clock, in microseconds since the epoch.
    pub fn headroom(&self, status: &Status, now: i64) -> f64 {
        if self.is_whole {
            return f64::INFINITY;
        }
        let lives = status.members.iter().filter(|(_, _, since)| *since <= LIVES);
        let stored = lives.filter_map(|(_, member, _)| member.stored.map(|stored| stored.next));
        let slowest = stored.chain([status.next]).min().unwrap_or(status.next);
        let furthest = status.next.max(slowest);
        let kept = now.saturating_sub(self.at).max(0) as f64 / 1e6;
        let in_front = slowest.saturating_sub(self.next) as f64;
        match furthest.saturating_sub(self.next) {
            0 => kept,
            all => kept * in_front / all as f64,
        }
    }
}

/// Looks where the stream begins. `None`: it is empty, or is not there, or the broker does not answer in time.
pub async fn front(
    broker: &orderly_broker::Settings,
    options: &stream::Options,
) -> Result<Option<Front>, String> {
    // only the first few are wanted
    let options = stream::Options { prefetch: 16, ..options.clone() };
    let mut listener = Listener::start(broker, &options, From::First).map_err(|e| e.to_string())?;
    let looking = async {
        let mut seen = 0;
        while seen < MOST {
            if let Heard::Records(records) = listener.next().await? {
                if let Some(front) = records.iter().find_map(Front::of) {
                    return Ok(Some(front));
                }
                seen += records.len();
            }
        }
        Ok(None)
    };
    let front = timeout(PATIENCE, looking).await.unwrap_or(Ok(None));
    listener.close().await.map_err(|error| error.to_string())?;
    front
}

#[cfg(test)]
mod tests {
    use super::*;
    use orderly_journal::follower::Lag;
    use orderly_journal::members::{Member, Members};
    use orderly_journal::node::Role;
    use orderly_journal::record::Probe;
    use orderly_journal::{Chain, Name, Nonce, Progress};

    /// A member that has come to `next`, heard so long ago.
    fn member(number: u8, next: u64, since: Duration) -> (Nonce, Member, Duration) {
        let nonce = Nonce([number; 16]);
        let mut members = Members::default();
        let stored = Some(Progress { next, chain: Chain([0; 32]) });
        let probe = Probe { nonce, node: Name::from("a"), serial: 1, stored };
        members.note(&Record::Probe(probe), Duration::ZERO);
        let (_, member) = members.iter().next().expect("a member");
        (nonce, member.clone(), since)
    }

    fn status(next: u64, members: Vec<(Nonce, Member, Duration)>) -> Status {
        Status {
            role: Role::Owner,
            epoch: None,
            owner: None,
            cursor: 0,
            next,
            lag: Lag { as_of: None, time: None },
            is_ready: true,
            is_paused: false,
            in_flight: 0,
            members,
        }
    }

    #[test]
    fn the_headroom_is_what_the_stream_has_in_front_of_the_slowest_member() {
        // 1000 sequences in 100 s
        let front = Front { next: 1_000, at: 0, is_whole: false };
        let after = |members| front.headroom(&status(2_000, members), 100_000_000);
        let second = Duration::from_secs(1);
        assert!((after(vec![]) - 100.0).abs() < 1e-9);
        assert!(
            (after(vec![member(1, 1_400, second), member(2, 1_900, second)]) - 40.0).abs() < 1e-9
        );
        // who was passed has none, and who is gone is not waited for
        assert!(after(vec![member(1, 900, second)]).abs() < 1e-9);
        assert!((after(vec![member(1, 900, LIVES + second)]) - 100.0).abs() < 1e-9);
        // nothing is written: what was kept so far
        assert!((front.headroom(&status(1_000, vec![]), 7_000_000) - 7.0).abs() < 1e-9);
        // nothing was deleted yet
        let whole = Front { is_whole: true, ..front };
        assert!(whole.headroom(&status(2_000, vec![]), 1).is_infinite());
    }
}

//! How the members of a cluster share out its partitions.
//!
//! Nobody is in charge. Each member reads in the journals who owns what and who is ready to, so all know the same, a moment apart. The
//! member that owns the most gives one partition to the member that owns the fewest, until no two differ by more than one. It gives
//! by leaving the partition's journal in good order: the others then let that member go first.
//!
//! Nothing here carries safety: the order of the records in a journal alone decides who owns. Members that see things differently
//! for a moment cost a take-over more, or a second.

use crate::cluster::{Cluster, ClusterRole};
use orderly_domain::partition::rank;
use orderly_journal::Name;
use orderly_journal::node::Status;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often a member looks.
const LOOK: Duration = Duration::from_millis(100);
/// A member that was not heard for so long in a journal does not take part. Each says something every second.
const LIVES: Duration = Duration::from_secs(3);
/// A partition is given away when so long nothing has changed: no owner, and no member that could own one.
const SETTLED: Duration = Duration::from_secs(2);

/// What is known of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Part {
    /// Its owner, if it is known and lives.
    owner: Option<Name>,
    /// Whether this member is the owner and processes the commands.
    is_own: bool,
    /// Whether a person has paused the owner's intake. Its successor would process the commands, so it is not given away.
    is_paused: bool,
    /// The other members that could own it at once.
    ready: BTreeSet<Name>,
}

/// What is known of all partitions, in the order of their numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Picture(Vec<Part>);

/// Takes part for as long as the process runs. `own` is what this member is called in the journals.
pub(super) async fn share(own: Name, clusters: Vec<Cluster>) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut known, mut since) = (Picture::default(), Instant::now());
    loop {
        looks.tick().await;
        let picture = Picture::of(&clusters);
        for (number, cluster) in (0..).zip(&clusters) {
            let next = picture.next_owner(number);
            cluster.set_deferring(next.is_some_and(|next| *next != own));
        }
        if picture != known {
            (known, since) = (picture, Instant::now());
        } else if since.elapsed() >= SETTLED
            && let Some((number, to)) = known.to_give(&own)
        {
            tracing::info!(
                partition = number,
                to = to.node,
                "gives a partition to a member that owns fewer"
            );
            if let Some(cluster) = clusters.get(usize::from(number)) {
                cluster.step_down();
            }
            since = Instant::now();
        }
    }
}

impl Part {
    fn of(cluster: &Cluster) -> Self {
        let Some(Status { owner, members, is_paused, .. }) = cluster.status() else {
            return Self::default();
        };
        let living = members.iter().filter(|(_, _, since)| *since <= LIVES);
        let living = living.map(|(_, member, _)| member);
        let named = living.filter_map(|member| Some((member.node.as_ref()?, member)));
        let (mut heard, mut ready) = (BTreeSet::new(), BTreeSet::new());
        for (name, member) in named {
            heard.insert(name);
            if member.stored.is_some() && owner.as_ref() != Some(name) {
                ready.insert(name.clone());
            }
        }
        let is_own = cluster.role() == ClusterRole::Owner;
        Self {
            owner: owner.clone().filter(|owner| heard.contains(owner)),
            is_own,
            is_paused,
            ready,
        }
    }
}

impl Picture {
    fn of(clusters: &[Cluster]) -> Self {
        Self(clusters.iter().map(Part::of).collect())
    }

    /// How many partitions each member owns, but for `except`. A member that owns none and could own one is among them.
    fn loads(&self, except: Option<u16>) -> BTreeMap<&Name, usize> {
        let mut loads = BTreeMap::new();
        for (number, part) in (0..).zip(&self.0) {
            for ready in &part.ready {
                loads.entry(ready).or_default();
            }
            if let Some(owner) = &part.owner {
                *loads.entry(owner).or_default() += usize::from(except != Some(number));
            }
        }
        loads
    }

    /// The member that is to own a partition when its owner leaves it: of those that could, the one that owns the fewest.
    fn next_owner(&self, number: u16) -> Option<&Name> {
        let loads = self.loads(Some(number));
        let ready = self.0.get(usize::from(number))?.ready.iter();
        ready.min_by_key(|name| preference(&loads, name, number))
    }

    /// The partition that this member should give away, and to whom. `None`: it owns no more than its share, or others go first, or
    /// not all partitions have an owner now.
    fn to_give(&self, own: &Name) -> Option<(u16, &Name)> {
        if self.0.iter().any(|part| part.owner.is_none()) {
            return None;
        }
        let loads = self.loads(None);
        let most = loads.values().max()?;
        // of several that own as many, the first by its name
        let (giver, _) = loads.iter().find(|(_, load)| *load == most)?;
        if *giver != own {
            return None;
        }
        let own_parts = (0..).zip(&self.0).filter(|(_, part)| part.is_own && !part.is_paused);
        let offers =
            own_parts.flat_map(|(number, part)| part.ready.iter().map(move |name| (number, name)));
        let fair = offers.filter(|(_, name)| loads.get(name).is_some_and(|load| load + 2 <= *most));
        fair.min_by_key(|(number, name)| (preference(&loads, name, *number), *number))
    }
}

/// Orders the members that could own a partition: who owns the fewest comes first, and of equals one that differs from partition
/// to partition.
fn preference<'a>(
    loads: &BTreeMap<&Name, usize>,
    name: &'a Name,
    number: u16,
) -> (usize, u64, &'a Name) {
    (loads.get(name).copied().unwrap_or_default(), rank(&name.node, number), name)
}

#[cfg(test)]
mod tests;

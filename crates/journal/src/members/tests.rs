use super::*;
use crate::chain::Chain;
use crate::id::Epoch;
use crate::record::{Close, Probe, Tick};

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn nonce(member: u8) -> Nonce {
    Nonce([member; 16])
}

fn probe(member: u8, next: Option<u64>) -> Record {
    let stored = next.map(|next| Progress { next, chain: Chain([0; 32]) });
    Record::Probe(Probe {
        nonce: nonce(member),
        node: Name::from(&*format!("m{member}")),
        serial: 1,
        stored,
    })
}

fn epoch(member: u8) -> Epoch {
    Epoch { number: 1, nonce: nonce(member) }
}

#[test]
fn members_are_known_by_what_they_append() {
    let mut members = Members::default();
    let node = Name::from("m1");
    let tick = Tick {
        epoch: epoch(1),
        node,
        next: 9,
        chain: None,
        cursor: 0,
        at: 0,
        active: true,
        paused: false,
    };
    members.note(&Record::Tick(tick), at(1));
    members.note(&probe(2, Some(7)), at(2));
    members.note(&probe(2, None), at(3));
    let known: Vec<_> = members.iter().collect();
    assert_eq!(known.len(), 2);
    assert_eq!((known[0].1.node.clone(), known[0].1.stored), (Some(Name::from("m1")), None));
    let second = known[1].1;
    assert_eq!(second.stored.map(|stored| stored.next), Some(7), "as it said last");
    assert_eq!(second.heard, at(3));
    members.note(&Record::Close(Close { epoch: epoch(1), cursor: 0, at: 0 }), at(4));
    members.forget_before(at(3));
    assert_eq!(members.iter().count(), 1);
    members.forget_before(at(4));
    assert_eq!(members.iter().count(), 0);
}

#[test]
fn the_furthest_of_the_others_counts_while_it_is_news() {
    let mut members = Members::default();
    for (member, next, heard) in [(1, 50, 1), (2, 20, 5), (3, 30, 6)] {
        members.note(&probe(member, Some(next)), at(heard));
    }
    assert_eq!(members.furthest(nonce(9), at(0)), Some(50));
    assert_eq!(members.furthest(nonce(9), at(2)), Some(30));
    assert_eq!(members.furthest(nonce(3), at(2)), Some(20));
    // it lives, and has not said it again
    members.note(&probe(1, None), at(7));
    assert_eq!(members.furthest(nonce(9), at(2)), Some(30));
    assert_eq!(members.furthest(nonce(9), at(8)), None);
}

#[test]
fn their_number_is_bounded() {
    let mut members = Members::default();
    for member in 0..=200 {
        members.note(&probe(member, None), at(u64::from(member)));
    }
    assert_eq!(members.iter().count(), MOST);
    assert!(members.iter().all(|(_, member)| member.heard > at(200 - MOST as u64)));
}

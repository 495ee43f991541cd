//! One member and a stream that it has for itself, and what the member does step by step. How several members get along
//! is in `tests/simulation`.

mod deferring;
mod gaps;
mod pausing;
mod places;

use super::*;
use crate::applied::FIRST;
use crate::chain::Chain;
use crate::record::{Open, Tick, Units};
use crate::seek::NoPast;

const CHARTER: Charter = Charter { incarnation: [9; 16], partition: 2, partitions: 8 };
const OWN: Nonce = Nonce([1; 16]);
const OTHER: Nonce = Nonce([2; 16]);

fn settings() -> Settings {
    Settings {
        node: Name::from("own"),
        nonce: OWN,
        charter: CHARTER,
        takeover_after: Duration::from_secs(5),
        tick_every: Duration::from_millis(500),
        announce_every: Duration::from_secs(3),
        renew_every: Duration::from_secs(20),
        found_within: Duration::from_secs(1),
        patience: Patience {
            hear_for: Duration::from_secs(2),
            yield_for: Duration::from_secs(4),
            retry_after: Duration::from_secs(1),
        },
        limits: Limits {
            record_max: 100,
            enough: 1,
            in_flight: 2,
            resend_after: Duration::from_secs(1),
        },
    }
}

/// What a store with the units of `text` has come to.
fn behind(text: &str) -> Progress {
    let start = Chain::start(&CHARTER.incarnation, FIRST, &[]);
    Progress { next: FIRST + text.len() as u64, chain: start.over(&units(text)) }
}

fn units(text: &str) -> Vec<Unit> {
    text.bytes().map(|letter| Unit { span: 1, bytes: vec![letter].into() }).collect()
}

fn other_opens(number: u64, read: &str) -> Record {
    Record::Open(Open {
        epoch: Epoch { number, nonce: OTHER },
        node: Name::from("other"),
        charter: CHARTER,
        from: behind(read),
        cursor: 0,
        at: 0,
    })
}

fn other_appends(number: u64, read: &str, text: &str) -> Record {
    let epoch = Epoch { number, nonce: OTHER };
    Record::Units(Units::new(epoch, behind(read), 0, 0, units(text)))
}

fn other_ticks(number: u64) -> Record {
    let (epoch, node) = (Epoch { number, nonce: OTHER }, Name::from("other"));
    Record::Tick(Tick {
        epoch,
        node,
        next: 1,
        chain: None,
        cursor: 0,
        at: 0,
        active: false,
        paused: false,
    })
}

/// The owner gets the commands.
fn other_ticks_active(number: u64) -> Record {
    let Record::Tick(tick) = other_ticks(number) else { unreachable!("it is a tick") };
    Record::Tick(Tick { active: true, ..tick })
}

struct Alone {
    node: Node,
    now: Now,
    /// The offset and the body of each record.
    stream: Vec<(u64, Bytes)>,
    reads_from: u64,
    /// How often the reader was attached.
    attached: u32,
    /// Whether appends reach the stream.
    is_up: bool,
}

impl Alone {
    fn start(stored: Option<Progress>, last: Option<Position>, found: &[Record]) -> Self {
        let now = Now { monotonic: Duration::from_secs(1_000), wall: 0 };
        let stream = (0..).zip(found.iter().map(Record::encode)).collect();
        let node = Node::start(settings(), stored, last, now);
        Self { node, now, stream, reads_from: 0, attached: 0, is_up: true }
    }

    /// The offset of the next record.
    fn end(&self) -> u64 {
        self.stream.last().map_or(0, |(offset, _)| offset + 1)
    }

    fn append(&mut self, record: &Record) {
        self.append_at(self.end(), record.encode());
    }

    fn append_at(&mut self, offset: u64, body: Bytes) {
        self.stream.push((offset, body));
    }

    /// Does what the member asks of the broker, and returns all other outputs.
    fn settle(&mut self) -> Vec<Output> {
        let mut told = Vec::new();
        loop {
            while let Some(output) = self.node.output() {
                match output {
                    Output::Append { body, .. } if self.is_up => {
                        self.append_at(self.end(), body);
                    }
                    Output::Append { .. } => {}
                    Output::Attach(from) => {
                        self.attached += 1;
                        self.reads_from = match from {
                            From::First => 0,
                            From::Offset(offset) => offset,
                        };
                    }
                    other => told.push(other),
                }
            }
            let next = self.stream.iter().find(|(offset, _)| *offset >= self.reads_from);
            let Some((offset, body)) = next.cloned() else { return told };
            self.reads_from = offset + 1;
            self.node.delivered(offset, &body, &NoPast, self.now);
        }
    }

    /// Time passes, in steps of 100 ms.
    fn pass(&mut self, time: Duration) -> Vec<Output> {
        let mut told = self.settle();
        for _ in 0..time.as_millis() / 100 {
            self.now.monotonic += Duration::from_millis(100);
            self.node.elapse(self.now);
            told.extend(self.settle());
        }
        told
    }

    fn role(&self) -> Role {
        self.node.status(Duration::from_secs(10), self.now).role
    }

    /// An owner of a journal of its own.
    fn owning() -> Self {
        let mut alone = Self::start(None, None, &[]);
        alone.pass(Duration::from_secs(10));
        assert_eq!(alone.role(), Role::Owner);
        alone
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_member_alone_owns_when_it_has_listened_long_enough() {
    let mut alone = Alone::start(None, None, &[]);
    assert_eq!(alone.role(), Role::Joining);
    assert!(alone.pass(seconds(4)).is_empty());
    assert_eq!(alone.role(), Role::Standby);
    let told = alone.pass(seconds(2));
    let epoch = Epoch { number: 1, nonce: OWN };
    let own = Output::Own { epoch, next: FIRST, cursor: 0, lost: None };
    assert_eq!(told, [Output::Adopt(CHARTER), own]);
    let status = alone.node.status(seconds(10), alone.now);
    assert_eq!((status.role, status.owner), (Role::Owner, Some(Name::from("own"))));
}

#[test]
fn the_broker_may_make_a_member_claim_at_once() {
    let mut alone = Alone::start(None, None, &[]);
    alone.pass(seconds(3));
    alone.node.set_active(true, alone.now);
    assert!(alone.settle().iter().any(|output| matches!(output, Output::Own { .. })));
}

#[test]
fn units_are_durable_when_they_are_read_back_and_not_before() {
    let mut alone = Alone::owning();
    alone.is_up = false;
    alone.node.give(units("ab"), alone.now);
    assert!(alone.settle().is_empty());
    alone.node.confirmed(99);
    assert!(alone.settle().is_empty());
    // they were lost without an error: they are appended again
    alone.is_up = true;
    let told = alone.pass(seconds(1));
    let epoch = Epoch { number: 1, nonce: OWN };
    let Some((offset, _)) = alone
        .stream
        .iter()
        .rev()
        .find(|(_, body)| matches!(Record::decode(body), Ok(Record::Units(_))))
    else {
        panic!("units");
    };
    let Progress { next, chain } = behind("ab");
    let position = Position { epoch, next, chain, offset: *offset };
    assert_eq!(told, [Output::Apply { units: units("ab"), position }, Output::Durable { next }]);
}

#[test]
fn a_lost_probe_or_opening_is_appended_again() {
    let mut alone = Alone::start(None, None, &[]);
    alone.is_up = false;
    alone.pass(seconds(3));
    alone.is_up = true;
    alone.pass(seconds(2));
    assert_eq!(alone.role(), Role::Standby);
    alone.node.set_active(true, alone.now);
    // the probe of the claim arrives, and its opening record does not
    let mut probe = None;
    while let Some(output) = alone.node.output() {
        if let Output::Append { body, .. } = output {
            probe = Some(body);
        }
    }
    alone.append_at(500, probe.expect("a probe"));
    alone.is_up = false;
    alone.settle();
    alone.is_up = true;
    assert!(alone.pass(seconds(9)).iter().any(|output| matches!(output, Output::Own { .. })));
}

#[test]
fn who_attaches_behind_the_end_looks_from_the_first_record_on() {
    // Given a store whose last place the journal has no more
    let epoch = Epoch { number: 1, nonce: OTHER };
    let Progress { next, chain } = behind("abc");
    let last = Position { epoch, next, chain, offset: 90 };
    let found = [other_opens(1, ""), other_appends(1, "", "ab")];
    let mut alone = Alone::start(Some(behind("abc")), Some(last), &found);
    assert_eq!(alone.node.output(), Some(Output::Attach(From::Offset(90))));
    alone.reads_from = 90;
    alone.pass(Duration::from_millis(900));
    assert_eq!(alone.role(), Role::Joining);
    // When nothing comes, then it looks from the first record on, and appends what the journal lost
    let told = alone.pass(seconds(6));
    let own = |output: &Output| matches!(output, Output::Own { lost: Some((3, 4)), .. });
    assert!(told.iter().any(own), "{told:?}");
    alone.node.restore(units("c"), alone.now);
    assert!(alone.settle().contains(&Output::Durable { next }));
}

#[test]
fn a_standby_follows_and_claims_when_the_owner_is_silent() {
    let found = [other_opens(1, ""), other_appends(1, "", "ab")];
    let mut alone = Alone::start(None, None, &found);
    let told = alone.pass(seconds(1));
    assert!(matches!(told[..], [Output::Adopt(CHARTER), Output::Apply { .. }]), "{told:?}");
    for _ in 0..4 {
        alone.append(&other_ticks(1));
        assert!(alone.pass(seconds(3)).is_empty());
        assert_eq!(alone.role(), Role::Standby);
    }
    let told = alone.pass(seconds(3));
    assert!(matches!(told[..], [Output::Own { epoch: Epoch { number: 2, .. }, next: 3, .. }]));
    // When another one opens, then it is fenced, and says nothing more
    alone.node.give(units("c"), alone.now);
    while alone.node.output().is_some() {}
    alone.append(&other_opens(3, "ab"));
    let by = Epoch { number: 3, nonce: OTHER };
    assert_eq!(alone.settle(), [Output::Fenced { by, node: "other".to_owned() }]);
    alone.node.give(units("d"), alone.now);
    assert!(alone.pass(seconds(10)).is_empty());
}

/// The broker does not know who owns.
#[test]
fn a_standby_leaves_the_commands_to_an_owner_that_lives_and_gets_none() {
    let mut alone = Alone::start(None, None, &[other_opens(1, "")]);
    alone.pass(seconds(1));
    alone.append(&other_ticks(1));
    alone.pass(seconds(0));
    // Given an owner that says that it gets no commands
    alone.node.set_active(true, alone.now);
    // Then they are left to it, once
    assert_eq!(alone.settle(), [Output::PassOn]);
    alone.append(&other_ticks(1));
    assert_eq!(alone.pass(seconds(1)), []);
    // When they come again, then the owner cannot consume
    alone.append(&other_ticks(1));
    alone.pass(seconds(0));
    alone.node.set_active(true, alone.now);
    assert!(alone.settle().iter().any(|output| matches!(output, Output::Own { .. })));
}

/// What a member reads to catch up is from an owner that may be gone.
#[test]
fn a_member_that_catches_up_leaves_the_commands_to_nobody() {
    let mut alone = Alone::start(None, None, &[other_opens(1, ""), other_ticks(1)]);
    alone.settle();
    assert_eq!(alone.role(), Role::Standby);
    alone.node.set_active(true, alone.now);
    let told = alone.pass(seconds(3));
    assert!(!told.contains(&Output::PassOn), "{told:?}");
    assert!(told.iter().any(|output| matches!(output, Output::Own { .. })), "{told:?}");
}

#[test]
fn a_standby_claims_at_once_when_the_owner_had_the_commands_or_is_silent() {
    for silent in [false, true] {
        let mut alone = Alone::start(None, None, &[other_opens(1, "")]);
        alone.pass(seconds(3));
        if silent {
            alone.append(&other_ticks(1));
            alone.pass(seconds(1));
        } else {
            alone.append(&other_ticks_active(1));
            alone.append(&other_appends(1, "", "ab"));
            alone.pass(seconds(0));
        }
        alone.node.set_active(true, alone.now);
        assert!(alone.settle().iter().any(|output| matches!(output, Output::Own { .. })));
    }
}

#[test]
fn an_owner_that_did_not_read_itself_for_long_claims_before_it_appends() {
    let mut alone = Alone::owning();
    let opened = alone.stream.len();
    // Given that nothing moved for a while, as when the process was frozen
    alone.now.monotonic += seconds(6);
    alone.node.give(units("a"), alone.now);
    let told = alone.pass(seconds(1));
    // When it goes on, then its units come behind another opening record
    let records = alone.stream[opened..].iter().map(|(_, body)| Record::decode(body));
    let kinds: Vec<_> = records
        .map(|record| match record {
            Ok(Record::Probe(_)) => "probe",
            Ok(Record::Open(_)) => "open",
            Ok(Record::Units(_)) => "units",
            _ => "other",
        })
        .collect();
    assert_eq!(kinds[..3], ["probe", "open", "units"]);
    assert!(told.contains(&Output::Durable { next: 2 }), "{told:?}");
}

#[test]
fn an_owner_leaves_when_everything_is_durable() {
    let mut alone = Alone::owning();
    alone.is_up = false;
    alone.node.give(units("a"), alone.now);
    alone.settle();
    alone.node.leave(alone.now);
    assert!(alone.settle().is_empty());
    alone.is_up = true;
    let told = alone.pass(seconds(3));
    assert_eq!(told[1..], [Output::Durable { next: 2 }, Output::Left]);
}

#[test]
fn an_owner_does_not_leave_before_the_journal_has_what_it_lost() {
    // Given an owner whose journal lost units
    let epoch = Epoch { number: 1, nonce: OTHER };
    let Progress { next, chain } = behind("abc");
    let last = Position { epoch, next, chain, offset: 90 };
    let found = [other_opens(1, ""), other_appends(1, "", "ab")];
    let mut alone = Alone::start(Some(behind("abc")), Some(last), &found);
    alone.reads_from = 90;
    alone.pass(seconds(7));
    assert_eq!(alone.role(), Role::Owner);
    // When it is asked to leave before its store has given them
    alone.node.leave(alone.now);
    assert_eq!(alone.pass(seconds(3)), []);
    // Then it leaves when they are durable again
    alone.node.restore(units("c"), alone.now);
    let told = alone.pass(seconds(1));
    assert_eq!(told[1..], [Output::Durable { next }, Output::Left], "{told:?}");
}

#[test]
fn messages_that_are_no_records_are_ignored_and_newer_records_are_not() {
    let mut alone = Alone::owning();
    alone.append_at(alone.end(), Bytes::from_static(b"hello"));
    assert!(alone.pass(seconds(1)).is_empty());
    assert_eq!(alone.role(), Role::Owner);
    let found = crate::record::VERSION + 1;
    alone.append_at(alone.end(), vec![b'o', b'j', found, 1].into());
    let newer = crate::record::Error::Newer { found };
    assert_eq!(alone.pass(seconds(1)), [Output::Refused(Refusal::Unreadable(newer))]);
}

#[test]
fn a_store_does_not_begin_again_in_an_empty_journal() {
    let epoch = Epoch { number: 1, nonce: OTHER };
    let Progress { next, chain } = behind("ab");
    let last = Position { epoch, next, chain, offset: 7 };
    let mut alone = Alone::start(Some(behind("ab")), Some(last), &[]);
    assert_eq!(alone.pass(seconds(5)), [Output::Refused(Refusal::Gone)]);
}

#[test]
fn the_journal_of_another_store_or_partition_is_refused() {
    let Record::Open(mut open) = other_opens(1, "") else { panic!("an opening") };
    open.charter.partition = 3;
    let mut alone = Alone::start(None, None, &[Record::Open(open.clone())]);
    assert_eq!(alone.pass(seconds(1)), [Output::Refused(Refusal::AnotherJournal)]);
    open.charter = Charter { incarnation: [8; 16], ..CHARTER };
    let mut alone = Alone::start(Some(behind("a")), None, &[Record::Open(open)]);
    assert_eq!(alone.pass(seconds(1)), [Output::Refused(Refusal::AnotherJournal)]);
}

#[test]
fn a_store_with_units_begins_an_empty_journal_where_it_ends() {
    let mut alone = Alone::start(Some(behind("ab")), None, &[]);
    let told = alone.pass(seconds(9));
    assert!(matches!(told[..], [Output::Own { next: 3, lost: None, .. }]), "{told:?}");
    // an empty store cannot follow from there
    let stream: Vec<Record> =
        alone.stream.iter().filter_map(|(_, body)| Record::decode(body).ok()).collect();
    let mut alone = Alone::start(None, None, &stream);
    let told = alone.pass(seconds(1));
    assert_eq!(told.last(), Some(&Output::Refused(Refusal::Passed { first: 3 })));
}

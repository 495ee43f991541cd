use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

const EPOCH: Epoch = Epoch { number: 0x0102, nonce: Nonce(*b"0123456789abcdef") };
const FROM: Progress = Progress { next: 77, chain: Chain([3; 32]) };

fn unit(span: u32, bytes: &'static [u8]) -> Unit {
    Unit { span, bytes: Bytes::from_static(bytes) }
}

fn charter() -> Charter {
    Charter { incarnation: [7; 16], partition: 3, partitions: 8 }
}

fn samples() -> Vec<(&'static str, Record)> {
    let node = || Name { node: "node-1".to_owned(), url: "http://node-1:8080".to_owned() };
    let open =
        Open { epoch: EPOCH, node: node(), charter: charter(), from: FROM, cursor: 70, at: 9 };
    let units = Units::new(EPOCH, FROM, 71, -9, vec![unit(1, b""), unit(4, b"unit")]);
    let (next, cursor, at) = (82, 72, 1 << 50);
    let tick = Tick {
        epoch: EPOCH,
        node: node(),
        next,
        chain: None,
        cursor,
        at,
        active: true,
        paused: false,
    };
    let tick_with_chain = Tick { chain: Some(Chain([4; 32])), ..tick.clone() };
    let tick_paused = Tick { active: false, paused: true, ..tick_with_chain.clone() };
    let close = Close { epoch: EPOCH, cursor: 82, at: 10 };
    let probe = Probe { nonce: EPOCH.nonce, node: node(), serial: 5, stored: None };
    let probe_of_a_store = Probe { stored: Some(FROM), ..probe.clone() };
    vec![
        ("open", Record::Open(open)),
        ("units", Record::Units(units)),
        ("tick", Record::Tick(tick)),
        ("close", Record::Close(close)),
        ("probe", Record::Probe(probe)),
        ("probe of a store", Record::Probe(probe_of_a_store)),
        ("tick with the chain", Record::Tick(tick_with_chain)),
        ("tick of a paused owner", Record::Tick(tick_paused)),
    ]
}

/// The bytes never change: members of different builds read one journal.
#[test]
fn records_are_written_as_their_golden_bytes() {
    let mut written = String::new();
    for (name, record) in samples() {
        writeln!(written, "{name}: {}", hex::encode(record.encode())).expect("a string");
    }
    assert_eq!(written, include_str!("golden.txt"));
}

#[test]
fn records_come_back() {
    for (name, record) in samples() {
        assert_eq!(Record::decode(&record.encode()), Ok(record), "{name}");
    }
}

#[test]
fn a_record_of_a_newer_build_is_named_as_such() {
    for (_, record) in samples() {
        let mut newer = record.encode().to_vec();
        newer[2] = VERSION + 1;
        assert_eq!(Record::decode(&newer.into()), Err(Error::Newer { found: VERSION + 1 }));
    }
}

/// Members of an earlier build must read what a member of this one writes before it owns.
#[test]
fn only_what_has_changed_has_a_newer_version() {
    for (name, record) in samples() {
        let version = match name {
            "tick with the chain" => 2,
            "tick of a paused owner" => 3,
            _ => 1,
        };
        assert_eq!(record.encode()[2], version, "{name}");
        if !matches!(record, Record::Tick(_)) {
            let mut other = record.encode().to_vec();
            other[2] = 2;
            assert_eq!(Record::decode(&other.into()), Err(Error::Damaged), "{name}");
        }
    }
}

#[test]
fn any_other_message_is_foreign() {
    for body in [&b""[..], b"o", b"hello", b"{\"a\": 1}"] {
        assert_eq!(Record::decode(&Bytes::from_static(body)), Err(Error::Foreign));
    }
}

/// Every bit of a record counts.
#[test]
fn a_damaged_record_is_never_read_as_another() {
    for (name, record) in samples() {
        let bytes = record.encode();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Record::decode(&damaged.into()).is_err(), "{name}, bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(Record::decode(&bytes.slice(..length)).is_err(), "{name}, {length} bytes");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(Record::decode(&longer.into()), Err(Error::Damaged), "{name}, a byte more");
    }
}

#[test]
fn a_name_that_is_too_long_is_cut_between_characters() {
    let node = "ü".repeat(200);
    let node = Name { node, url: "http://ü".repeat(40) };
    let probe = Probe { nonce: EPOCH.nonce, node, serial: 1, stored: None };
    let Ok(Record::Probe(read)) = Record::decode(&Record::Probe(probe).encode()) else {
        panic!("a probe");
    };
    assert_eq!(read.node.node, "ü".repeat(127));
    assert_eq!(read.node.url.len(), 255);
}

#[test]
fn the_chain_does_not_depend_on_records_and_tells_spans_apart() {
    let start = Chain::start(&[1; 16], 1, b"last");
    let (a, b) = (unit(1, b"a"), unit(2, b"b"));
    assert_eq!(start.over([&a, &b]), start.then(&a).then(&b));
    assert_ne!(start.over([&a, &b]), start.over([&b, &a]));
    assert_ne!(start.then(&unit(1, b"b")), start.then(&b));
    assert_ne!(start, Chain::start(&[1; 16], 1, b"other"));
    assert_ne!(start, Chain::start(&[1; 16], 2, b"last"));
    assert_ne!(start, Chain::start(&[2; 16], 1, b"last"));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(kind in 0..8_u8, rest: Vec<u8>) {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([VERSION, kind]);
        bytes.extend(&rest);
        // a random check is right once in 2^64 cases
        prop_assert_eq!(Record::decode(&bytes.into()), Err(Error::Damaged));
        let _ = Record::decode(&rest.into());
    }

    /// A record whose head is right and whose count of units is not: the count is covered by the check, so it is made
    /// anew here.
    #[test]
    fn a_wrong_count_allocates_nothing(count in 3..u32::MAX) {
        let units = Units::new(EPOCH, FROM, 71, -9, vec![unit(1, b""), unit(4, b"unit")]);
        let mut bytes = units.encode().to_vec();
        let at = bytes.len() - (8 + 8 + 4) - 8 - 4;
        bytes[at..at + 4].copy_from_slice(&count.to_le_bytes());
        let check = encode::check(&bytes[..at + 4]);
        bytes[at + 4..at + 12].copy_from_slice(&check);
        prop_assert_eq!(Record::decode(&bytes.into()), Err(Error::Damaged));
    }
}

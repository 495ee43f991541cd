//! The stored numbers of enums. A row never changes; the number of a variant that is gone stays in
//! the table under the name `-`, so that no other variant gets it.

mod support;

use minicbor::{Decode, Encode};
use orderly_domain::cart::CartStatus;
use orderly_domain::command::{CallbackKind, DisputeOutcome, Kind};
use orderly_domain::event::{ReleaseReason, ReviewReason};
use orderly_domain::inventory::HoldState;
use orderly_domain::notification::{Channel, Failure, NotificationKind, Progress};
use orderly_domain::order::Status;
use orderly_domain::parked::Parked;
use orderly_domain::payment::{AttemptState, CaptureIdentity, DisputeState, RefundState};
use orderly_domain::record::CommandName;
use orderly_domain::stored::Stored;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Detail, Reason, Verdict};
use std::collections::BTreeSet;
use std::fmt::Debug;
use support::{at, id};

/// (enum, number, variant)
const TABLE: &str = include_str!("golden/numbers.txt");

fn table(of: &str) -> Vec<(u8, &'static str)> {
    let rows = TABLE.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()? == of).then(|| {
            let number = words.next().and_then(|number| number.parse().ok());
            (number.expect("is a number"), words.next().expect("is a variant"))
        })
    });
    rows.collect()
}

/// The name of a variant, as `Debug` shows it.
fn variant(value: &impl Debug) -> String {
    let shown = format!("{value:?}");
    shown.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

/// The number that a value is stored with: of an enum with data, the first item of its array.
fn number(value: &impl Encode<()>) -> u8 {
    let bytes = minicbor::to_vec(value).expect("can be written");
    let mut decoder = minicbor::Decoder::new(&bytes);
    if decoder.datatype().ok() == Some(minicbor::data::Type::Array) {
        assert_ne!(decoder.array().expect("is an array"), Some(0));
    }
    decoder.u8().expect("is a number")
}

/// The values, one of each variant at least, have the numbers of the table, and no others are read.
fn check<T: Encode<()> + for<'b> Decode<'b, ()> + Debug>(of: &str, values: &[T]) {
    let rows = table(of);
    let numbers: BTreeSet<_> = rows.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers.len(), rows.len(), "{of}: a number twice");
    let found: BTreeSet<_> = values.iter().map(|value| (number(value), variant(value))).collect();
    let live = rows.iter().filter(|(_, variant)| *variant != "-");
    let expected = live.map(|(number, variant)| (*number, (*variant).to_owned())).collect();
    assert_eq!(found, expected, "{of}");
    for (number, _) in rows.iter().filter(|(_, variant)| *variant == "-") {
        assert!(minicbor::decode::<T>(&[*number]).is_err(), "{of}: {number} is gone");
    }
}

macro_rules! all {
    ($($type:ident),*) => {$(
        check(stringify!($type), $type::ALL);
    )*};
}

#[test]
fn enums_without_data_keep_their_numbers() {
    all!(
        Status,
        Verdict,
        Reason,
        CallbackKind,
        DisputeOutcome,
        Kind,
        ReleaseReason,
        ReviewReason,
        Channel,
        NotificationKind,
        AttemptState,
        RefundState,
        DisputeState,
        CartStatus
    );
}

#[test]
fn enums_with_data_keep_their_numbers() {
    check("Event", &support::events());
    check("OrderChange", &support::changes());
    check("Origin", &support::origins());
    check("CommandName", &[CommandName::Known(Kind::StockSet), CommandName::Other(None)]);
    check("Detail", &[Detail::Text(String::new()), Detail::Shortages(Vec::new())]);
    check("CaptureIdentity", &[CaptureIdentity::Capture(id("c")), CaptureIdentity::Event(id("e"))]);
    let holds: Vec<_> =
        support::reservations().into_iter().map(|(_, reservation)| reservation.state).collect();
    check("HoldState", &holds);
    check(
        "Progress",
        &[
            Progress::Pending { not_before: at(1) },
            Progress::Delivered { at: at(2) },
            Progress::Exhausted { at: at(3) },
        ],
    );
    check(
        "Failure",
        &[
            Failure::Unroutable,
            Failure::Unconfirmed,
            Failure::NoConnection,
            Failure::Timeout,
            Failure::Broken,
            Failure::Status(503),
            Failure::Unavailable,
            Failure::Removed,
        ],
    );
    // a variant that is missing above would not be missed there
    let _: fn(&HoldState, &Failure, &Progress) = |hold, failure, progress| {
        match hold {
            HoldState::Held { .. }
            | HoldState::Committed
            | HoldState::Released
            | HoldState::Expired => {}
        }
        match failure {
            Failure::Unroutable
            | Failure::Unconfirmed
            | Failure::NoConnection
            | Failure::Timeout
            | Failure::Broken
            | Failure::Status(_)
            | Failure::Unavailable
            | Failure::Removed => {}
        }
        match progress {
            Progress::Pending { .. } | Progress::Delivered { .. } | Progress::Exhausted { .. } => {}
        }
    };
}

/// A number that no variant has is an error, also where the field is optional: derived code would
/// read it as nothing.
#[test]
fn an_unknown_number_is_never_read_as_nothing() {
    let parked = |reason: u8, detail: &[u8]| {
        let mut bytes = vec![Parked::VERSION, 0x8b, reason, 0xf6, 0xf6, 0xf6, 0xf6, 0xf6, 0, 1];
        bytes.extend(detail);
        bytes.extend([0x05, 0xf4]);
        Parked::read(&bytes)
    };
    let good = parked(1, &[0xf6]).expect("is good");
    assert_eq!((good.reason, good.received_at), (Reason::UnknownSku, Timestamp::EPOCH));
    let text = parked(1, &[0x82, 0, 0x61, b'x']).expect("is good");
    assert_eq!(text.detail, Some(Detail::from("x")));
    assert!(parked(23, &[0xf6]).is_ok());
    for (reason, detail) in [(0x17 + 1, &[0xf6][..]), (1, &[0x82, 7, 0x61, b'x']), (1, &[0x81, 7])]
    {
        assert!(parked(reason, detail).is_err(), "{reason}, {detail:?}");
    }
    let optional = [0x81, 0x18, 200]; // Option<Reason> as a field of a tuple
    assert!(minicbor::decode::<(Option<Reason>,)>(&optional).is_err());
}

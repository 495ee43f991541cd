//! The stored numbers of enums: those of the table in `golden/numbers.txt`. (Those of the core: see
//! `actors/tests/stored_numbers.rs`.)

mod support;

use minicbor::{Decode, Encode};
use orderly_domain::cart::CartStatus;
use orderly_domain::command::{CallbackKind, DisputeOutcome, Kind};
use orderly_domain::event::{ReleaseReason, ReviewReason};
use orderly_domain::inventory::HoldState;
use orderly_domain::notification::{Channel, Failure, NotificationKind, Progress};
use orderly_domain::order::{ConfirmOn, Status};
use orderly_domain::parked::{Parked, ResolutionKind};
use orderly_domain::payment::{
    AttemptState, CaptureIdentity, DisputeState, FoldedContent, RefundState,
};
use orderly_domain::record::CommandName;
use orderly_domain::stored::Stored;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Detail, Reason, Verdict};
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::Path;
use support::{at, every, id, numbers};

/// The number that a value is stored with: of an enum with data, the first item of its array.
fn number(value: &impl Encode<()>) -> u8 {
    let bytes = minicbor::to_vec(value).expect("can be written");
    let mut decoder = minicbor::Decoder::new(&bytes);
    if decoder.datatype().ok() == Some(minicbor::data::Type::Array) {
        assert_ne!(decoder.array().expect("is an array"), Some(0));
    }
    decoder.u8().expect("is a number")
}

/// Checks that the values, at least one of each variant, have the numbers of the table, and that no other number is read.
fn check<T: Encode<()> + for<'b> Decode<'b, ()> + Debug>(of: &str, values: &[T]) {
    numbers::check(of, values.iter().map(|value| (number(value), numbers::variant(value))));
    for gone in numbers::rows().iter().filter(|row| row.of == of && row.name == "-") {
        let number = gone.number;
        assert!(
            minicbor::decode::<T>(&[number]).is_err(),
            "{of}: {number} is of a removed variant"
        );
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
        ConfirmOn,
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
        CartStatus,
        ResolutionKind
    );
}

#[test]
fn enums_with_data_keep_their_numbers() {
    check("Event", &support::events());
    check("OrderChange", &support::changes());
    let origins: Vec<_> = support::origins().into_iter().map(|(_, origin)| origin).collect();
    check("Origin", &origins);
    check(
        "CommandName",
        &every! { CommandName:
            CommandName::Known(_) => [CommandName::Known(Kind::StockSet)],
            CommandName::Other(_) => [CommandName::Other(None)],
        },
    );
    check(
        "Detail",
        &every! { Detail:
            Detail::Text(_) => [Detail::Text(String::new())],
            Detail::Shortages(_) => [Detail::Shortages(Vec::new())],
        },
    );
    check(
        "CaptureIdentity",
        &every! { CaptureIdentity:
            CaptureIdentity::Capture(_) => [CaptureIdentity::Capture(id("c"))],
            CaptureIdentity::Event(_) => [CaptureIdentity::Event(id("e"))],
        },
    );
    let [attempt, refund, dispute, unknown, nothing] = <[_; 5]>::try_from(support::folded_items())
        .expect("are five")
        .map(|(_, item)| item.content);
    check(
        "FoldedContent",
        &every! { FoldedContent:
            FoldedContent::Nothing => [nothing.clone()],
            FoldedContent::Attempt(_) => [attempt.clone()],
            FoldedContent::Refund(_) => [refund.clone()],
            FoldedContent::Dispute(_) => [dispute.clone()],
            FoldedContent::RefundsOfUnknownAttempt(_) => [unknown.clone()],
        },
    );
    check(
        "HoldState",
        &every! { HoldState:
            HoldState::Held { .. } => [HoldState::held(at(1))],
            HoldState::Committed => [HoldState::Committed],
            HoldState::Released => [HoldState::Released],
            HoldState::Expired => [HoldState::Expired],
        },
    );
    check(
        "Progress",
        &every! { Progress:
            Progress::Pending { .. } => [Progress::Pending { not_before: at(1) }],
            Progress::Delivered { .. } => [Progress::Delivered { at: at(2) }],
            Progress::Exhausted { .. } => [Progress::Exhausted { at: at(3) }],
        },
    );
    check(
        "Failure",
        &every! { Failure:
            Failure::Unroutable => [Failure::Unroutable],
            Failure::Unconfirmed => [Failure::Unconfirmed],
            Failure::NoConnection => [Failure::NoConnection],
            Failure::Timeout => [Failure::Timeout],
            Failure::Broken => [Failure::Broken],
            Failure::Status(_) => [Failure::Status(503)],
            Failure::Unavailable => [Failure::Unavailable],
            Failure::Removed => [Failure::Removed],
            Failure::Refused => [Failure::Refused],
            Failure::Unresolved => [Failure::Unresolved],
            Failure::Tls => [Failure::Tls],
            Failure::Rejected => [Failure::Rejected],
        },
    );
}

/// Every enum in the source that is stored by number has rows in the table. A new enum without rows fails here.
#[test]
fn every_stored_enum_is_in_the_table() {
    fn enums(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("can be read") {
            let path = entry.expect("can be read").path();
            if path.is_dir() {
                enums(&path, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("is text");
            let mut rest = text.lines().map(str::trim);
            while let Some(line) = rest.next() {
                let is_head = line == "names! {" || line == "#[cbor(flat)]";
                if is_head && let Some(head) = rest.by_ref().find(|line| line.ends_with(" {")) {
                    let words: Vec<_> = head.split(' ').collect();
                    let name = words.iter().position(|word| *word == "enum").map_or(0, |at| at + 1);
                    found.insert(words[name].to_owned());
                }
            }
        }
    }
    let mut found = BTreeSet::from(["Kind".to_owned()]); // made by a macro of its own
    enums(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let of_core = [
        "Counter",
        "TimerKind",
        "Table",
        "OrdersPart",
        "CartsPart",
        "SkusPart",
        "ParkedPart",
        "FoldedPart",
        "ListKind",
    ];
    // the enum of a former version has the numbers that the enum has had since
    found.retain(|name| name != "FoldedContentVersion1");
    let rows = numbers::rows();
    let table = rows.iter().map(|row| row.of).filter(|of| !of_core.contains(of));
    assert_eq!(found, table.map(str::to_owned).collect());
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

//! Each kind of record of the shop, of every version.

use super::{Form, Target};
use crate::corpus;
use orderly_domain::cart::Cart;
use orderly_domain::inventory::{Reservation, Stock};
use orderly_domain::notification::Notices;
use orderly_domain::order::{Order, OrderDetails, Tombstone};
use orderly_domain::parked::{Parked, ParkedOfOrder, Resolution};
use orderly_domain::payment::{FoldedItem, Payments};
use orderly_domain::quarantine::Marker;
use orderly_domain::record::UnitRecord;
use orderly_domain::stored::{KINDS, Stored};
use std::fmt::Debug;

pub(super) fn targets() -> Vec<Target> {
    let targets = vec![
        target::<Order>(),
        target::<Tombstone>(),
        target::<Reservation>(),
        target::<Payments>(),
        target::<Notices>(),
        target::<Stock>(),
        target::<Cart>(),
        target::<UnitRecord>(),
        target::<Parked>(),
        target::<Marker>(),
        target::<OrderDetails>(),
        target::<FoldedItem>(),
        target::<ParkedOfOrder>(),
        target::<Resolution>(),
    ];
    assert_eq!(targets.len(), KINDS.len(), "every kind is a target");
    targets
}

/// What is read can be written, and is then read as the same.
fn target<T: Stored + PartialEq + Debug + 'static>() -> Target {
    let samples = corpus::golden(T::KIND);
    assert!(!samples.is_empty(), "{} has golden bytes", T::KIND);
    let name = format!("stored.{}", T::KIND.replace(' ', "_"));
    Target::new(name, Form::Cbor, 40, samples, |input| {
        let Ok(value) = T::read(input) else { return };
        let mut written = Vec::new();
        value.write(&mut written).expect("what was read can be written");
        assert_eq!(T::read(&written).expect("what was written can be read"), value);
    })
}

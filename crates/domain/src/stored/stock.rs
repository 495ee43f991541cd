//! The history of what is stored of a sku's stock.
//!
//! | version | what changed |
//! |---|---|
//! | 1 | the first |
//! | 2 | the version of the stock |

use super::{Error, Stored, fields_of};
use crate::id::Sku;
use crate::inventory::Stock;
use minicbor::Decode;

impl Stored for Stock {
    const KIND: &'static str = "stock";
    const VERSION: u8 = 2;

    fn upgrade(from: u8, fields: &[u8]) -> Result<Self, Error> {
        match from {
            1 => fields_of::<Version1>(Self::KIND, fields).map(Self::from),
            _ => Err(Error::Version { kind: Self::KIND, found: from, known: Self::VERSION }),
        }
    }
}

#[derive(Decode)]
struct Version1 {
    #[n(0)]
    sku: Sku,
    #[n(1)]
    on_hand: u64,
    #[n(2)]
    held: u64,
    #[n(3)]
    low_at: Option<u64>,
}

impl From<Version1> for Stock {
    fn from(old: Version1) -> Self {
        let Version1 { sku, on_hand, held, low_at } = old;
        // stock that exists has version 1 at least
        Self { sku, on_hand, held, low_at, version: 1 }
    }
}

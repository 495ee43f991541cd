//! The format of the content of a store: which versions its records have, and which numbers can be in them.
//!
//! A store says in its own files which format its content has. A build opens stores of its own
//! format and of earlier ones, whose records are upgraded when they are read; it refuses a store
//! of a later format.
//!
//! Beside this format stands that of the store's own records: `FORMAT` in `crates/store/src/format/history.rs`. A
//! store has both numbers, as `4.2`: the store's own, and this one.

/// The format that this build writes.
pub const FORMAT: u32 = FORMATS[FORMATS.len() - 1].number;

/// One format: the version of every kind of record in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Its number; formats count from 1.
    pub number: u32,
    /// The kinds that it has, with their versions.
    pub versions: &'static [(&'static str, u8)],
    /// How many numbers of enums, timers, counters, tables and parts there are up to this format: as many as
    /// `tests/golden/numbers.txt` has rows of it and of earlier ones.
    pub numbers: usize,
}

/// Every format that there was, the first one first. A row never changes once a build was released with it: a new
/// version or a new number is a row of its own.
pub const FORMATS: &[Format] = &[
    Format {
        number: 1,
        versions: &[
            ("order", 1),
            ("tombstone", 1),
            ("reservation", 1),
            ("payments", 1),
            ("notices", 1),
            ("stock", 1),
            ("cart", 1),
            ("unit record", 1),
            ("parked message", 1),
            ("quarantine marker", 1),
        ],
        numbers: 195,
    },
    Format {
        number: 2,
        versions: &[
            ("order", 1),
            ("tombstone", 1),
            ("reservation", 1),
            ("payments", 1),
            ("notices", 1),
            ("stock", 1),
            ("cart", 1),
            ("unit record", 1),
            ("parked message", 2),
            ("quarantine marker", 1),
        ],
        numbers: 195,
    },
    Format {
        number: 3,
        versions: &[
            ("order", 2),
            ("tombstone", 2),
            ("reservation", 2),
            ("payments", 2),
            ("notices", 1),
            ("stock", 2),
            ("cart", 1),
            ("unit record", 2),
            ("parked message", 2),
            ("quarantine marker", 1),
            ("order details", 1),
        ],
        numbers: 211,
    },
    Format {
        number: 4,
        versions: &[
            ("order", 2),
            ("tombstone", 2),
            ("reservation", 2),
            ("payments", 2),
            ("notices", 1),
            ("stock", 2),
            ("cart", 1),
            ("unit record", 2),
            ("parked message", 2),
            ("quarantine marker", 1),
            ("order details", 1),
        ],
        numbers: 212,
    },
    Format {
        number: 5,
        versions: &[
            ("order", 2),
            ("tombstone", 2),
            ("reservation", 2),
            ("payments", 2),
            ("notices", 1),
            ("stock", 2),
            ("cart", 1),
            ("unit record", 3),
            ("parked message", 3),
            ("quarantine marker", 2),
            ("order details", 1),
        ],
        numbers: 212,
    },
    Format {
        number: 6,
        versions: &[
            ("order", 2),
            ("tombstone", 2),
            ("reservation", 2),
            ("payments", 2),
            ("notices", 1),
            ("stock", 2),
            ("cart", 1),
            ("unit record", 3),
            ("parked message", 3),
            ("quarantine marker", 2),
            ("order details", 1),
        ],
        numbers: 216,
    },
    Format {
        number: 7,
        versions: &[
            ("order", 2),
            ("tombstone", 2),
            ("reservation", 2),
            ("payments", 3),
            ("notices", 2),
            ("stock", 2),
            ("cart", 1),
            ("unit record", 3),
            ("parked message", 3),
            ("quarantine marker", 2),
            ("order details", 1),
            ("folded payment", 1),
        ],
        numbers: 223,
    },
    Format {
        number: 8,
        versions: &[
            ("order", 2),
            ("tombstone", 2),
            ("reservation", 2),
            ("payments", 4),
            ("notices", 2),
            ("stock", 2),
            ("cart", 1),
            ("unit record", 3),
            ("parked message", 3),
            ("quarantine marker", 2),
            ("order details", 1),
            ("folded payment", 2),
        ],
        numbers: 223,
    },
    Format {
        number: 9,
        versions: &[
            ("order", 2),
            ("tombstone", 2),
            ("reservation", 2),
            ("payments", 4),
            ("notices", 2),
            ("stock", 2),
            ("cart", 1),
            ("unit record", 3),
            ("parked message", 4),
            ("quarantine marker", 2),
            ("order details", 1),
            ("folded payment", 2),
            ("parked of an order", 1),
        ],
        numbers: 225,
    },
    Format {
        number: 10,
        versions: &[
            ("order", 2),
            ("tombstone", 2),
            ("reservation", 2),
            ("payments", 4),
            ("notices", 2),
            ("stock", 2),
            ("cart", 1),
            ("unit record", 4),
            ("parked message", 4),
            ("quarantine marker", 2),
            ("order details", 1),
            ("folded payment", 2),
            ("parked of an order", 1),
            ("resolution", 1),
        ],
        numbers: 230,
    },
    Format {
        number: 11,
        versions: &[
            ("order", 2),
            ("tombstone", 2),
            ("reservation", 2),
            ("payments", 4),
            ("notices", 2),
            ("stock", 2),
            ("cart", 1),
            ("unit record", 4),
            ("parked message", 4),
            ("quarantine marker", 2),
            ("order details", 1),
            ("folded payment", 2),
            ("parked of an order", 1),
            ("resolution", 1),
        ],
        numbers: 246,
    },
    Format {
        number: 12,
        versions: &[
            ("order", 2),
            ("tombstone", 2),
            ("reservation", 2),
            ("payments", 4),
            ("notices", 2),
            ("stock", 2),
            ("cart", 1),
            ("unit record", 4),
            ("parked message", 5),
            ("quarantine marker", 2),
            ("order details", 1),
            ("folded payment", 2),
            ("parked of an order", 1),
            ("resolution", 1),
        ],
        numbers: 246,
    },
];

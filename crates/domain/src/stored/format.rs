//! The format of the content of a store: which versions its records have.
//!
//! A store says in its own files which format its content has. A build opens stores of its own
//! format and of earlier ones, whose records are upgraded when they are read; it refuses a store
//! of a later format.

/// The format that this build writes.
pub const FORMAT: u32 = FORMATS[FORMATS.len() - 1].number;

/// One format: the version of every kind of record in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Its number; formats count from 1.
    pub number: u32,
    /// The kinds that it has, with their versions.
    pub versions: &'static [(&'static str, u8)],
}

/// Every format that there was, the first one first. A row never changes once a build was
/// released with it: what changes is a row of its own.
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
    },
];

//! The lines of an export. Their form has a version; a later build reads every earlier one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use orderly_store::transfer::{About, Item};
use orderly_store::{
    Formats, IdentityHash, Incarnations, List, Name, NameHash, Ordinal, Partition, Posting, Seq,
    Table, Timer, Unit,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The version of the form that this build writes.
pub(super) const VERSION: u32 = 1;
/// The kind of the first line, and of the last one.
pub(super) const STORE: &str = "store";
pub(super) const END: &str = "end";

/// What an import reads of a line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Stored {
    Store {
        version: u32,
        namespace: String,
        /// The number of the partition, and how many there are; absent: all of the namespace.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        partition: Option<(u16, u16)>,
        incarnation: Uuid,
        /// Later incarnations, each with the first sequence that it holds for.
        later_incarnations: Vec<(u64, Uuid)>,
        /// The formats of the store and of its contents.
        format: (u32, u32),
        bucket_span: i64,
        next_sequence: u64,
        clock: i64,
        fired: i64,
        published_below: u64,
        ordinals: Vec<u64>,
        counters: Vec<i64>,
    },
    Entity {
        table: u8,
        ordinal: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        history: Option<u64>,
        /// The number of each part, and its value in Base64.
        parts: Vec<(u8, String)>,
    },
    Name {
        table: u8,
        #[serde(with = "hex::serde")]
        hash: [u8; 16],
        ordinal: u64,
    },
    Identity {
        #[serde(with = "hex::serde")]
        hash: [u8; 16],
        /// Eight bytes, the highest first: JSON has no exact numbers of 64 bits everywhere.
        #[serde(with = "hex::serde")]
        data: [u8; 8],
        sequence: u64,
        since: i64,
    },
    Posting {
        /// Eight bytes, the highest first.
        #[serde(with = "hex::serde")]
        list: [u8; 8],
        rank: i64,
        ordinal: u64,
    },
    Timer {
        due: i64,
        table: u8,
        ordinal: u64,
        purpose: u8,
    },
    /// In Base64.
    Unit {
        bytes: String,
    },
    End {
        /// The number of lines before this one.
        lines: u64,
        /// The checksum over all bytes of the lines before.
        sha256: String,
    },
}

impl Stored {
    pub(super) fn about(about: &About) -> Self {
        let (incarnation, later) = about.incarnations.parts();
        Self::Store {
            version: VERSION,
            namespace: about.namespace.clone(),
            partition: Some((about.partition.number, about.partition.of))
                .filter(|_| about.partition != Partition::WHOLE),
            incarnation,
            later_incarnations: later.iter().map(|(from, later)| (from.0, *later)).collect(),
            format: (about.formats.store, about.formats.contents),
            bucket_span: about.bucket_span,
            next_sequence: about.next.0,
            clock: about.clock,
            fired: about.fired,
            published_below: about.cursor.0,
            ordinals: about.ordinals.clone(),
            counters: about.counters.clone(),
        }
    }

    pub(super) fn item(item: &Item) -> Self {
        match item {
            Item::Entity { table, ordinal, history, parts } => Self::Entity {
                table: table.number(),
                ordinal: ordinal.0,
                history: history.map(|history| history.0),
                parts: parts.iter().map(|(part, value)| (*part, BASE64.encode(value))).collect(),
            },
            Item::Name(Name { table, hash, ordinal }) => {
                Self::Name { table: table.number(), hash: hash.0, ordinal: ordinal.0 }
            }
            Item::Identity { hash, data, seq, since } => Self::Identity {
                hash: hash.0,
                data: data.to_be_bytes(),
                sequence: seq.0,
                since: *since,
            },
            Item::Posting(Posting { list, rank, ordinal }) => {
                Self::Posting { list: list.0.to_be_bytes(), rank: *rank, ordinal: ordinal.0 }
            }
            Item::Timer(Timer { due, table, ordinal, kind }) => {
                Self::Timer { due: *due, table: table.number(), ordinal: ordinal.0, purpose: *kind }
            }
            Item::Unit(unit) => Self::Unit { bytes: BASE64.encode(unit.to_bytes()) },
        }
    }
}

/// What a line of an export says of its store.
pub(super) enum Meaning {
    Store { version: u32, about: About },
    Item(Item),
    End { lines: u64, sha256: String },
}

impl TryFrom<Stored> for Meaning {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        Ok(match stored {
            Stored::Store {
                version,
                namespace,
                partition,
                incarnation,
                later_incarnations,
                format: (store, contents),
                bucket_span,
                next_sequence,
                clock,
                fired,
                published_below,
                ordinals,
                counters,
            } => {
                let later = later_incarnations.into_iter().map(|(from, later)| (Seq(from), later));
                let about = About {
                    namespace,
                    partition: of_numbers(partition)?,
                    incarnations: Incarnations::from_parts(incarnation, later.collect()),
                    formats: Formats { store, contents },
                    bucket_span,
                    next: Seq(next_sequence),
                    clock,
                    fired,
                    cursor: Seq(published_below),
                    ordinals,
                    counters,
                };
                Self::Store { version, about }
            }
            Stored::Entity { table, ordinal, history, parts } => {
                let part = |(part, text): (u8, String)| Ok::<_, String>((part, bytes(&text)?));
                Self::Item(Item::Entity {
                    table: self::table(table)?,
                    ordinal: Ordinal(ordinal),
                    history: history.map(Seq),
                    parts: parts.into_iter().map(part).collect::<Result<_, _>>()?,
                })
            }
            Stored::Name { table, hash, ordinal } => Self::Item(Item::Name(Name {
                table: self::table(table)?,
                hash: NameHash(hash),
                ordinal: Ordinal(ordinal),
            })),
            Stored::Identity { hash, data, sequence, since } => Self::Item(Item::Identity {
                hash: IdentityHash(hash),
                data: u64::from_be_bytes(data),
                seq: Seq(sequence),
                since,
            }),
            Stored::Posting { list, rank, ordinal } => Self::Item(Item::Posting(Posting {
                list: List(u64::from_be_bytes(list)),
                rank,
                ordinal: Ordinal(ordinal),
            })),
            Stored::Timer { due, table, ordinal, purpose } => Self::Item(Item::Timer(Timer {
                due,
                table: self::table(table)?,
                ordinal: Ordinal(ordinal),
                kind: purpose,
            })),
            Stored::Unit { bytes } => {
                let unit = Unit::from_bytes(self::bytes(&bytes)?);
                Self::Item(Item::Unit(Box::new(unit.map_err(|error| error.to_string())?)))
            }
            Stored::End { lines, sha256 } => Self::End { lines, sha256 },
        })
    }
}

fn of_numbers(partition: Option<(u16, u16)>) -> Result<Partition, String> {
    match partition {
        None => Ok(Partition::WHOLE),
        Some((number, of)) if number < of => Ok(Partition { number, of }),
        Some((number, of)) => Err(format!("there is no partition {number} of {of}")),
    }
}

fn bytes(text: &str) -> Result<Bytes, String> {
    BASE64.decode(text).map(Bytes::from).map_err(|error| format!("is not Base64: {error}"))
}

fn table(number: u8) -> Result<Table, String> {
    if usize::from(number) < orderly_store::MAX_TABLES {
        Ok(Table::new(number))
    } else {
        Err(format!("there is no table {number}"))
    }
}

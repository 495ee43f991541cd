//! Lists: what operators find orders and parked messages by. Each state says in which lists its entity is, and at which
//! rank. The store keeps the lists, ordered by rank.
//!
//! A list has a number: the number of its kind, then a hash of what its entities have in common. Two lists of one kind may
//! have the same hash. So whoever reads a list compares what it finds with what was asked for.
//!
//! The numbers of the kinds and the hash are stored, so they never change (`tests/lists.rs`). From 128 on they are of lists
//! that expire in the store.
//!
//! | file | has |
//! |---|---|
//! | `order`, `reservation`, `payments`, `parked` | the lists of each state |
//! | `changes` | the difference between the lists of two values of a state |

mod changes;
mod order;
mod parked;
mod payments;
mod reservation;

pub use self::changes::{Changed, InLists, changes};
pub use self::order::of_order;
pub use self::parked::of_parked;
pub use self::payments::{has_pending_refund, of_folded_item, of_money, of_payments};
pub use self::reservation::of_reservation;

use crate::id::{CustomerId, Sku};
use crate::order::Status;

/// A kind of list. The number is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::VariantArray)]
#[repr(u8)]
pub enum Kind {
    /// Orders by status. Rank: when they were placed.
    Status = 1,
    /// Orders by the id of their customer. Rank: when they were placed.
    Customer = 2,
    /// Orders by the e-mail address of their customer, in lower case. Rank: when they were placed.
    Email = 3,
    /// Orders by the skus of their lines. Rank: when they were placed.
    Sku = 4,
    /// Orders with a dispute that is open or lost. Rank: when they were placed.
    Disputed = 5,
    /// Orders with a refund that waits for its provider. Rank: when they were placed.
    RefundPending = 6,
    /// Orders whose stock is held for a time. Rank: when the hold ends.
    Hold = 7,
    /// Orders that are not known yet, and for which callbacks wait. Rank: when the first of them came.
    Waiting = 8,
    /// Orders by the ids that providers gave: of attempts, captures, refunds and disputes; of captures without an id that
    /// of the event. Rank: 0.
    Reference = 9,
    /// Folded items of orders by the same ids. Rank: 0.
    FoldedReference = 10,
    /// Parked messages by the id of the message. Rank: when they were parked.
    ParkedCommand = 11,
    /// Parked messages by the event of a provider that they name. Rank: when they were parked.
    ParkedEvent = 12,
    /// Orders with money that a person must look at. Rank: when they were placed.
    Attention = 13,
    /// Units by the id of the message that they processed. It expires with the identity of the message. Rank: their time.
    Message = 128,
    /// Units by the event of a provider that they processed. It expires with the identity of the callback. Rank: their time.
    Event = 129,
}

impl Kind {
    /// Every kind, in the order of the numbers.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;
}

/// A list, by what its entities have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List<'a> {
    /// Orders of one status.
    Status(Status),
    /// Orders of one customer.
    Customer(&'a CustomerId),
    /// Orders whose customer has this e-mail address, however it is written in upper and lower case.
    Email(&'a str),
    /// Orders with a line of this sku.
    Sku(&'a Sku),
    /// Orders with a dispute that is open or lost.
    Disputed,
    /// Orders with a refund that waits for its provider.
    RefundPending,
    /// Orders whose stock is held for a time.
    Hold,
    /// Orders that are not known yet, and for which callbacks wait.
    Waiting,
    /// Orders with this id of a provider.
    Reference(&'a str),
    /// Folded items with this id of a provider.
    FoldedReference(&'a str),
    /// Orders with money that a person must look at.
    Attention,
    /// Parked messages with this id.
    ParkedCommand(&'a str),
    /// Parked messages that name this event of a provider.
    ParkedEvent(&'a str),
    /// Units that processed a message with this id.
    Message(&'a str),
    /// Units that processed this event of a provider.
    Event(&'a str),
}

impl List<'_> {
    /// The number of the list in the store: the number of the kind in the upper byte.
    pub fn number(self) -> u64 {
        let (kind, common) = match self {
            Self::Status(status) => (Kind::Status, u64::from(status as u8)),
            Self::Customer(id) => (Kind::Customer, hash(id.as_str())),
            Self::Email(email) => (Kind::Email, hash_of_lower_case(email)),
            Self::Sku(sku) => (Kind::Sku, hash(sku.as_str())),
            Self::Disputed => (Kind::Disputed, 0),
            Self::RefundPending => (Kind::RefundPending, 0),
            Self::Hold => (Kind::Hold, 0),
            Self::Waiting => (Kind::Waiting, 0),
            Self::Reference(id) => (Kind::Reference, hash(id)),
            Self::FoldedReference(id) => (Kind::FoldedReference, hash(id)),
            Self::Attention => (Kind::Attention, 0),
            Self::ParkedCommand(id) => (Kind::ParkedCommand, hash(id)),
            Self::ParkedEvent(id) => (Kind::ParkedEvent, hash(id)),
            Self::Message(id) => (Kind::Message, hash(id)),
            Self::Event(id) => (Kind::Event, hash(id)),
        };
        u64::from(kind as u8) << 56 | common
    }
}

/// A place of an entity: the number of a list, and the rank in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Listed {
    /// The number of the list.
    pub list: u64,
    /// The rank.
    pub rank: i64,
}

impl Listed {
    /// A place in a list.
    pub fn new(list: List, rank: i64) -> Self {
        Self { list: list.number(), rank }
    }
}

/// The e-mail address as it is compared: in lower case.
pub fn lower_case(email: &str) -> String {
    email.chars().flat_map(char::to_lowercase).collect()
}

fn hash_of_lower_case(email: &str) -> u64 {
    if email.is_ascii() {
        return hash_of(email.bytes().map(|byte| byte.to_ascii_lowercase()));
    }
    hash(&lower_case(email))
}

fn hash(text: &str) -> u64 {
    hash_of(text.bytes())
}

/// A hash of 56 bits: FNV-1a, mixed once more since its upper bits are nearly the same for similar texts. It resists nobody
/// who looks for texts with the same hash. Those would only make a list longer: see the module.
fn hash_of(bytes: impl Iterator<Item = u8>) -> u64 {
    let fnv = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (fnv ^ (fnv >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    (mixed ^ (mixed >> 33)) >> 8
}

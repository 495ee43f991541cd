//! The counters of the store. The number of a counter is stored, so its meaning never changes
//! (`tests/stored_numbers.rs`).

use orderly_domain::order::Status;
use orderly_domain::verdict::Reason;
use orderly_store::View;

/// Callbacks that wait for their order.
pub const WAITING: u8 = 32;

/// Bytes that are stored of parked messages.
pub const PARKED_BYTES: u8 = 33;

/// How far the store was brought up to date, see [`UP_TO_DATE`].
pub const UPGRADED: u8 = 50;

/// The value of [`UPGRADED`] of a store that is up to date. 1: every capture has a name in the index. 2: so has every attempt
/// with an authorization or money, and the orders know what was sent back before they were paid.
pub const UP_TO_DATE: i64 = 2;

/// 1 once every parked message that names an order is linked to it. Earlier builds linked none.
pub const PARKED_LINKED: u8 = 51;

/// 1 once every entity in the store is in its lists. Earlier builds had no lists.
pub const LISTS_BUILT: u8 = 52;

/// The reasons why messages are parked. Each variant has the number of its counter.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr, strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
#[repr(u8)]
pub enum ParkedReason {
    /// The message is not JSON, or has no valid envelope.
    Malformed = 40,
    /// The type of the command does not exist.
    UnknownType = 41,
    /// The data breaks a rule.
    Validation = 42,
    /// The message is longer than `intake.max_command_size`.
    TooLarge = 43,
    /// The deadline of the message has passed.
    Deadline = 44,
    /// The command is older than identities are kept.
    ExpiredIdentity = 45,
    /// The identity was seen before with other data.
    Conflict = 46,
    /// The command still failed after every retry.
    Failed = 47,
    /// There is no room for another waiting callback.
    WaitingFull = 48,
    /// The order of a waiting callback never came.
    OrderNeverCame = 49,
}

impl ParkedReason {
    /// Every reason, in the order of the numbers.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name in metrics and in the admin API. It is the name of the [`Reason`].
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The reason with that name. `None`: no reason has it.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }
}

impl schemars::JsonSchema for ParkedReason {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ParkedReason".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<_> = Self::ALL.iter().map(|reason| reason.as_str()).collect();
        schemars::json_schema!({
            "type": "string", "enum": names, "description": "Why a message was parked.",
        })
    }
}

impl From<Reason> for ParkedReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Malformed => Self::Malformed,
            Reason::UnknownType => Self::UnknownType,
            Reason::Validation => Self::Validation,
            Reason::TooLarge => Self::TooLarge,
            Reason::Deadline => Self::Deadline,
            Reason::ExpiredIdentity => Self::ExpiredIdentity,
            Reason::Conflict => Self::Conflict,
            Reason::WaitingFull => Self::WaitingFull,
            Reason::OrderNeverCame => Self::OrderNeverCame,
            // the other reasons belong to refusals; a message with such a reason counts as failed
            Reason::Failed
            | Reason::OutOfStock
            | Reason::UnknownSku
            | Reason::BelowHeld
            | Reason::CartNotFound
            | Reason::CartEmpty
            | Reason::CartClosed
            | Reason::VersionMismatch
            | Reason::TotalMismatch
            | Reason::CurrencyMismatch
            | Reason::OrderExists
            | Reason::OrderNotFound
            | Reason::NotAllowed
            | Reason::RefundExceedsPaid
            | Reason::RefundExists
            | Reason::RestockExceedsSold => Self::Failed,
        }
    }
}

/// The counter of the messages parked for `reason`.
pub fn of_parked(reason: ParkedReason) -> u8 {
    reason as u8
}

/// How many messages are parked for `reason`.
pub fn parked(view: &View, reason: ParkedReason) -> u64 {
    count(view, of_parked(reason))
}

/// How many messages are parked for all reasons together.
pub fn parked_in_all(view: &View) -> u64 {
    ParkedReason::ALL.iter().map(|reason| parked(view, *reason)).sum()
}

/// How many bytes are stored of parked messages.
pub fn parked_bytes(view: &View) -> u64 {
    count(view, PARKED_BYTES)
}

/// The counter of the orders in `status`.
pub fn of_status(status: Status) -> u8 {
    match status {
        Status::Rejected => 0,
        Status::AwaitingPayment => 1,
        Status::PartiallyPaid => 2,
        Status::UnderReview => 3,
        Status::Paid => 4,
        Status::Completed => 5,
        Status::Expired => 6,
        Status::Cancelled => 7,
        Status::RefundDue => 8,
        Status::PartiallyRefunded => 9,
        Status::Refunded => 10,
        Status::Authorized => 11,
    }
}

/// How many orders have `status`.
pub fn orders(view: &View, status: Status) -> u64 {
    count(view, of_status(status))
}

/// How far the store is from being up to date: 0 when it is.
pub fn to_upgrade(view: &View) -> i64 {
    UP_TO_DATE - view.counters()[usize::from(UPGRADED)]
}

/// Whether every parked message that names an order is linked to it.
pub fn parked_are_linked(view: &View) -> bool {
    count(view, PARKED_LINKED) > 0
}

/// Whether every entity in the store is in its lists.
pub fn lists_are_built(view: &View) -> bool {
    count(view, LISTS_BUILT) > 0
}

/// How many callbacks wait for their order.
pub fn waiting(view: &View) -> u64 {
    count(view, WAITING)
}

fn count(view: &View, index: u8) -> u64 {
    u64::try_from(view.counters()[usize::from(index)]).unwrap_or(0)
}

//! Events: what happened. Recorded in the journal, told to whoever subscribes.
//!
//! An event holds what only it knows; what belongs to its order, cart or reservation is in
//! the state that the same unit carries, and [`payload`] joins the two for the outside.

pub mod payload;

use crate::command::CallbackKind;
use crate::id::{AttemptId, CartId, CommandId, DisputeId, Provider, RefundId, Sku, Source};
use crate::money::Currency;
use crate::names::names;
use crate::notification::{Channel, Failure, NotificationKind};
use crate::order::OrderSnapshot;
use crate::verdict::{Detail, Reason, Verdict};
use minicbor::{Decode, Encode};

/// Something that happened.
///
/// Stored by the number of its variant: new ones go to the end.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Event {
    /// An order changed its status, or was placed.
    #[n(0)]
    Order {
        /// What happened to it.
        #[n(0)]
        change: OrderChange,
        /// How it looked right after.
        #[n(1)]
        snapshot: OrderSnapshot,
    },
    /// A provider told something of an order's money.
    #[n(1)]
    PaymentRecorded {
        /// Who told.
        #[n(0)]
        provider: Provider,
        /// The attempt it was about.
        #[n(1)]
        attempt_id: AttemptId,
        /// What was told.
        #[n(2)]
        kind: CallbackKind,
        /// What became of it.
        #[n(3)]
        verdict: Verdict,
        /// Its own share of money.
        #[n(4)]
        amount: Option<i64>,
        /// Currency of the amount.
        #[n(5)]
        currency: Option<Currency>,
        /// The refund it was about.
        #[n(6)]
        refund_id: Option<RefundId>,
        /// The dispute it was about.
        #[n(7)]
        dispute_id: Option<DisputeId>,
    },
    /// The payment adapter must send money back.
    #[n(2)]
    RefundRequested {
        /// The refund's id, derived from what it refunds.
        #[n(0)]
        refund_id: RefundId,
        /// The attempt whose money it is, where that is one.
        #[n(1)]
        attempt_id: Option<AttemptId>,
        /// Minor units.
        #[n(2)]
        amount: i64,
        /// Currency of the amount.
        #[n(3)]
        currency: Currency,
    },
    /// The payment adapter must give up an authorization.
    #[n(3)]
    VoidRequested {
        /// The attempt.
        #[n(0)]
        attempt_id: AttemptId,
    },
    /// Available fell to the mark or below.
    #[n(4)]
    StockLow {
        /// The article.
        #[n(0)]
        sku: Sku,
        /// Units left.
        #[n(1)]
        available: u64,
    },
    /// On hand was set or adjusted.
    #[n(5)]
    StockChanged {
        /// The article.
        #[n(0)]
        sku: Sku,
        /// Units in the house.
        #[n(1)]
        on_hand: u64,
        /// Units set aside.
        #[n(2)]
        held: u64,
    },
    /// Stock was set aside for an order.
    #[n(6)]
    StockHeld,
    /// Held stock was sold.
    #[n(7)]
    StockCommitted,
    /// Held stock was given back.
    #[n(8)]
    StockReleased {
        /// Why.
        #[n(0)]
        reason: ReleaseReason,
    },
    /// A cart became an order.
    #[n(9)]
    CartCheckedOut {
        /// The cart.
        #[n(0)]
        cart_id: CartId,
    },
    /// Its order lapsed: the cart is open again.
    #[n(10)]
    CartReopened {
        /// The cart.
        #[n(0)]
        cart_id: CartId,
    },
    /// Lines of a cart changed.
    #[n(11)]
    CartChanged {
        /// The cart.
        #[n(0)]
        cart_id: CartId,
    },
    /// A customer is to be told something.
    #[n(12)]
    NotificationRequested {
        /// Its id, the same at every delivery.
        #[n(0)]
        notification_id: String,
        /// What is told.
        #[n(1)]
        kind: NotificationKind,
    },
    /// A channel took a notification.
    #[n(13)]
    NotificationDelivered {
        /// Its id.
        #[n(0)]
        notification_id: String,
        /// What was told.
        #[n(1)]
        kind: NotificationKind,
        /// How many attempts it took.
        #[n(2)]
        attempts: u32,
        /// Through which channel.
        #[n(3)]
        channel: Channel,
    },
    /// A command was put aside, with its bytes, for a person to look at.
    #[n(14)]
    CommandParked {
        /// Its id in the admin API; without one only the broker's dead letters have it.
        #[n(0)]
        parked_id: Option<String>,
        /// Why.
        #[n(1)]
        reason: Reason,
        /// More about it.
        #[cbor(with = "crate::codec::strict", has_nil)]
        #[n(2)]
        detail: Option<Detail>,
        /// The command's type, as it was sent.
        #[n(3)]
        r#type: Option<String>,
        /// The command's source, where it was readable.
        #[n(4)]
        source: Option<Source>,
        /// The command's id, where it was readable.
        #[n(5)]
        command_id: Option<CommandId>,
    },
    /// Nobody touched a cart for long.
    #[n(15)]
    CartExpired {
        /// The cart.
        #[n(0)]
        cart_id: CartId,
    },
    /// A channel was given up for a notification.
    #[n(16)]
    NotificationFailed {
        /// Its id.
        #[n(0)]
        notification_id: String,
        /// What was to be told.
        #[n(1)]
        kind: NotificationKind,
        /// How many attempts were made.
        #[n(2)]
        attempts: u32,
        /// Through which channel.
        #[n(3)]
        channel: Channel,
        /// What went wrong last.
        #[cbor(with = "crate::codec::strict", has_nil)]
        #[n(4)]
        problem: Option<Failure>,
    },
    /// Sold units came back.
    #[n(17)]
    StockReturned {
        /// The refund that they came back with.
        #[n(0)]
        refund_id: RefundId,
        /// What came, one item a sku.
        #[n(1)]
        items: Vec<Returned>,
    },
}

/// Units of one sku that came back.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Returned {
    /// The article.
    #[n(0)]
    pub sku: Sku,
    /// Units.
    #[n(1)]
    pub quantity: u64,
}

/// What happened to an order, in the words of its events.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum OrderChange {
    /// It awaits its payment.
    #[n(0)]
    Placed,
    /// It was refused; its id stays taken.
    #[n(1)]
    Rejected {
        /// Why.
        #[n(0)]
        reason: Reason,
        /// More about it.
        #[cbor(with = "crate::codec::strict", has_nil)]
        #[n(1)]
        detail: Option<Detail>,
    },
    /// Some of the money came.
    #[n(2)]
    PartiallyPaid,
    /// The money is there, and the stock is sold to it.
    #[n(3)]
    Paid {
        /// The hold had run out, and was made anew.
        #[n(0)]
        late: bool,
    },
    /// A person must decide.
    #[n(4)]
    UnderReview {
        /// Why.
        #[n(0)]
        reason: ReviewReason,
    },
    /// The hold ran out.
    #[n(5)]
    Expired,
    /// It was called off.
    #[n(6)]
    Cancelled {
        /// Why, in the shop's words.
        #[n(0)]
        reason: Option<crate::text::Text>,
    },
    /// Money must go back.
    #[n(7)]
    RefundDue {
        /// How much, in minor units.
        #[n(0)]
        amount: i64,
    },
    /// All money went back.
    #[n(8)]
    Refunded,
    /// Some money went back.
    #[n(9)]
    PartiallyRefunded,
    /// It was handed over.
    #[n(10)]
    Completed,
}

names! {
    /// Why a person must look at an order.
    ReviewReason {
        /// More money than the total.
        OverCapture = 0,
        /// Money in another currency.
        OtherCurrency = 1,
    }
}

names! {
    /// Why held stock was given back.
    ReleaseReason {
        /// The order was cancelled.
        Cancelled = 0,
        /// The hold ran out.
        Expired = 1,
    }
}

/// The types of events, by the names that subscribers use.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
pub enum Type {
    /// An order awaits its payment.
    #[strum(serialize = "order.placed")]
    OrderPlaced,
    /// An order was refused.
    #[strum(serialize = "order.rejected")]
    OrderRejected,
    /// Some of an order's money came.
    #[strum(serialize = "order.partially_paid")]
    OrderPartiallyPaid,
    /// An order is paid and its stock sold.
    #[strum(serialize = "order.paid")]
    OrderPaid,
    /// An order needs a person.
    #[strum(serialize = "order.under_review")]
    OrderUnderReview,
    /// An order's hold ran out.
    #[strum(serialize = "order.expired")]
    OrderExpired,
    /// An order was called off.
    #[strum(serialize = "order.cancelled")]
    OrderCancelled,
    /// An order's money must go back.
    #[strum(serialize = "order.refund_due")]
    OrderRefundDue,
    /// All of an order's money went back.
    #[strum(serialize = "order.refunded")]
    OrderRefunded,
    /// Some of an order's money went back.
    #[strum(serialize = "order.partially_refunded")]
    OrderPartiallyRefunded,
    /// An order was handed over.
    #[strum(serialize = "order.completed")]
    OrderCompleted,
    /// A provider's callback was recorded.
    #[strum(serialize = "payment.recorded")]
    PaymentRecorded,
    /// Money is to be sent back.
    #[strum(serialize = "payment.refund_requested")]
    PaymentRefundRequested,
    /// An authorization is to be given up.
    #[strum(serialize = "payment.void_requested")]
    PaymentVoidRequested,
    /// Few units are left.
    #[strum(serialize = "stock.low")]
    StockLow,
    /// On hand changed.
    #[strum(serialize = "stock.changed")]
    StockChanged,
    /// Stock was set aside.
    #[strum(serialize = "stock.held")]
    StockHeld,
    /// Stock was sold.
    #[strum(serialize = "stock.committed")]
    StockCommitted,
    /// Stock was given back.
    #[strum(serialize = "stock.released")]
    StockReleased,
    /// A cart became an order.
    #[strum(serialize = "cart.checked_out")]
    CartCheckedOut,
    /// A cart is open again.
    #[strum(serialize = "cart.reopened")]
    CartReopened,
    /// A cart changed.
    #[strum(serialize = "cart.changed")]
    CartChanged,
    /// A customer is to be told something.
    #[strum(serialize = "notification.requested")]
    NotificationRequested,
    /// A channel took a notification.
    #[strum(serialize = "notification.delivered")]
    NotificationDelivered,
    /// A command was put aside.
    #[strum(serialize = "command.parked")]
    CommandParked,
    /// A cart was left alone for too long.
    #[strum(serialize = "cart.expired")]
    CartExpired,
    /// A channel was given up for a notification.
    #[strum(serialize = "notification.failed")]
    NotificationFailed,
    /// Sold stock came back.
    #[strum(serialize = "stock.returned")]
    StockReturned,
}

impl Type {
    /// Every type.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name on the wire, and the routing key.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether it is published unless configured otherwise.
    pub const fn published_by_default(self) -> bool {
        match self {
            Self::OrderPlaced
            | Self::OrderRejected
            | Self::OrderPartiallyPaid
            | Self::OrderPaid
            | Self::OrderUnderReview
            | Self::OrderExpired
            | Self::OrderCancelled
            | Self::OrderRefundDue
            | Self::OrderRefunded
            | Self::OrderPartiallyRefunded
            | Self::OrderCompleted
            | Self::PaymentRefundRequested
            | Self::PaymentVoidRequested
            | Self::StockLow
            | Self::CartCheckedOut
            | Self::CartReopened
            | Self::CommandParked
            | Self::CartExpired
            | Self::NotificationFailed => true,
            Self::PaymentRecorded
            | Self::StockChanged
            | Self::StockHeld
            | Self::StockCommitted
            | Self::StockReleased
            | Self::CartChanged
            | Self::NotificationRequested
            | Self::NotificationDelivered
            | Self::StockReturned => false,
        }
    }
}

impl Event {
    /// Its type.
    pub fn kind(&self) -> Type {
        match self {
            Self::Order { change, .. } => match change {
                OrderChange::Placed => Type::OrderPlaced,
                OrderChange::Rejected { .. } => Type::OrderRejected,
                OrderChange::PartiallyPaid => Type::OrderPartiallyPaid,
                OrderChange::Paid { .. } => Type::OrderPaid,
                OrderChange::UnderReview { .. } => Type::OrderUnderReview,
                OrderChange::Expired => Type::OrderExpired,
                OrderChange::Cancelled { .. } => Type::OrderCancelled,
                OrderChange::RefundDue { .. } => Type::OrderRefundDue,
                OrderChange::Refunded => Type::OrderRefunded,
                OrderChange::PartiallyRefunded => Type::OrderPartiallyRefunded,
                OrderChange::Completed => Type::OrderCompleted,
            },
            Self::PaymentRecorded { .. } => Type::PaymentRecorded,
            Self::RefundRequested { .. } => Type::PaymentRefundRequested,
            Self::VoidRequested { .. } => Type::PaymentVoidRequested,
            Self::StockLow { .. } => Type::StockLow,
            Self::StockChanged { .. } => Type::StockChanged,
            Self::StockHeld => Type::StockHeld,
            Self::StockCommitted => Type::StockCommitted,
            Self::StockReleased { .. } => Type::StockReleased,
            Self::CartCheckedOut { .. } => Type::CartCheckedOut,
            Self::CartReopened { .. } => Type::CartReopened,
            Self::CartChanged { .. } => Type::CartChanged,
            Self::NotificationRequested { .. } => Type::NotificationRequested,
            Self::NotificationDelivered { .. } => Type::NotificationDelivered,
            Self::CommandParked { .. } => Type::CommandParked,
            Self::CartExpired { .. } => Type::CartExpired,
            Self::NotificationFailed { .. } => Type::NotificationFailed,
            Self::StockReturned { .. } => Type::StockReturned,
        }
    }
}

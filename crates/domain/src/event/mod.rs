//! Events: what happened. Recorded in the journal, told to whoever subscribes.
//!
//! An event holds what only it knows; what belongs to its order, cart or reservation is in
//! the state that the same unit carries, and [`face`] joins the two for the outside.

pub mod face;

use crate::command::CallbackKind;
use crate::id::{AttemptId, CartId, CommandId, DisputeId, Provider, RefundId, Sku, Source};
use crate::money::Currency;
use crate::notification::{Channel, Failure, NotificationKind};
use crate::order::OrderFace;
use crate::verdict::{Detail, Reason, Verdict, names};
use serde::{Deserialize, Serialize};

/// Something that happened.
///
/// Stored by the number of its variant: new ones go to the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// An order changed its status, or was placed.
    Order {
        /// What happened to it.
        change: OrderChange,
        /// How it looked right after.
        face: OrderFace,
    },
    /// A provider told something of an order's money.
    PaymentRecorded {
        /// Who told.
        provider: Provider,
        /// The attempt it was about.
        attempt_id: AttemptId,
        /// What was told.
        kind: CallbackKind,
        /// What became of it.
        verdict: Verdict,
        /// Its own share of money.
        amount: Option<i64>,
        /// Currency of the amount.
        currency: Option<Currency>,
        /// The refund it was about.
        refund_id: Option<RefundId>,
        /// The dispute it was about.
        dispute_id: Option<DisputeId>,
    },
    /// The payment adapter must send money back.
    RefundRequested {
        /// The refund's id, derived from what it refunds.
        refund_id: RefundId,
        /// The attempt whose money it is, where that is one.
        attempt_id: Option<AttemptId>,
        /// Minor units.
        amount: i64,
        /// Currency of the amount.
        currency: Currency,
    },
    /// The payment adapter must give up an authorization.
    VoidRequested {
        /// The attempt.
        attempt_id: AttemptId,
    },
    /// Available fell to the mark or below.
    StockLow {
        /// The article.
        sku: Sku,
        /// Units left.
        available: u64,
    },
    /// On hand was set or adjusted.
    StockChanged {
        /// The article.
        sku: Sku,
        /// Units in the house.
        on_hand: u64,
        /// Units set aside.
        held: u64,
    },
    /// Stock was set aside for an order.
    StockHeld,
    /// Held stock was sold.
    StockCommitted,
    /// Held stock was given back.
    StockReleased {
        /// Why.
        reason: ReleaseReason,
    },
    /// A cart became an order.
    CartCheckedOut {
        /// The cart.
        cart_id: CartId,
    },
    /// Its order lapsed: the cart is open again.
    CartReopened {
        /// The cart.
        cart_id: CartId,
    },
    /// Lines of a cart changed.
    CartChanged {
        /// The cart.
        cart_id: CartId,
    },
    /// A customer is to be told something.
    NotificationRequested {
        /// Its id, the same at every delivery.
        notification_id: String,
        /// What is told.
        kind: NotificationKind,
    },
    /// A channel took a notification.
    NotificationDelivered {
        /// Its id.
        notification_id: String,
        /// What was told.
        kind: NotificationKind,
        /// How many attempts it took.
        attempts: u32,
        /// Through which channel.
        channel: Channel,
    },
    /// A command was put aside, with its bytes, for a person to look at.
    CommandParked {
        /// Its id in the admin API.
        parked_id: String,
        /// Why.
        reason: Reason,
        /// More about it.
        detail: Option<Detail>,
        /// The command's type, as it was sent.
        r#type: Option<String>,
        /// The command's source, where it was readable.
        source: Option<Source>,
        /// The command's id, where it was readable.
        command_id: Option<CommandId>,
    },
    /// Nobody touched a cart for long.
    CartExpired {
        /// The cart.
        cart_id: CartId,
    },
    /// A channel was given up for a notification.
    NotificationFailed {
        /// Its id.
        notification_id: String,
        /// What was to be told.
        kind: NotificationKind,
        /// How many attempts were made.
        attempts: u32,
        /// Through which channel.
        channel: Channel,
        /// What went wrong last.
        problem: Option<Failure>,
    },
    /// Sold units came back.
    StockReturned {
        /// The refund that they came back with.
        refund_id: RefundId,
        /// What came, one item a sku.
        items: Vec<Returned>,
    },
}

/// Units of one sku that came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {
    /// The article.
    pub sku: Sku,
    /// Units.
    pub quantity: u64,
}

/// What happened to an order, in the words of its events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderChange {
    /// It awaits its payment.
    Placed,
    /// It was refused; its id stays taken.
    Rejected {
        /// Why.
        reason: Reason,
        /// More about it.
        detail: Option<Detail>,
    },
    /// Some of the money came.
    PartiallyPaid,
    /// The money is there, and the stock is sold to it.
    Paid {
        /// The hold had run out, and was made anew.
        late: bool,
    },
    /// A person must decide.
    UnderReview {
        /// Why.
        reason: ReviewReason,
    },
    /// The hold ran out.
    Expired,
    /// It was called off.
    Cancelled {
        /// Why, in the shop's words.
        reason: Option<crate::text::Text>,
    },
    /// Money must go back.
    RefundDue {
        /// How much, in minor units.
        amount: i64,
    },
    /// All money went back.
    Refunded,
    /// Some money went back.
    PartiallyRefunded,
    /// It was handed over.
    Completed,
}

names! {
    /// Why a person must look at an order. Stored by its number: new ones go to the end.
    ReviewReason {
        /// More money than the total.
        OverCapture = "over_capture",
        /// Money in another currency.
        OtherCurrency = "other_currency",
    }
}

names! {
    /// Why held stock was given back. Stored by its number: new ones go to the end.
    ReleaseReason {
        /// The order was cancelled.
        Cancelled = "cancelled",
        /// The hold ran out.
        Expired = "expired",
    }
}

macro_rules! types {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $published:literal;)*) => {
        /// The types of events, by the names subscribers use.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Type {
            $($(#[$doc])* $name,)*
        }

        impl Type {
            /// Every type.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name on the wire, and the routing key.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// Whether it is published unless configured otherwise.
            pub const fn published_by_default(self) -> bool {
                match self { $(Self::$name => $published),* }
            }
        }
    };
}

types! {
    /// An order awaits its payment.
    OrderPlaced = "order.placed", true;
    /// An order was refused.
    OrderRejected = "order.rejected", true;
    /// Some of an order's money came.
    OrderPartiallyPaid = "order.partially_paid", true;
    /// An order is paid and its stock sold.
    OrderPaid = "order.paid", true;
    /// An order needs a person.
    OrderUnderReview = "order.under_review", true;
    /// An order's hold ran out.
    OrderExpired = "order.expired", true;
    /// An order was called off.
    OrderCancelled = "order.cancelled", true;
    /// An order's money must go back.
    OrderRefundDue = "order.refund_due", true;
    /// All of an order's money went back.
    OrderRefunded = "order.refunded", true;
    /// Some of an order's money went back.
    OrderPartiallyRefunded = "order.partially_refunded", true;
    /// An order was handed over.
    OrderCompleted = "order.completed", true;
    /// A provider's callback was recorded.
    PaymentRecorded = "payment.recorded", false;
    /// Money is to be sent back.
    PaymentRefundRequested = "payment.refund_requested", true;
    /// An authorization is to be given up.
    PaymentVoidRequested = "payment.void_requested", true;
    /// Few units are left.
    StockLow = "stock.low", true;
    /// On hand changed.
    StockChanged = "stock.changed", false;
    /// Stock was set aside.
    StockHeld = "stock.held", false;
    /// Stock was sold.
    StockCommitted = "stock.committed", false;
    /// Stock was given back.
    StockReleased = "stock.released", false;
    /// A cart became an order.
    CartCheckedOut = "cart.checked_out", true;
    /// A cart is open again.
    CartReopened = "cart.reopened", true;
    /// A cart changed.
    CartChanged = "cart.changed", false;
    /// A customer is to be told something.
    NotificationRequested = "notification.requested", false;
    /// A channel took a notification.
    NotificationDelivered = "notification.delivered", false;
    /// A command was put aside.
    CommandParked = "command.parked", true;
    /// A cart was left alone for too long.
    CartExpired = "cart.expired", true;
    /// A channel was given up for a notification.
    NotificationFailed = "notification.failed", true;
    /// Sold stock came back.
    StockReturned = "stock.returned", false;
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

//! Events: facts that are recorded in the journal and published to subscribers.
//!
//! An event holds only what the states of its unit do not say. The data of its order, cart or
//! reservation are in the state that the same unit carries. [`payload`] joins both for subscribers.

pub mod payload;
mod types;

pub use types::Type;

use crate::command::{CallbackKind, DisputeOutcome};
use crate::id::{
    AttemptId, CaptureId, CartId, CommandId, DisputeId, Provider, RefundId, Sku, Source,
};
use crate::money::Currency;
use crate::names::names;
use crate::notification::{Channel, Failure, NotificationKind};
use crate::order::OrderSnapshot;
use crate::payment::RefundPart;
use crate::verdict::{Detail, Reason, Verdict};
use minicbor::{Decode, Encode};

/// An event.
///
/// Stored by the number of its variant: new variants go to the end.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Event {
    /// An order was placed, or its status changed.
    #[n(0)]
    Order {
        /// What happened to the order.
        #[n(0)]
        change: OrderChange,
        /// The order right after the event.
        #[n(1)]
        snapshot: OrderSnapshot,
    },
    /// A callback of a payment provider was recorded.
    #[n(1)]
    PaymentRecorded {
        /// The provider.
        #[n(0)]
        provider: Provider,
        /// The payment attempt.
        #[n(1)]
        attempt_id: AttemptId,
        /// The kind of the callback.
        #[n(2)]
        kind: CallbackKind,
        /// The verdict on the callback.
        #[n(3)]
        verdict: Verdict,
        /// The amount of the callback, in minor units.
        #[n(4)]
        amount: Option<i64>,
        /// Currency of the amount.
        #[n(5)]
        currency: Option<Currency>,
        /// The refund.
        #[n(6)]
        refund_id: Option<RefundId>,
        /// The dispute.
        #[n(7)]
        dispute_id: Option<DisputeId>,
        /// How the dispute ended.
        #[n(8)]
        outcome: Option<DisputeOutcome>,
    },
    /// The payment adapter must refund money.
    #[n(2)]
    RefundRequested {
        /// The refund's id.
        #[n(0)]
        refund_id: RefundId,
        /// The attempt that captured the money. `None` only in units of earlier builds.
        #[n(1)]
        attempt_id: Option<AttemptId>,
        /// Minor units.
        #[n(2)]
        amount: i64,
        /// Currency of the amount.
        #[n(3)]
        currency: Currency,
        /// The provider. `None` only in units of earlier builds.
        #[n(4)]
        provider: Option<Provider>,
        /// The capture, when the attempt has only one, and that has an id.
        #[n(5)]
        capture_id: Option<CaptureId>,
        /// Which part of the refund. `None` only in units of earlier builds.
        #[n(6)]
        part: Option<RefundPart>,
    },
    /// The payment adapter must void an authorization.
    #[n(3)]
    VoidRequested {
        /// The attempt.
        #[n(0)]
        attempt_id: AttemptId,
        /// The provider. `None` only in units of earlier builds.
        #[n(1)]
        provider: Option<Provider>,
    },
    /// The available units fell to the threshold or below it.
    #[n(4)]
    StockLow {
        /// The article.
        #[n(0)]
        sku: Sku,
        /// Units that are available.
        #[n(1)]
        available: u64,
        /// The version of the stock. `None`: the event was recorded before stock had versions.
        #[n(2)]
        version: Option<u64>,
    },
    /// The units on hand were set or adjusted.
    #[n(5)]
    StockChanged {
        /// The article.
        #[n(0)]
        sku: Sku,
        /// Units on hand.
        #[n(1)]
        on_hand: u64,
        /// Units held for orders.
        #[n(2)]
        held: u64,
        /// The version of the stock. `None`: the event was recorded before stock had versions.
        #[n(3)]
        version: Option<u64>,
    },
    /// Stock was held for an order.
    #[n(6)]
    StockHeld {
        /// The units that were held, when an amendment held more. `None`: all of the reservation.
        #[n(0)]
        units: Option<Vec<SkuUnits>>,
    },
    /// Held stock was sold.
    #[n(7)]
    StockCommitted,
    /// Held stock was released.
    #[n(8)]
    StockReleased {
        /// Why.
        #[n(0)]
        reason: ReleaseReason,
        /// The units that were released, when an amendment released some. `None`: all of the reservation.
        #[n(1)]
        units: Option<Vec<SkuUnits>>,
    },
    /// A cart became an order.
    #[n(9)]
    CartCheckedOut {
        /// The cart.
        #[n(0)]
        cart_id: CartId,
    },
    /// A cart was reopened: its order expired, or the cart had expired and got a line.
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
    /// A notification to a customer was requested.
    #[n(12)]
    NotificationRequested {
        /// The notification's id, the same at every delivery.
        #[n(0)]
        notification_id: String,
        /// The kind of the notification.
        #[n(1)]
        kind: NotificationKind,
    },
    /// A channel accepted a notification.
    #[n(13)]
    NotificationDelivered {
        /// The notification's id.
        #[n(0)]
        notification_id: String,
        /// The kind of the notification.
        #[n(1)]
        kind: NotificationKind,
        /// The number of attempts.
        #[n(2)]
        attempts: u32,
        /// The channel.
        #[n(3)]
        channel: Channel,
    },
    /// A message was parked for a person to look at.
    #[n(14)]
    CommandParked {
        /// The id of the parked message in the admin API. `None`: only the dead letters of the broker have the message.
        #[n(0)]
        parked_id: Option<String>,
        /// Why.
        #[n(1)]
        reason: Reason,
        /// More about the reason.
        #[cbor(with = "crate::codec::strict", has_nil)]
        #[n(2)]
        detail: Option<Detail>,
        /// The type of the message, as it was sent.
        #[n(3)]
        r#type: Option<String>,
        /// The source of the message, if it could be read.
        #[n(4)]
        source: Option<Source>,
        /// The id of the message, if it could be read.
        #[n(5)]
        command_id: Option<CommandId>,
    },
    /// A cart expired.
    #[n(15)]
    CartExpired {
        /// The cart.
        #[n(0)]
        cart_id: CartId,
    },
    /// A channel gave up on a notification.
    #[n(16)]
    NotificationFailed {
        /// The notification's id.
        #[n(0)]
        notification_id: String,
        /// The kind of the notification.
        #[n(1)]
        kind: NotificationKind,
        /// The number of attempts.
        #[n(2)]
        attempts: u32,
        /// The channel.
        #[n(3)]
        channel: Channel,
        /// The last failure.
        #[cbor(with = "crate::codec::strict", has_nil)]
        #[n(4)]
        problem: Option<Failure>,
    },
    /// Sold units were returned to stock.
    #[n(17)]
    StockReturned {
        /// The refund that they were returned with. `None`: the order was amended.
        #[n(0)]
        refund_id: Option<RefundId>,
        /// The returned units, one item for each sku.
        #[n(1)]
        items: Vec<SkuUnits>,
    },
    /// The payment adapter must capture a part of an authorization.
    #[n(18)]
    CaptureRequested {
        /// The provider.
        #[n(0)]
        provider: Provider,
        /// The attempt.
        #[n(1)]
        attempt_id: AttemptId,
        /// Minor units.
        #[n(2)]
        amount: i64,
        /// Currency of the amount.
        #[n(3)]
        currency: Currency,
        /// The id of the request: its idempotency key.
        #[n(4)]
        capture_request_id: String,
    },
}

/// Units of one sku.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SkuUnits {
    /// The article.
    #[n(0)]
    pub sku: Sku,
    /// Units.
    #[n(1)]
    pub quantity: u64,
}

/// What happened to an order. Each variant is an event of the order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum OrderChange {
    /// The order was placed, and awaits its payment.
    #[n(0)]
    Placed,
    /// The order was rejected. Its id stays taken.
    #[n(1)]
    Rejected {
        /// Why.
        #[n(0)]
        reason: Reason,
        /// More about the reason.
        #[cbor(with = "crate::codec::strict", has_nil)]
        #[n(1)]
        detail: Option<Detail>,
    },
    /// A part of the total was captured.
    #[n(2)]
    PartiallyPaid,
    /// The order is paid, and its stock is sold.
    #[n(3)]
    Paid {
        /// Whether the hold had expired, and the stock was held again.
        #[n(0)]
        late: bool,
    },
    /// A person must decide on the order.
    #[n(4)]
    UnderReview {
        /// Why.
        #[n(0)]
        reason: ReviewReason,
    },
    /// The hold expired.
    #[n(5)]
    Expired,
    /// The order was cancelled.
    #[n(6)]
    Cancelled {
        /// The reason, in the shop's words.
        #[n(0)]
        reason: Option<crate::text::Text>,
    },
    /// Money must be refunded.
    #[n(7)]
    RefundDue {
        /// The amount, in minor units.
        #[n(0)]
        amount: i64,
    },
    /// All money was refunded.
    #[n(8)]
    Refunded,
    /// A part of the money was refunded.
    #[n(9)]
    PartiallyRefunded,
    /// The order was handed over to the customer.
    #[n(10)]
    Completed,
    /// Authorizations cover what is not captured of the total.
    #[n(11)]
    Authorized,
    /// An authorization ended, and the rest does not cover the total.
    #[n(12)]
    AuthorizationLost,
    /// The goods, the customer, the addresses or the metadata changed.
    #[n(13)]
    Amended,
    /// A dispute was opened.
    #[n(14)]
    Disputed {
        /// The provider.
        #[n(0)]
        provider: Provider,
        /// The dispute.
        #[n(1)]
        dispute_id: DisputeId,
    },
    /// A dispute was closed.
    #[n(15)]
    DisputeClosed {
        /// The provider.
        #[n(0)]
        provider: Provider,
        /// The dispute.
        #[n(1)]
        dispute_id: DisputeId,
        /// How it ended.
        #[n(2)]
        outcome: DisputeOutcome,
    },
}

names! {
    /// Why a person must decide on an order.
    ReviewReason {
        /// More money was captured than the total.
        OverCapture = 0,
        /// Money in another currency was captured.
        OtherCurrency = 1,
    }
}

names! {
    /// Why held stock was released.
    ReleaseReason {
        /// The order was cancelled.
        Cancelled = 0,
        /// The hold expired.
        Expired = 1,
        /// The order was amended, and needs fewer units.
        Amended = 2,
    }
}

impl Event {
    /// The type of the event.
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
                OrderChange::Authorized => Type::OrderAuthorized,
                OrderChange::AuthorizationLost => Type::OrderAuthorizationLost,
                OrderChange::Amended => Type::OrderAmended,
                OrderChange::Disputed { .. } => Type::OrderDisputed,
                OrderChange::DisputeClosed { .. } => Type::OrderDisputeClosed,
            },
            Self::PaymentRecorded { .. } => Type::PaymentRecorded,
            Self::RefundRequested { .. } => Type::PaymentRefundRequested,
            Self::VoidRequested { .. } => Type::PaymentVoidRequested,
            Self::StockLow { .. } => Type::StockLow,
            Self::StockChanged { .. } => Type::StockChanged,
            Self::StockHeld { .. } => Type::StockHeld,
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
            Self::CaptureRequested { .. } => Type::PaymentCaptureRequested,
        }
    }
}

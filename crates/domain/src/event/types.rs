//! The types of events: their names on the wire, and which of them are published by default.

/// The types of events. Their names are those on the wire.
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
    /// An order was placed, and awaits its payment.
    #[strum(serialize = "order.placed")]
    OrderPlaced,
    /// An order was rejected.
    #[strum(serialize = "order.rejected")]
    OrderRejected,
    /// A part of an order's total was captured.
    #[strum(serialize = "order.partially_paid")]
    OrderPartiallyPaid,
    /// An order is paid, and its stock is sold.
    #[strum(serialize = "order.paid")]
    OrderPaid,
    /// A person must decide on an order.
    #[strum(serialize = "order.under_review")]
    OrderUnderReview,
    /// An order's hold expired.
    #[strum(serialize = "order.expired")]
    OrderExpired,
    /// An order was cancelled.
    #[strum(serialize = "order.cancelled")]
    OrderCancelled,
    /// An order's money must be refunded.
    #[strum(serialize = "order.refund_due")]
    OrderRefundDue,
    /// All of an order's money was refunded.
    #[strum(serialize = "order.refunded")]
    OrderRefunded,
    /// A part of an order's money was refunded.
    #[strum(serialize = "order.partially_refunded")]
    OrderPartiallyRefunded,
    /// An order was handed over.
    #[strum(serialize = "order.completed")]
    OrderCompleted,
    /// Authorizations cover an order.
    #[strum(serialize = "order.authorized")]
    OrderAuthorized,
    /// Authorizations cover an order no more.
    #[strum(serialize = "order.authorization_lost")]
    OrderAuthorizationLost,
    /// An order was changed after it was placed.
    #[strum(serialize = "order.amended")]
    OrderAmended,
    /// A dispute of an order was opened.
    #[strum(serialize = "order.disputed")]
    OrderDisputed,
    /// A dispute of an order was closed.
    #[strum(serialize = "order.dispute_closed")]
    OrderDisputeClosed,
    /// A callback of a payment provider was recorded.
    #[strum(serialize = "payment.recorded")]
    PaymentRecorded,
    /// The payment adapter must refund money.
    #[strum(serialize = "payment.refund_requested")]
    PaymentRefundRequested,
    /// The payment adapter must capture authorized money.
    #[strum(serialize = "payment.capture_requested")]
    PaymentCaptureRequested,
    /// The payment adapter must void an authorization.
    #[strum(serialize = "payment.void_requested")]
    PaymentVoidRequested,
    /// The available units of a sku fell to their threshold.
    #[strum(serialize = "stock.low")]
    StockLow,
    /// The units on hand of a sku changed.
    #[strum(serialize = "stock.changed")]
    StockChanged,
    /// Stock was held.
    #[strum(serialize = "stock.held")]
    StockHeld,
    /// Stock was sold.
    #[strum(serialize = "stock.committed")]
    StockCommitted,
    /// Held stock was released.
    #[strum(serialize = "stock.released")]
    StockReleased,
    /// A cart became an order.
    #[strum(serialize = "cart.checked_out")]
    CartCheckedOut,
    /// A cart was reopened.
    #[strum(serialize = "cart.reopened")]
    CartReopened,
    /// A cart changed.
    #[strum(serialize = "cart.changed")]
    CartChanged,
    /// A notification was requested.
    #[strum(serialize = "notification.requested")]
    NotificationRequested,
    /// A channel accepted a notification.
    #[strum(serialize = "notification.delivered")]
    NotificationDelivered,
    /// A message was parked.
    #[strum(serialize = "command.parked")]
    CommandParked,
    /// A cart expired.
    #[strum(serialize = "cart.expired")]
    CartExpired,
    /// A channel gave up on a notification.
    #[strum(serialize = "notification.failed")]
    NotificationFailed,
    /// Sold units were returned to stock.
    #[strum(serialize = "stock.returned")]
    StockReturned,
}

impl schemars::JsonSchema for Type {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EventType".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<_> = Self::ALL.iter().map(|kind| kind.as_str()).collect();
        schemars::json_schema!({
            "type": "string", "enum": names, "description": "The type of an event.",
        })
    }
}

impl Type {
    /// Every type.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name on the wire, and the routing key.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether events of this type are published unless the configuration says otherwise.
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
            | Self::OrderAuthorized
            | Self::OrderAuthorizationLost
            | Self::OrderAmended
            | Self::OrderDisputed
            | Self::OrderDisputeClosed
            | Self::PaymentRefundRequested
            | Self::PaymentCaptureRequested
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

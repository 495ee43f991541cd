//! The label sets: closed enums, so that no input ever becomes a label.
//!
//! What arrives under a name that is not in its set counts as `other`, where the set has one.

/// An enum whose variants are the values of one label, in the order of their series.
macro_rules! label {
    (
        $(#[$about:meta])*
        $name:ident { $( $(#[$why:meta])* $variant:ident => $text:literal, )+ }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $( $(#[$why])* $variant, )+
        }

        impl $name {
            /// Every value there is.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The value as it stands in the exposition.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $text, )+
                }
            }

            /// The value of that name.
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $( $text => Some(Self::$variant), )+
                    _ => None,
                }
            }
        }
    };
}

label! {
    /// `type` of a command.
    CommandType {
        /// Stock was counted.
        StockSet => "stock.set",
        /// Stock came or went.
        StockAdjust => "stock.adjust",
        /// A line of a cart was set.
        CartPut => "cart.put",
        /// A line of a cart was changed.
        CartAdd => "cart.add",
        /// A cart was emptied.
        CartClear => "cart.clear",
        /// Two carts became one.
        CartMerge => "cart.merge",
        /// A cart became an order.
        CartCheckout => "cart.checkout",
        /// An order without a cart.
        OrderPlace => "order.place",
        /// An order is not wanted any more.
        OrderCancel => "order.cancel",
        /// An order was handed over.
        OrderComplete => "order.complete",
        /// A person ended a review.
        OrderResolve => "order.resolve",
        /// Money is to go back.
        RefundRequest => "refund.request",
        /// A payment provider said something.
        PaymentCallback => "payment.callback",
        /// What the processor tells itself: timers and outcomes of its own work.
        Internal => "internal",
        /// Anything that is no command of ours.
        Other => "other",
    }
}

impl CommandType {
    /// The label of a command type from outside: what is not known there is `other`, and nobody
    /// outside can pass for internal.
    pub fn of_input(name: &str) -> Self {
        Self::named(name).filter(|kind| *kind != Self::Internal).unwrap_or(Self::Other)
    }
}

label! {
    /// `verdict` on a command.
    Verdict {
        /// It changed something.
        Applied => "applied",
        /// Seen before with the same data.
        Duplicate => "duplicate",
        /// True once, overtaken since.
        Stale => "stale",
        /// Kept for an order that is not known yet.
        Waiting => "waiting",
        /// Refused by a rule.
        Rejected => "rejected",
        /// Recorded; a person is needed.
        Review => "review",
        /// Seen before with other data.
        Conflict => "conflict",
        /// Not a command that could be carried out.
        Invalid => "invalid",
        /// Still failing after every retry.
        Failed => "failed",
    }
}

label! {
    /// `stage` of a command's way, for its duration.
    Stage {
        /// From the broker's hand to the sequencer.
        Wait => "wait",
        /// Through the actors.
        Decide => "decide",
        /// Until its group is durable.
        Commit => "commit",
        /// From there until its events are confirmed.
        Publish => "publish",
        /// From the broker's hand until durable.
        Total => "total",
    }
}

label! {
    /// `reason` why a command was parked.
    ParkedReason {
        /// No JSON, or no envelope.
        Malformed => "malformed",
        /// No command of that type.
        UnknownType => "unknown_type",
        /// Wrong data.
        Validation => "validation",
        /// Larger than allowed.
        TooLarge => "too_large",
        /// Past its deadline.
        Deadline => "deadline",
        /// Older than identities are kept.
        ExpiredIdentity => "expired_identity",
        /// Its identity was used with other data.
        Conflict => "conflict",
        /// Failing after every retry.
        Failed => "failed",
        /// Too many callbacks wait.
        WaitingFull => "waiting_full",
        /// A callback whose order never came.
        OrderNeverCame => "order_never_came",
    }
}

label! {
    /// `actor`.
    Actor {
        /// Owner of the carts.
        Cart => "cart",
        /// Owner of the orders.
        Order => "order",
        /// Owner of stock and reservations.
        Inventory => "inventory",
        /// Owner of payment attempts, refunds and disputes.
        Payment => "payment",
        /// Owner of what customers are told.
        Notification => "notification",
    }
}

label! {
    /// `status` of an order.
    OrderStatus {
        /// Refused when placed.
        Rejected => "rejected",
        /// Stock is held, no money yet.
        AwaitingPayment => "awaiting_payment",
        /// Some money, stock is held.
        PartiallyPaid => "partially_paid",
        /// A person is needed.
        UnderReview => "under_review",
        /// The total is covered.
        Paid => "paid",
        /// Handed over.
        Completed => "completed",
        /// Its hold ran out.
        Expired => "expired",
        /// Not wanted any more.
        Cancelled => "cancelled",
        /// Money has to go back.
        RefundDue => "refund_due",
        /// Some money went back.
        PartiallyRefunded => "partially_refunded",
        /// All money went back.
        Refunded => "refunded",
    }
}

label! {
    /// `channel` of a notification.
    Channel {
        /// The exchange for notifications.
        Amqp => "amqp",
        /// The shop's HTTP endpoint.
        Webhook => "webhook",
    }
}

label! {
    /// `outcome` of an attempt to deliver a notification.
    Outcome {
        /// The channel has taken it.
        Delivered => "delivered",
        /// It has not; there will be another attempt.
        Retried => "retried",
        /// Given up.
        Failed => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_command_types_of_the_contract_become_labels() {
        assert_eq!(CommandType::of_input("order.place"), CommandType::OrderPlace);
        for input in ["order.plaice", "", "other", "internal", "ORDER.PLACE"] {
            assert_eq!(CommandType::of_input(input), CommandType::Other, "{input}");
        }
    }

    #[test]
    fn a_label_is_found_by_the_name_it_shows() {
        for kind in CommandType::ALL {
            assert_eq!(CommandType::named(kind.as_str()), Some(*kind));
        }
    }
}

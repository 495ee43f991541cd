//! The labels that no other enum of the code has. The others are enums of the domain, such as the verdict. All are closed
//! sets, so no input ever becomes a label: an unknown type of a command counts as `other`.

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
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The value as the exposition shows it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $text, )+
                }
            }

            /// The value with this name.
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
        /// An order is to be cancelled.
        OrderCancel => "order.cancel",
        /// An order was handed over to the customer.
        OrderComplete => "order.complete",
        /// A person ended a review.
        OrderResolve => "order.resolve",
        /// Money is to go back.
        RefundRequest => "refund.request",
        /// A payment provider reports an event.
        PaymentCallback => "payment.callback",
        /// A command of the processor itself: a timer, or the outcome of a delivery.
        Internal => "internal",
        /// A message of an unknown type.
        Other => "other",
    }
}

impl CommandType {
    /// The label of a command type that a message names: `other` for an unknown type, and for `internal`.
    pub fn of_input(name: &str) -> Self {
        Self::named(name).filter(|kind| *kind != Self::Internal).unwrap_or(Self::Other)
    }
}

label! {
    /// `stage` of the way of a command, for its duration.
    Stage {
        /// From the delivery by the broker to the sequencer.
        Wait => "wait",
        /// In the actors, until the unit is sealed.
        Decide => "decide",
        /// From there until the unit is durable.
        Commit => "commit",
        /// From there until the broker has confirmed the events.
        Publish => "publish",
        /// From the delivery by the broker until the unit is durable.
        Total => "total",
    }
}

label! {
    /// `outcome` of an attempt to deliver a notification.
    Outcome {
        /// The channel accepted the notification.
        Delivered => "delivered",
        /// The attempt failed, and another one follows.
        Retried => "retried",
        /// The attempt failed, and no other one follows.
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
    fn every_label_is_found_by_its_name() {
        for kind in CommandType::ALL {
            assert_eq!(CommandType::named(kind.as_str()), Some(*kind));
        }
    }
}

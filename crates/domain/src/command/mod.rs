//! Commands of producers. Each has a file: the struct of its data, and the checks of the data.
//!
//! A command is decoded and validated once, when its message arrives ([`Command::decode`]). After that
//! its types hold valid values only. A new command needs a file here, a line in [`commands!`], and the
//! match arm in the sequencer that the compiler then asks for.

mod cart_add;
mod cart_checkout;
mod cart_clear;
mod cart_merge;
mod cart_put;
mod data;
pub mod decode_error;
mod order_amend;
mod order_cancel;
mod order_capture;
mod order_complete;
mod order_place;
mod order_resolve;
mod payment_callback;
mod refund_request;
mod span;
mod stock_adjust;
mod stock_set;
mod strict_object;
mod unknown_fields;

pub use cart_add::CartAdd;
pub use cart_checkout::CartCheckout;
pub use cart_clear::CartClear;
pub use cart_merge::CartMerge;
pub use cart_put::CartPut;
pub use data::{Invalid, MOST_LINES};
pub use order_amend::{AmendedLine, OrderAmend};
pub use order_cancel::OrderCancel;
pub use order_capture::OrderCapture;
pub use order_complete::OrderComplete;
pub use order_place::{Customer, OrderPlace};
pub use order_resolve::{Decision, OrderResolve};
pub use payment_callback::{CallbackKind, DisputeOutcome, PaymentCallback};
pub use refund_request::{RefundRequest, Restock};
pub use stock_adjust::StockAdjust;
pub use stock_set::StockSet;

use crate::canonical;
use crate::ignored::Ignored;
use crate::names::stored_by_number;
use crate::partition::Ids;
use crate::subject::Subject;
use data::Data;

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// A decoded, valid command.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Command {
            $($(#[$doc])* $name($name),)*
        }

        /// The types of commands. They have a name on the wire, and are stored by number.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            strum::EnumString, strum::FromRepr, strum::IntoStaticStr, strum::VariantArray,
        )]
        #[repr(u8)]
        pub enum Kind {
            $($(#[$doc])* #[strum(serialize = $text)] $name = $number,)*
        }

        stored_by_number!(Kind);

        impl Kind {
            /// Every type, in the order of the numbers.
            pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

            /// The name on the wire.
            pub fn as_str(self) -> &'static str {
                self.into()
            }

            /// The type with that name. `None`: no type has it.
            pub fn from_name(name: &str) -> Option<Self> {
                name.parse().ok()
            }

            /// The JSON Schema of the type's data.
            pub fn schema(self, generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                match self { $(Self::$name => generator.subschema_for::<$name>()),* }
            }
        }

        impl Command {
            /// The command's type.
            pub fn kind(&self) -> Kind {
                match self { $(Self::$name(_) => Kind::$name),* }
            }

            /// What the command is about.
            pub fn subject(&self) -> Subject {
                match self { $(Self::$name(data) => data.subject()),* }
            }

            /// The key that decides about the command's partition. Without partitions nobody asks for it.
            ///
            /// # Errors
            /// The ids of the command have different keys.
            pub fn partition_key(&self) -> Result<&str, Invalid> {
                let mut ids = Ids::default();
                match self { $(Self::$name(data) => data.ids(&mut ids)),* }
                ids.key()
            }

            /// The canonical form, number 1, of the command.
            pub fn form1(&self) -> Vec<u8> {
                let name = self.kind().as_str();
                match self { $(Self::$name(data) => canonical::form1(name, data)),* }
            }

            /// Decodes and validates the data of a command of type `kind`.
            pub fn decode(kind: Kind, data: &[u8]) -> Result<Decoded, Invalid> {
                match kind {
                    $(Kind::$name => {
                        let (data, ignored) = data::decode::<$name>(data)?;
                        Ok(Decoded { command: Self::$name(data), ignored })
                    })*
                }
            }
        }
    };
}

/// A valid command, and the fields of its data that are not known.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// The command. Fields that are not known are no part of it.
    pub command: Command,
    /// The fields that are not known.
    pub ignored: Ignored,
}

impl Command {
    /// Decodes and validates the data of a command of type `kind`. Fields that are not known are ignored.
    pub fn parse(kind: Kind, data: &[u8]) -> Result<Self, Invalid> {
        Self::decode(kind, data).map(|decoded| decoded.command)
    }
}

commands! {
    /// Sets what is on hand of a sku.
    StockSet = 0, "stock.set";
    /// Changes what is on hand of a sku.
    StockAdjust = 1, "stock.adjust";
    /// Sets a line of a cart.
    CartPut = 2, "cart.put";
    /// Changes the quantity of a line of a cart.
    CartAdd = 3, "cart.add";
    /// Empties a cart.
    CartClear = 4, "cart.clear";
    /// Turns a cart into an order.
    CartCheckout = 5, "cart.checkout";
    /// Places an order without a cart.
    OrderPlace = 6, "order.place";
    /// Cancels an order that is not paid.
    OrderCancel = 7, "order.cancel";
    /// Completes an order that was handed over to the customer.
    OrderComplete = 8, "order.complete";
    /// Reports an event of a payment provider.
    PaymentCallback = 9, "payment.callback";
    /// Moves all lines of a cart into another.
    CartMerge = 10, "cart.merge";
    /// Ends the review or the partial payment of an order, as a person decided.
    OrderResolve = 11, "order.resolve";
    /// Asks for a refund of an order's money.
    RefundRequest = 12, "refund.request";
    /// Asks for the money of an order's authorizations.
    OrderCapture = 13, "order.capture";
    /// Changes an order after it was placed.
    OrderAmend = 14, "order.amend";
}

#[cfg(test)]
mod tests;

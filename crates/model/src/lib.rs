//! A reference model of the shop, for tests and for the demo.
//!
//! The model takes the same messages as the processor and computes the result of each: the verdict with its reason, the
//! events, the money, the stock and the notifications. Tests run both and compare the results.
//!
//! The model is written from the published contract alone. It depends on no other crate of this workspace. So a wrong
//! rule stays unnoticed only if processor and model have the same mistake. The code is simple on purpose: maps, loops
//! and JSON in memory, one message after the other. The model has no store, no crashes and no clock: the caller sets
//! [`Model::now`] and says which timers fire.
//!
//! | module | is about |
//! |---|---|
//! | [`message`] | messages of producers: envelope, fields, limits, and when two messages have the same data |
//! | [`unit`](mod@unit) | the result of one step: verdict, reason, events |
//! | `state` | the data of the shop: carts, orders, holds, money, stock |
//! | `time` | the unit of time |
//! | [`model`] | the data of the whole shop |
//! | `intake` | taking a message: identities, duplicates and conflicts, and which rule handles which command |
//! | `stock`, `carts`, `orders` | the commands of these names |
//! | `amend` | `order.amend` |
//! | `resolve` | `order.resolve` |
//! | `callbacks` | `payment.callback`: the contract's table, one function a row |
//! | `refunds` | `refund.request`, and refunds in parts |
//! | `holds` | how long the stock of an order is held: expiry, freezing, extension, and the hold that stands |
//! | `timers` | holds, carts and waiting callbacks expire |
//! | `retention` | orders and carts are deleted after their retention |
//! | `notifications` | notifications to customers |
//! | `parked` | parked messages |
//! | [`snapshot`] | all visible data of the shop, for comparing |

mod amend;
mod callbacks;
mod carts;
mod holds;
mod intake;
pub mod message;
pub mod model;
mod notifications;
mod orders;
mod parked;
mod refunds;
mod resolve;
mod retention;
pub mod snapshot;
mod state;
mod stock;
mod time;
mod timers;
pub mod unit;

#[cfg(test)]
mod tests;

pub use message::Message;
pub use model::{Model, Settings};
pub use snapshot::Snapshot;
pub use state::attempt::AttemptState;
pub use state::cart::CartStatus;
pub use state::hold::HoldState;
pub use state::ledger::DisputeState;
pub use state::notification::NotificationKind;
pub use state::order::{ConfirmOn, Status};
pub use state::orders::KnownOrders;
pub use state::refund::RefundState;
pub use time::MINUTE;
pub use unit::{Unit, Verdict};

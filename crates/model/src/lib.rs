//! A reference model of the shop, for tests and for the demo.
//!
//! The model takes the same messages as the processor and says what must come of each: the verdict with its reason, the
//! events, the money, the stock and the notifications. Tests run both and compare them.
//!
//! The model is written from the published contract alone. It depends on no other crate of this workspace, so that a
//! rule that the processor misreads has to be misread twice, in the same way, to go unseen. It is written to be read:
//! maps, loops and JSON in memory, one message after the other. It knows no store, no crash and no clock: the caller
//! sets [`Model::now`] and says which timers fire.
//!
//! | module | is about |
//! |---|---|
//! | [`message`] | what a producer sends: envelope, fields, limits, and what two equal messages are |
//! | [`unit`](mod@unit) | what one step comes to: verdict, reason, events |
//! | `state` | the data of the shop: carts, orders, holds, money, stock |
//! | `time` | the unit of time |
//! | [`model`] | the data of the whole shop |
//! | `intake` | how a message is taken in: identities, duplicates and conflicts, and which rule takes which command |
//! | `stock`, `carts`, `orders` | the commands of these names |
//! | `callbacks` | `payment.callback`: the contract's table, one function a row |
//! | `refunds` | `refund.request` |
//! | `holds` | how long the stock of one order stays set aside: when it expires, what freezes it, what extends it |
//! | `timers` | what time does: holds, carts and waiting callbacks expire |
//! | `retention` | what is deleted after its retention, and what stays |
//! | `notifications` | what customers are told |
//! | `parked` | what is put aside for a person |
//! | [`snapshot`] | everything that can be seen of the shop, for comparing |

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
pub use state::cart::CartStatus;
pub use state::hold::HoldState;
pub use state::ledger::{AttemptState, DisputeState, RefundState};
pub use state::notification::NotificationKind;
pub use state::order::Status;
pub use time::MINUTE;
pub use unit::{Unit, Verdict};

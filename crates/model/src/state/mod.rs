//! The data of the shop. `Model` keeps these types; the rules that change them are in the files of the folder above.
//!
//! | module | is about |
//! |---|---|
//! | `attempt` | one attempt to pay: its authorizations and captures |
//! | `cart` | a cart and its lines |
//! | `hold` | the stock that is held for one order |
//! | `ledger` | the money of one order: attempts, captures, refunds, disputes |
//! | `notification` | the kinds of notifications |
//! | `order` | an order, its status, and what it is placed with |
//! | `orders` | all orders, and which of them changed |
//! | `parked` | parked messages |
//! | `refund` | refunds and their parts |
//! | `stock` | one sku, and lists of units |
//! | `waiting` | a callback that came before its order |

pub(crate) mod attempt;
pub(crate) mod cart;
pub(crate) mod hold;
pub(crate) mod ledger;
pub(crate) mod notification;
pub(crate) mod order;
pub(crate) mod orders;
pub(crate) mod parked;
pub(crate) mod refund;
pub(crate) mod stock;
pub(crate) mod waiting;

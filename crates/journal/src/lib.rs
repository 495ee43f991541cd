//! The protocol by which several members keep one journal in a stream of the broker, with one owner at a time.
//!
//! This crate does no I/O and knows no clock: it decides, and the caller acts.
//!
//! | module | has |
//! |---|---|
//! | [`record`] | the records of the journal and their bytes |
//! | [`chain`] | the running hash over all units |
//! | [`reader`] | what the journal says: a pure function of its records |
//! | [`seek`] | finding the place in the journal where a store's units end |
//! | [`gaps`] | whether records are missing in front of one that was delivered |
//! | [`applied`] | what of the accepted units the store has, and what it lacks |
//! | [`follower`], [`members`] | silence and lag; who else is there |
//! | [`claim`] | taking over, as steps |
//! | [`owner`] | appending, and when units are durable |
//! | [`node`] | a whole member: all of these together |
//!
//! # Why it is right
//!
//! 1. Every reader computes the same from the same records, in the order of the stream.
//! 2. An epoch has one owner: that of the first opening record with its number.
//! 3. Units are durable when they were *accepted*: read back, in their epoch, right behind the units before. Every
//!    longer journal accepts them too, at the same sequence. So all later owners have them, and no two different units
//!    are durable at one sequence.
//! 4. Nothing leaves the process before that. So an owner that was cut off, frozen or slow has told nobody anything that
//!    others do not have. What it appends behind a higher epoch is ignored by all, itself included, without clocks or
//!    leases.
//! 5. It needs one thing of the broker: what a reader of the stream has seen stays there, in that order, for every other
//!    reader. A stream shows what most of its nodes have written, and never calls fsync: if most of them lose power at
//!    once, the end of the journal may be gone. Then the chain shows it, and the member whose store has more goes first
//!    ([`claim::Trigger::Ahead`]).
//! 6. The stream deletes its oldest records, whether they were read or not. A reader that has missed some finds a gap between two
//!    offsets, and looks whether the record in front of it is still there ([`gaps`]).
//!
//! # What it does not protect
//!
//! If most nodes of the broker lose power at once, and an opening record is among what is lost, and the owner before it
//! was frozen all the while and wakes within `takeover_after`, then that owner goes on. The member that opened finds
//! other units at its sequences and ends ([`reader::Refusal::Diverged`]).
//!
//! A place is known again by the bytes of its record and its offset. If most nodes lose power at once, a second copy of a lost record,
//! still under way from its owner, may come to stand at the very offset of the first one, before what was lost in front of it is
//! appended again. A member whose last place this was then takes it for its place. Of 40,000 simulated
//! runs a few show it.

pub mod applied;
pub mod chain;
pub mod claim;
pub mod follower;
pub mod gaps;
pub mod id;
pub mod members;
pub mod node;
pub mod owner;
pub mod reader;
pub mod record;
pub mod seek;

pub use chain::Chain;
pub use id::{Charter, Epoch, Name, Nonce, Position, Progress};
pub use node::{Node, Now, Output, Settings};
pub use reader::{Reader, Refusal};
pub use record::{Record, Unit};

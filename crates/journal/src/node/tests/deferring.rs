//! A member that lets another one go first, when the owner has left in good order.

use super::*;
use crate::record::Close;

fn other_leaves(number: u64) -> Record {
    Record::Close(Close { epoch: Epoch { number, nonce: OTHER }, cursor: 0, at: 0 })
}

/// A standby that has listened for long enough, of an owner that gets the commands and was heard just now.
fn following(defers: bool) -> Alone {
    let mut alone = Alone::start(None, None, &[other_opens(1, "")]);
    alone.pass(seconds(3));
    alone.append(&other_ticks_active(1));
    alone.node.set_deferring(defers);
    assert_eq!(alone.settle(), []);
    assert_eq!(alone.role(), Role::Standby);
    alone
}

fn owns(told: &[Output]) -> bool {
    told.iter().any(|output| matches!(output, Output::Own { .. }))
}

#[test]
fn a_member_that_does_not_defer_claims_when_the_owner_has_left() {
    let mut alone = following(false);
    alone.append(&other_leaves(1));
    assert!(owns(&alone.settle()));
}

#[test]
fn a_member_that_defers_claims_a_moment_later_if_nobody_else_does() {
    let mut alone = following(true);
    alone.append(&other_leaves(1));
    assert_eq!(alone.pass(DEFER_FOR.mul_f32(0.9)), []);
    assert_eq!(alone.role(), Role::Standby);
    assert!(owns(&alone.pass(Duration::from_millis(200))));
}

#[test]
fn a_member_that_defers_no_more_claims_at_once() {
    let mut alone = following(true);
    alone.append(&other_leaves(1));
    assert_eq!(alone.pass(Duration::from_millis(200)), []);
    alone.node.set_deferring(false);
    assert!(owns(&alone.pass(Duration::from_millis(100))));
}

#[test]
fn a_member_that_defers_leaves_the_commands_to_the_others_once() {
    let mut alone = following(true);
    alone.append(&other_leaves(1));
    alone.settle();
    alone.node.set_active(true, alone.now);
    assert_eq!(alone.settle(), [Output::PassOn]);
    // they come again: nobody else can consume
    alone.node.set_active(true, alone.now);
    assert!(owns(&alone.settle()));
}

#[test]
fn a_member_that_defers_follows_the_one_that_goes_first() {
    let mut alone = following(true);
    alone.append(&other_leaves(1));
    alone.settle();
    alone.append(&other_opens(2, ""));
    for _ in 0..40 {
        alone.append(&other_ticks_active(2));
        assert_eq!(alone.pass(Duration::from_millis(100)), []);
    }
    assert_eq!(alone.role(), Role::Standby);
}

/// An owner that dies leaves no word: whoever gets the commands takes over.
#[test]
fn a_member_that_defers_takes_over_from_an_owner_that_died() {
    let mut alone = following(true);
    alone.node.set_active(true, alone.now);
    assert!(owns(&alone.settle()));
}

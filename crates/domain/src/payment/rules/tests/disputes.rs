//! Disputes.

use super::*;
use crate::command::DisputeOutcome;
use rstest::rstest;

#[rstest]
#[case(&[], "dispute_opened a d1", CallbackEffect::Disputed { any: true, outcome: None })]
#[case(&["dispute_opened a d1"], "dispute_opened a d1", CallbackEffect::Stale)]
#[case(&["dispute_opened a d1"], "dispute_closed a d1 won", CallbackEffect::Disputed { any: false, outcome: Some(DisputeOutcome::Won) })]
#[case(&["dispute_opened a d1"], "dispute_closed a d1 lost", CallbackEffect::Disputed { any: true, outcome: Some(DisputeOutcome::Lost) })]
#[case(&["dispute_opened a d1", "dispute_opened a d2"], "dispute_closed a d1 won", CallbackEffect::Disputed { any: true, outcome: Some(DisputeOutcome::Won) })]
#[case(&["dispute_closed a d1 lost"], "dispute_closed a d1 won", CallbackEffect::Disputed { any: false, outcome: Some(DisputeOutcome::Won) })]
#[case(&["dispute_closed a d1 won"], "dispute_closed a d1 lost", CallbackEffect::Stale)]
#[case(&["dispute_closed a d1 won"], "dispute_closed a d1 won", CallbackEffect::Stale)]
#[case(&["dispute_closed a d1 lost"], "dispute_closed a d1 lost", CallbackEffect::Stale)]
#[case(&["dispute_closed a d1 won"], "dispute_opened a d1", CallbackEffect::Stale)]
#[case(&[], "dispute_closed a d1 lost", CallbackEffect::Disputed { any: true, outcome: Some(DisputeOutcome::Lost) })]
#[case(&[], "dispute_closed a d1 won", CallbackEffect::Disputed { any: false, outcome: Some(DisputeOutcome::Won) })]
// one that is opened has no outcome, whatever the callback brings along
#[case(&[], "dispute_opened a d1 won", CallbackEffect::Disputed { any: true, outcome: None })]
// a dispute is its provider's own
#[case(&["dispute_closed a d1 won"], "dispute_opened a d1 @other", CallbackEffect::Disputed { any: true, outcome: None })]
#[case(&["dispute_opened a d1"], "dispute_closed a d1 won @other", CallbackEffect::Disputed { any: true, outcome: Some(DisputeOutcome::Won) })]
#[case(&["dispute_opened a d1"], "dispute_opened b d1 won", CallbackEffect::Stale)]
#[case(&["dispute_opened a d1"], "dispute_opened b d1 lost", CallbackEffect::Stale)]
#[case(&["dispute_closed a d1 lost"], "dispute_opened b d1 won", CallbackEffect::Stale)]
fn disputes(#[case] history: &[&str], #[case] text: &str, #[case] expected: CallbackEffect) {
    assert_eq!(effect(history, text, Phase::Sold), expected);
}

//! What is counted of an attempt.

use super::*;

fn delivery() -> DueDelivery {
    DueDelivery {
        order: Ordinal(0),
        id: "n-0-own".to_owned(),
        kind: NotificationKind::RefundSucceeded,
        reference: "r-1".to_owned(),
        channel: Channel::Webhook,
        attempt: 3,
        trace: None,
        began: Timestamp::EPOCH,
        give_up_at: Timestamp::EPOCH,
    }
}

fn delivered(id: &str, channel: Channel) -> Event {
    let kind = NotificationKind::RefundSucceeded;
    Event::NotificationDelivered { notification_id: id.to_owned(), kind, attempts: 1, channel }
}

fn given_up(id: &str, channel: Channel, attempts: u32) -> Event {
    Event::NotificationFailed {
        notification_id: id.to_owned(),
        kind: NotificationKind::RefundSucceeded,
        attempts,
        channel,
        problem: Some(Failure::Timeout),
    }
}

/// A unit may give up older notifications of the order, on every channel, to make room.
#[test]
fn the_outcome_of_a_delivery_is_its_own() {
    let failed = Sent::Failed { why: Failure::Timeout, retry_after: None };
    let without = Sent::GivenUp { why: Failure::Unavailable };
    let others = [
        given_up("n-0-other", Channel::Webhook, 7),
        given_up("n-0-own", Channel::Amqp, 8),
        delivered("n-0-other", Channel::Webhook),
        delivered("n-0-own", Channel::Amqp),
    ];
    let own = Channel::Webhook;
    for (sent, event, outcome) in [
        (failed, None, (Label::Retried, 3)),
        (Sent::Delivered, Some(delivered("n-0-own", own)), (Label::Delivered, 3)),
        (failed, Some(given_up("n-0-own", own, 4)), (Label::Failed, 4)),
        (without, Some(given_up("n-0-own", own, 2)), (Label::GivenUp, 2)),
    ] {
        let mut events = others.to_vec();
        events.extend(event);
        assert_eq!(outcome_of(&delivery(), sent, &events), outcome, "behind others");
        events.rotate_right(1);
        assert_eq!(outcome_of(&delivery(), sent, &events), outcome, "before others");
    }
}

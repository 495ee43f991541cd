//! One plain sentence for each unit and each event of a timeline. The reader is a person at the telephone who sees the order
//! and has not read this documentation.

use orderly_domain::command::{CallbackKind, DisputeOutcome, Kind};
use orderly_domain::event::payload::EventContext;
use orderly_domain::event::{Event, OrderChange, ReleaseReason, ReviewReason, SkuUnits};
use orderly_domain::id::Provider;
use orderly_domain::inventory::HoldState;
use orderly_domain::money::Currency;
use orderly_domain::notification::{Delivery, Failure, NotificationKind, Progress};
use orderly_domain::order::{OrderSnapshot, Status};
use orderly_domain::record::{CommandName, Origin, UnitRecord};
use orderly_domain::verdict::{Detail, Reason, Verdict};

/// The sentence about a unit: its origin and its outcome. `retried` is the delivery after a failed attempt that is tried again.
pub(super) fn of_unit(record: &UnitRecord, retried: Option<&Delivery>) -> String {
    match &record.origin {
        Origin::Message { kind, .. } => {
            let what = if record.parked.is_some() { "A parked message was replayed: " } else { "" };
            format!("{what}{} {}.{}", subject(kind), outcome(record), ignored(record))
        }
        Origin::Waited { .. } => {
            format!("A payment callback that had waited for the order {}.", outcome(record))
        }
        Origin::HoldTimer => "The time for which stock was held ran out.".to_owned(),
        Origin::Notified(kind) => of_attempt(*kind, &record.events, retried),
        Origin::Quarantine => "A message that may have stopped the process runs alone.".to_owned(),
        Origin::Operator => "An operator had a notification sent again.".to_owned(),
        Origin::Retention => match record.reason {
            Some(_) => format!("A payment callback {}.", outcome(record)),
            None => "A retention period ended.".to_owned(),
        },
        Origin::Reminder => "A due notification is tried again later.".to_owned(),
        Origin::Restored => {
            "The store was put back from a copy; what happened after the copy is not in it."
                .to_owned()
        }
        Origin::Dismissed => "A parked message was dismissed.".to_owned(),
        Origin::Upgrade => "The store of an earlier build was brought up to date.".to_owned(),
    }
}

/// The sentence about the fields that are not known, after another sentence.
fn ignored(record: &UnitRecord) -> String {
    let Some(ignored) = &record.ignored else {
        return String::new();
    };
    let names: Vec<_> = ignored.texts().collect();
    format!(" Ignored, since not known: {}.", names.join(", "))
}

/// The sentence about the outcome of an attempt to deliver a notification. An attempt without an event failed and is tried again.
fn of_attempt(kind: NotificationKind, events: &[Event], retried: Option<&Delivery>) -> String {
    let notification = format!("notification {}", news(kind));
    let ended = events.iter().find_map(|event| match event {
        Event::NotificationDelivered { attempts, channel, .. } => Some(format!(
            "The {notification} was delivered, through {channel}, at attempt {attempts}."
        )),
        Event::NotificationFailed { attempts, channel, problem, .. } => Some(format!(
            "The delivery of the {notification} failed, through {channel}, after {}{}. \
             The delivery is given up.",
            number_of_attempts(*attempts),
            why(*problem)
        )),
        _ => None,
    });
    ended.unwrap_or_else(|| {
        let failed = format!("The delivery of the {notification} failed");
        match retried {
            Some(Delivery {
                channel,
                attempts,
                problem,
                progress: Progress::Pending { not_before },
                ..
            }) => format!(
                "{failed}, through {channel}, at attempt {attempts}{}. The next attempt is due at {not_before}.",
                why(*problem)
            ),
            Some(_) | None => format!("{failed}. The delivery is tried again."),
        }
    })
}

/// The reason at the end of a sentence about a failed delivery.
fn why(problem: Option<Failure>) -> String {
    problem.map(|problem| format!(": {problem}")).unwrap_or_default()
}

fn number_of_attempts(attempts: u32) -> String {
    match attempts {
        1 => "1 attempt".to_owned(),
        _ => format!("{attempts} attempts"),
    }
}

/// The subject of the sentence: what the command of a message does.
fn subject(kind: &CommandName) -> &'static str {
    let Some(kind) = kind.kind() else {
        return "A message of an unknown type";
    };
    match kind {
        Kind::StockSet => "Setting the stock",
        Kind::StockAdjust => "Adjusting the stock",
        Kind::CartPut | Kind::CartAdd => "Changing the cart",
        Kind::CartClear => "Emptying the cart",
        Kind::CartMerge => "Merging the carts",
        Kind::CartCheckout => "Checking out the cart",
        Kind::OrderPlace => "Placing the order",
        Kind::OrderAmend => "Changing the order",
        Kind::OrderCancel => "Cancelling the order",
        Kind::OrderComplete => "Completing the order",
        Kind::OrderResolve => "The decision on the order",
        Kind::OrderCapture => "The request to capture",
        Kind::RefundRequest => "The request for a refund",
        Kind::PaymentCallback => "A payment callback",
    }
}

/// The rest of the sentence: the verdict and its reason.
fn outcome(record: &UnitRecord) -> String {
    let why = || {
        let reason = record.reason.map_or("", reason);
        let detail = record.detail.as_ref().map(detail);
        detail.map_or_else(|| reason.to_owned(), |detail| format!("{reason} ({detail})"))
    };
    match record.verdict {
        Verdict::Applied => match &record.detail {
            Some(what) => format!("was applied: {}", detail(what)),
            None => "was applied".to_owned(),
        },
        Verdict::Duplicate => "had come before, and changed nothing".to_owned(),
        Verdict::Stale => match &record.detail {
            Some(why) => format!("changed nothing: {}", detail(why)),
            None => "was out of date, and changed nothing".to_owned(),
        },
        Verdict::Waiting => "waits for the order to be placed".to_owned(),
        Verdict::Rejected => format!("was refused: {}", why()),
        Verdict::Review => "was recorded, and a person must look at it".to_owned(),
        Verdict::Conflict => "was parked: its id had been used with other data".to_owned(),
        Verdict::Invalid => format!("was parked as not valid: {}", why()),
        Verdict::Failed => format!("was parked: {}", why()),
    }
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::OutOfStock => "there is not enough stock",
        Reason::UnknownSku => "there is no such article",
        Reason::BelowHeld => "less would be left than is held for orders",
        Reason::CartNotFound => "there is no such cart",
        Reason::CartEmpty => "the cart is empty",
        Reason::CartClosed => "the cart is closed",
        Reason::VersionMismatch => "its version is not the expected one any more",
        Reason::TotalMismatch => "the total differs from the expected one",
        Reason::CurrencyMismatch => "the currencies differ",
        Reason::OrderExists => "an order with that id exists already",
        Reason::OrderNotFound => "there is no such order",
        Reason::NotAllowed => "that is not allowed now",
        Reason::Malformed => "the message could not be read",
        Reason::UnknownType => "the type of the message is unknown",
        Reason::Validation => "a value in the message is wrong",
        Reason::TooLarge => "the message is too large",
        Reason::Deadline => "the message came after its deadline",
        Reason::ExpiredIdentity => "the message is too old: it may be a repetition",
        Reason::Conflict => "its id had been used with other data",
        Reason::Failed => "every attempt failed",
        Reason::WaitingFull => "too many callbacks wait for their orders already",
        Reason::OrderNeverCame => "its order was never placed",
        Reason::RefundExceedsPaid => "the amount is more than is left of the money",
        Reason::RefundExists => "a refund with that id exists already",
        Reason::RestockExceedsSold => "the goods to return are more than were sold",
    }
}

fn detail(detail: &Detail) -> String {
    match detail {
        Detail::Text(text) => Status::from_name(text)
            .map_or_else(|| text.clone(), |status| format!("the order is {}", words(status))),
        Detail::Shortages(short) => {
            let short = short.iter().map(|one| {
                format!("{} × {} wanted, {} available", one.wanted, one.sku, one.available)
            });
            short.collect::<Vec<_>>().join("; ")
        }
    }
}

fn words(status: Status) -> String {
    status.as_str().replace('_', " ")
}

/// The sentence about an event.
pub(super) fn of_event(event: &Event, context: EventContext<'_>) -> String {
    match event {
        Event::Order { change, snapshot } => of_order(change, *snapshot, context),
        Event::PaymentRecorded {
            provider,
            attempt_id,
            kind,
            verdict,
            amount,
            currency,
            refund_id,
            dispute_id,
            outcome,
        } => {
            let money = amount.zip(*currency).map(|(amount, currency)| currency.show(amount));
            let money = money.unwrap_or_else(|| "nothing".to_owned());
            let refund = refund_id.as_ref().map_or("", |id| id.as_str());
            let dispute = dispute_id.as_ref().map_or("", |id| id.as_str());
            let content = match kind {
                CallbackKind::ActionRequired => "the customer must take a step".to_owned(),
                CallbackKind::Authorized => format!("{money} are set aside"),
                CallbackKind::Captured => format!("{money} were taken"),
                CallbackKind::Failed => "the attempt failed".to_owned(),
                CallbackKind::Voided => "the attempt was voided".to_owned(),
                CallbackKind::Expired => "the attempt expired".to_owned(),
                CallbackKind::RefundSucceeded => format!("refund {refund} of {money} arrived"),
                CallbackKind::RefundFailed => format!("refund {refund} failed"),
                CallbackKind::DisputeOpened => format!("dispute {dispute} was opened"),
                CallbackKind::DisputeClosed => {
                    let outcome = outcome.map(|outcome| format!(" ({outcome})"));
                    format!("dispute {dispute} was closed{}", outcome.unwrap_or_default())
                }
            };
            format!("{provider} said of attempt {attempt_id}: {content}{}.", remark(*verdict))
        }
        Event::RefundRequested { .. }
        | Event::CaptureRequested { .. }
        | Event::VoidRequested { .. } => of_request(event),
        Event::StockLow { sku, available, version: _ } => {
            format!("The stock of {sku} is low: {available} available.")
        }
        Event::StockChanged { sku, on_hand, held, version: _ } => {
            format!("The stock of {sku} is {on_hand}, of which {held} are held for orders.")
        }
        Event::StockHeld { units } => held(units.as_deref(), context),
        Event::StockCommitted => format!("The stock was sold: {}.", reserved(context)),
        Event::StockReleased { reason, units } => released(*reason, units.as_deref(), context),
        Event::StockReturned { refund_id, items } => {
            let items = units(items.iter().map(pair));
            match refund_id {
                Some(refund_id) => format!("Goods came back with refund {refund_id}: {items}."),
                None => format!("Goods came back, since the order needs less: {items}."),
            }
        }
        Event::CartCheckedOut { cart_id } => format!("Cart {cart_id} was checked out."),
        Event::CartReopened { cart_id } => format!("Cart {cart_id} is open again."),
        Event::CartChanged { cart_id } => format!("Cart {cart_id} was changed."),
        Event::CartExpired { cart_id } => {
            format!("Cart {cart_id} expired after a long time without a change.")
        }
        Event::NotificationRequested { kind, .. } => {
            format!("The customer is to be told {}.", news(*kind))
        }
        Event::NotificationDelivered { kind, attempts, channel, .. } => {
            let news = news(*kind);
            format!("The customer was told {news}, through {channel}, at attempt {attempts}.")
        }
        Event::NotificationFailed { kind, attempts, channel, problem, .. } => {
            let (news, attempts) = (news(*kind), number_of_attempts(*attempts));
            let why = why(*problem);
            format!("The customer could not be told {news}, through {channel}, in {attempts}{why}.")
        }
        Event::CommandParked { parked_id: Some(id), reason: why, .. } => {
            format!("A message was parked as {id}: {}.", reason(*why))
        }
        Event::CommandParked { parked_id: None, reason: why, .. } => {
            format!("A message went to the dead letters of the broker: {}.", reason(*why))
        }
    }
}

/// What the payment adapter is asked to do.
fn of_request(event: &Event) -> String {
    match event {
        Event::RefundRequested {
            refund_id,
            attempt_id,
            amount,
            currency,
            provider,
            capture_id: _,
            part,
        } => {
            let part = part.filter(|one| one.parts > 1);
            let part = part.map(|one| format!(", part {} of {}", one.part, one.parts));
            let of_attempt = attempt_id.as_ref().map(|id| format!(", of attempt {id}"));
            format!(
                "{} is asked to send {} back (refund {refund_id}{}{}).",
                asked(provider.as_ref()),
                currency.show(*amount),
                part.unwrap_or_default(),
                of_attempt.unwrap_or_default()
            )
        }
        Event::CaptureRequested {
            provider,
            attempt_id,
            amount,
            currency,
            capture_request_id: _,
        } => {
            let (asked, amount) = (asked(Some(provider)), currency.show(*amount));
            format!("{asked} is asked to capture {amount} of attempt {attempt_id}.")
        }
        Event::VoidRequested { attempt_id, provider } => {
            format!("{} is asked to void attempt {attempt_id}.", asked(provider.as_ref()))
        }
        _ => String::new(), // another event is no request
    }
}

/// What was held: these units more, or all of the reservation.
fn held(more: Option<&[SkuUnits]>, context: EventContext<'_>) -> String {
    if let Some(more) = more {
        return format!("More stock is held: {}.", units(more.iter().map(pair)));
    }
    match context.reservation.map(|reservation| reservation.state) {
        Some(HoldState::Held { until: Some(until), .. }) => {
            format!("Stock is held until {until}: {}.", reserved(context))
        }
        Some(HoldState::Held { until: None, .. }) => {
            format!("Stock is held: {}.", reserved(context))
        }
        // The reservation is that of the end of the unit: a unit may hold stock and sell it.
        Some(HoldState::Committed | HoldState::Released | HoldState::Expired) | None => {
            format!("Stock was held: {}.", reserved(context))
        }
    }
}

/// What was released: these units, or all of the reservation.
fn released(reason: ReleaseReason, some: Option<&[SkuUnits]>, context: EventContext<'_>) -> String {
    let why = match reason {
        ReleaseReason::Cancelled => "since the order was cancelled",
        ReleaseReason::Expired => "since the hold expired",
        ReleaseReason::Amended => "since the order needs less",
    };
    let released = some.map(|some| units(some.iter().map(pair)));
    let released = released.unwrap_or_else(|| reserved(context));
    format!("The stock is free again, {why}: {released}.")
}

fn pair(SkuUnits { sku, quantity }: &SkuUnits) -> (u64, &str) {
    (*quantity, sku.as_str())
}

/// The provider that is asked, at the beginning of a sentence. Units of earlier builds do not name it.
fn asked(provider: Option<&Provider>) -> String {
    provider.map_or_else(
        || "The payment provider".to_owned(),
        |name| format!("The payment provider {name}"),
    )
}

fn of_order(change: &OrderChange, snapshot: OrderSnapshot, context: EventContext<'_>) -> String {
    let currency = context.order.map(|order| order.currency);
    let show = |amount| currency.map_or_else(String::new, |one: Currency| one.show(amount));
    let total = || show(context.order.map_or(0, |order| order.total));
    let net = show((snapshot.paid - snapshot.refunded).max(0));
    let let_go = || match context.order.map_or(0, |order| order.written_off) {
        0 => String::new(),
        amount => format!(", and {} of its total were let go", show(amount)),
    };
    match change {
        OrderChange::Placed => format!("The order was placed: {} are to be paid.", total()),
        OrderChange::Rejected { reason: why, detail: more } => {
            let more = more.as_ref().map(|more| format!(" ({})", detail(more)));
            format!("The order was rejected: {}{}.", reason(*why), more.unwrap_or_default())
        }
        OrderChange::PartiallyPaid => {
            format!("The order is paid in part: {net} of {}.", total())
        }
        OrderChange::Paid { late: false } => format!("The order is paid: {net}{}.", let_go()),
        OrderChange::Paid { late: true } => {
            format!("The order is paid: {net}. The money was late, and the stock was held again.")
        }
        OrderChange::UnderReview { reason: ReviewReason::OverCapture } => {
            format!("A person must look at the order: {net} came, the total is {}.", total())
        }
        OrderChange::UnderReview { reason: ReviewReason::OtherCurrency } => {
            "A person must look at the order: money came in another currency.".to_owned()
        }
        OrderChange::Expired => "The order expired: it was not paid in time.".to_owned(),
        OrderChange::Cancelled { reason: Some(why) } => {
            format!("The order was cancelled: {}.", why.as_str())
        }
        OrderChange::Cancelled { reason: None } => "The order was cancelled.".to_owned(),
        OrderChange::RefundDue { amount: 0 } => {
            "The order is to be refunded: money in another currency.".to_owned()
        }
        OrderChange::RefundDue { amount } => {
            format!("The order is to be refunded: {}.", show(*amount))
        }
        OrderChange::Refunded => "All of the order's money went back.".to_owned(),
        OrderChange::PartiallyRefunded => {
            format!("Of the order's money {} went back, {net} are left.", show(snapshot.refunded))
        }
        OrderChange::Authorized => {
            format!("The order is confirmed: what is authorized covers what {} lack.", total())
        }
        OrderChange::Amended => format!("The order was changed. Its total is {}.", total()),
        OrderChange::Disputed { provider, dispute_id } => {
            format!("Dispute {dispute_id} was opened at {provider}.")
        }
        OrderChange::DisputeClosed { provider, dispute_id, outcome: DisputeOutcome::Won } => {
            format!("Dispute {dispute_id} at {provider} was closed: the shop won it.")
        }
        OrderChange::DisputeClosed { provider, dispute_id, outcome: DisputeOutcome::Lost } => {
            format!("Dispute {dispute_id} at {provider} was closed: the shop lost it.")
        }
        OrderChange::AuthorizationLost => {
            format!(
                "An authorization ended: the order waits for its money again, {net} of {}.",
                total()
            )
        }
        OrderChange::Completed => "The order was handed over to the customer.".to_owned(),
    }
}

/// A remark about a callback that was not simply applied.
fn remark(verdict: Verdict) -> &'static str {
    match verdict {
        // The last four leave no event.
        Verdict::Applied
        | Verdict::Duplicate
        | Verdict::Conflict
        | Verdict::Invalid
        | Verdict::Failed => "",
        Verdict::Stale => " (out of date: nothing changes)",
        Verdict::Waiting => " (waits for the order)",
        Verdict::Review => " (a person must look at it)",
        Verdict::Rejected => " (refused)",
    }
}

/// The news that a notification brings to the customer.
fn news(kind: NotificationKind) -> &'static str {
    match kind {
        NotificationKind::OrderConfirmed => "that the order is confirmed",
        NotificationKind::OrderExpired => "that the order expired",
        NotificationKind::OrderCancelled => "that the order was cancelled",
        NotificationKind::RefundSucceeded => "of a refund",
    }
}

fn reserved(context: EventContext<'_>) -> String {
    let items = context.reservation.into_iter().flat_map(|reservation| reservation.items.iter());
    units(items.map(|item| (item.quantity, item.sku.as_str())))
}

/// The quantity of each article; of many articles only the first few are named.
fn units<'a>(items: impl Iterator<Item = (u64, &'a str)>) -> String {
    const NAMED: usize = 3;
    let all: Vec<_> = items.collect();
    let mut named: Vec<_> =
        all.iter().take(NAMED).map(|(quantity, sku)| format!("{quantity} × {sku}")).collect();
    if all.len() > NAMED {
        named.push(format!("and {} more articles", all.len() - NAMED));
    }
    named.join(", ")
}

#[cfg(test)]
mod tests;

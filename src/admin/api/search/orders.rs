//! Orders that are found by what they have.

use super::super::Error;
use super::found::{Item, Kind, in_words};
use orderly_actors::states::{State, part};
use orderly_actors::tables;
use orderly_domain::lists::lower_case;
use orderly_domain::order::Order;
use orderly_domain::payment::{
    Attempt, CaptureIdentity, Dispute, FoldedContent, FoldedItem, Payments, Refund,
};
use orderly_store::{Ordinal, Parts, Reader};

pub(super) fn of_customer(reader: &Reader, id: &str, ordinal: Ordinal) -> Result<Vec<Item>, Error> {
    let order = order(reader, ordinal)?.filter(|order| order.customer.id.as_str() == id);
    Ok(order.iter().map(|order| of(Kind::Customer, id, order)).collect())
}

pub(super) fn of_email(reader: &Reader, email: &str, ordinal: Ordinal) -> Result<Vec<Item>, Error> {
    let wanted = lower_case(email);
    let has = |order: &Order| {
        order.customer.email.as_ref().is_some_and(|email| lower_case(email.as_str()) == wanted)
    };
    let order = order(reader, ordinal)?.filter(has);
    Ok(order.iter().map(|order| of(Kind::Email, email, order)).collect())
}

fn of(kind: Kind, id: &str, order: &Order) -> Item {
    let order_id = Some(order.id.to_string());
    Item { kind, id: id.to_owned(), order_id, summary: in_words(order) }
}

fn order(reader: &Reader, ordinal: Ordinal) -> Result<Option<Order>, Error> {
    Ok(part(&reader.entity(tables::ORDERS, ordinal, Parts::of(&[Order::PART]))?)?)
}

/// What has this id in the payments of an order.
pub(super) fn of_reference(
    reader: &Reader,
    id: &str,
    ordinal: Ordinal,
) -> Result<Vec<Item>, Error> {
    let parts = Parts::of(&[Order::PART, Payments::PART]);
    let entity = reader.entity(tables::ORDERS, ordinal, parts)?;
    let (Some(order), Some(payments)) = (part::<Order>(&entity)?, part::<Payments>(&entity)?)
    else {
        return Ok(Vec::new());
    };
    let mut found = Found { id, order_id: order.id.as_str(), items: Vec::new() };
    payments.attempts.iter().for_each(|attempt| found.attempt(attempt));
    payments.refunds.iter().for_each(|refund| found.refund(refund));
    payments.disputes.iter().for_each(|dispute| found.dispute(dispute));
    Ok(found.items)
}

/// The same of a folded item.
pub(super) fn of_folded_reference(
    reader: &Reader,
    id: &str,
    ordinal: Ordinal,
) -> Result<Vec<Item>, Error> {
    let record = Parts::of(&[FoldedItem::PART]);
    let item = part::<FoldedItem>(&reader.entity(tables::FOLDED, ordinal, record)?)?;
    let Some(item) = item else { return Ok(Vec::new()) };
    let Some(order) = order(reader, Ordinal(item.order))? else { return Ok(Vec::new()) };
    let mut found = Found { id, order_id: order.id.as_str(), items: Vec::new() };
    match &item.content {
        FoldedContent::Nothing | FoldedContent::RefundsOfUnknownAttempt(_) => {}
        FoldedContent::Attempt(attempt) => found.attempt(attempt),
        FoldedContent::Refund(refund) => found.refund(refund),
        FoldedContent::Dispute(dispute) => found.dispute(dispute),
    }
    Ok(found.items)
}

/// What has an id in the payments of an order.
struct Found<'a> {
    id: &'a str,
    order_id: &'a str,
    items: Vec<Item>,
}

impl Found<'_> {
    fn add(&mut self, kind: Kind, summary: String) {
        let (id, order_id) = (self.id.to_owned(), Some(self.order_id.to_owned()));
        self.items.push(Item { kind, id, order_id, summary });
    }

    fn attempt(&mut self, attempt: &Attempt) {
        let provider = &attempt.provider;
        if attempt.id.as_str() == self.id {
            let state = attempt.state;
            let money = attempt.currency.map_or_else(String::new, |currency| {
                let captured = attempt.captured(currency);
                format!(", {} captured", currency.show(captured))
            });
            self.add(Kind::Attempt, format!("{provider}, {state}{money}"));
        }
        for capture in &attempt.captures {
            let known_by = match &capture.identity {
                CaptureIdentity::Capture(id) => id.as_str(),
                CaptureIdentity::Event(id) => id.as_str(),
            };
            if known_by == self.id {
                let (amount, attempt) = (capture.currency.show(capture.amount), &attempt.id);
                let at = capture.at;
                let summary = format!("{provider}, {amount} of attempt {attempt}, at {at}");
                self.add(Kind::Capture, summary);
            }
        }
    }

    fn refund(&mut self, refund: &Refund) {
        if refund.id.as_str() == self.id {
            let (amount, state) = (refund.currency.show(refund.amount), refund.state);
            let provider = match &refund.provider {
                Some(provider) => format!("{provider}, "),
                None => String::new(),
            };
            self.add(Kind::Refund, format!("{provider}{amount}, {state}"));
        }
    }

    fn dispute(&mut self, dispute: &Dispute) {
        if dispute.id.as_str() == self.id {
            let provider = match &dispute.provider {
                Some(provider) => format!("{provider}, "),
                None => String::new(),
            };
            self.add(Kind::Dispute, format!("{provider}{}", dispute.state));
        }
    }
}

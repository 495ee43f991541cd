//! The steps of an attempt to pay that take no money.

use super::{Column, column};
use crate::message::{number, text};
use crate::model::Model;
use crate::state::attempt::{AttemptState, Authorization};
use crate::state::order::Order;
use crate::unit::{Ended, Outcome};
use serde_json::Value;

impl Model {
    pub(super) fn authorized(&mut self, order: &mut Order, data: &Value) -> Outcome {
        let column = column(order);
        let (provider, id) = (text(data, "provider"), text(data, "attempt_id"));
        let name = (provider.to_owned(), id.to_owned());
        match self.attempts.get(&name) {
            Some(owner) if *owner != order.id => return Err(Ended::AttemptOf(owner.clone())),
            _ if order.ledger.forgotten_attempts.contains(&name) => {
                return self.authorized_after_all(order, data, column);
            }
            _ => {}
        }
        let is_awaited = matches!(column, Column::Awaiting | Column::Review);
        let attempt = order.ledger.attempt(provider, id);
        let authorization = Authorization {
            amount: number(data, "amount"),
            currency: text(data, "currency").to_owned(),
            occurred_at: number(data, "occurred_at"),
            has_ended: false,
        };
        // authorizations add up
        let is_known = attempt.authorizations.iter().any(|one| {
            one.occurred_at == authorization.occurred_at || one.currency != authorization.currency
        });
        // what was authorized before the attempt ended is gone
        let is_over = Some(authorization.occurred_at) <= attempt.ended_at;
        let is_known = is_known || is_over;
        match attempt.state {
            AttemptState::Initiated | AttemptState::ActionRequired => {
                attempt.state = AttemptState::Authorized;
            }
            AttemptState::Authorized if !is_known => {}
            AttemptState::Captured if !is_known && !attempt.is_final => {}
            // it does not come back to life, but its money must not stay blocked
            AttemptState::Failed | AttemptState::Voided | AttemptState::Expired
                if !is_known && !is_awaited =>
            {
                attempt.authorizations.push(authorization);
                attempt.void_requested = false;
                self.attempts.entry(name).or_insert_with(|| order.id.clone());
                self.request_void(order, data);
                return Ok(());
            }
            _ => return Err(Ended::Stale),
        }
        attempt.authorizations.push(authorization);
        self.attempts.entry(name).or_insert_with(|| order.id.clone());
        let attempt = order.ledger.attempt(provider, id);
        // an earlier request was to void the attempt before this authorization
        attempt.void_requested = false;
        let needs_void = attempt.needs_void();
        if needs_void && matches!(column, Column::PaidOrLater | Column::Over | Column::RefundDue) {
            self.request_void(order, data);
        }
        self.judge_authorizations(order, false);
        Ok(())
    }

    /// An attempt is authorized that ended and was forgotten. Nobody waits for its money if the order is over.
    fn authorized_after_all(&mut self, order: &mut Order, data: &Value, column: Column) -> Outcome {
        let (provider, id) = (text(data, "provider"), text(data, "attempt_id"));
        let authorization = (provider.to_owned(), id.to_owned(), number(data, "occurred_at"));
        let has_captured = order.ledger.known_attempt(provider, id).is_some();
        if matches!(column, Column::Awaiting | Column::Review)
            || has_captured
            || !order.ledger.forgotten_authorizations.insert(authorization)
        {
            return Err(Ended::Stale);
        }
        self.unit.voids_requested.push((provider.to_owned(), id.to_owned()));
        self.unit.event("payment.void_requested");
        Ok(())
    }

    pub(super) fn action_required(&mut self, order: &mut Order, data: &Value) -> Outcome {
        let column = column(order);
        let (provider, id) = (text(data, "provider"), text(data, "attempt_id"));
        if order.ledger.is_forgotten(provider, id) {
            return Err(Ended::Stale);
        }
        let attempt = order.ledger.attempt(provider, id);
        if attempt.state != AttemptState::Initiated {
            return Err(Ended::Stale);
        }
        attempt.state = AttemptState::ActionRequired;
        if matches!(column, Column::Over | Column::RefundDue) {
            self.request_void(order, data);
        }
        Ok(())
    }

    /// An attempt failed, was voided or expired. Other attempts do not change. The end is recorded also where the callback
    /// is stale: because the order does not wait for the attempt's money, or the attempt had ended or captured already.
    pub(super) fn attempt_ends(
        &mut self,
        order: &mut Order,
        data: &Value,
        end: AttemptState,
    ) -> Outcome {
        let is_awaited = order.awaits_money();
        let (provider, id) = (text(data, "provider"), text(data, "attempt_id"));
        if order.ledger.is_forgotten(provider, id) {
            return Err(Ended::Stale);
        }
        let attempt = order.ledger.attempt(provider, id);
        let occurred_at = number(data, "occurred_at");
        if Some(occurred_at) <= attempt.ended_at {
            return Err(Ended::Stale); // it is known
        }
        let rest = attempt.rest();
        attempt.end(occurred_at);
        match attempt.state {
            AttemptState::Initiated | AttemptState::ActionRequired | AttemptState::Authorized => {
                attempt.state = end;
            }
            // what is left of the authorization ends
            AttemptState::Captured if rest > 0 => attempt.is_final = true,
            _ => return Err(Ended::Stale),
        }
        attempt.capture_asked = 0;
        self.judge_authorizations(order, false);
        if is_awaited { Ok(()) } else { Err(Ended::Stale) }
    }

    /// Emits `payment.void_requested`, once for an attempt in its present state.
    fn request_void(&mut self, order: &mut Order, data: &Value) {
        let attempt = order.ledger.attempt(text(data, "provider"), text(data, "attempt_id"));
        if !attempt.void_requested {
            attempt.void_requested = true;
            self.unit.voids_requested.push((attempt.provider.clone(), attempt.id.clone()));
            self.unit.event("payment.void_requested");
        }
    }
}

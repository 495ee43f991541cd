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
        let attempt = order.ledger.attempt(text(data, "provider"), text(data, "attempt_id"));
        let authorization = Authorization {
            amount: number(data, "amount"),
            currency: text(data, "currency").to_owned(),
            occurred_at: number(data, "occurred_at"),
        };
        // authorizations add up
        let is_known = attempt.authorizations.iter().any(|one| {
            one.occurred_at == authorization.occurred_at || one.currency != authorization.currency
        });
        match attempt.state {
            AttemptState::Initiated | AttemptState::ActionRequired => {
                attempt.state = AttemptState::Authorized;
            }
            AttemptState::Authorized if !is_known => {}
            AttemptState::Captured if !is_known && !attempt.is_final => {}
            _ => return Err(Ended::Stale),
        }
        attempt.authorizations.push(authorization);
        // an earlier request was to void the attempt before this authorization
        attempt.void_requested = false;
        let needs_void = attempt.needs_void();
        if needs_void && matches!(column, Column::PaidOrLater | Column::Over | Column::RefundDue) {
            self.request_void(order, data);
        }
        self.judge_authorizations(order, false);
        Ok(())
    }

    pub(super) fn action_required(&mut self, order: &mut Order, data: &Value) -> Outcome {
        let column = column(order);
        let attempt = order.ledger.attempt(text(data, "provider"), text(data, "attempt_id"));
        if attempt.state != AttemptState::Initiated {
            return Err(Ended::Stale);
        }
        attempt.state = AttemptState::ActionRequired;
        if matches!(column, Column::Over | Column::RefundDue) {
            self.request_void(order, data);
        }
        Ok(())
    }

    /// An attempt failed, was voided or expired. Other attempts do not change. If the order does not wait for the
    /// attempt's money, the callback is stale, but the end of a known attempt is recorded all the same.
    pub(super) fn attempt_ends(
        &mut self,
        order: &mut Order,
        data: &Value,
        end: AttemptState,
    ) -> Outcome {
        let is_awaited = order.awaits_money();
        let (provider, id) = (text(data, "provider"), text(data, "attempt_id"));
        if !is_awaited && order.ledger.known_attempt(provider, id).is_none() {
            return Err(Ended::Stale);
        }
        let attempt = order.ledger.attempt(provider, id);
        match attempt.state {
            AttemptState::Initiated | AttemptState::ActionRequired | AttemptState::Authorized => {
                attempt.state = end;
            }
            // what is left of the authorization ends
            AttemptState::Captured if attempt.rest() > 0 => attempt.is_final = true,
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

//! `dispute_opened` and `dispute_closed`.

use crate::message::text;
use crate::model::Model;
use crate::state::ledger::{Dispute, DisputeState};
use crate::state::order::Order;
use crate::unit::{Ended, Outcome};
use serde_json::Value;

impl Model {
    /// A dispute changes. Its state never goes back, but a lost dispute may be won.
    pub(super) fn dispute(
        &mut self,
        order: &mut Order,
        data: &Value,
        next: DisputeState,
    ) -> Outcome {
        use DisputeState::{Lost, Open, Won};
        let (provider, id) = (text(data, "provider"), text(data, "dispute_id"));
        let mut disputes = order.ledger.disputes.iter_mut();
        match disputes.find(|known| known.provider == provider && known.id == id) {
            None => order.ledger.disputes.push(Dispute {
                provider: provider.to_owned(),
                id: id.to_owned(),
                state: next,
            }),
            Some(known) => match (known.state, next) {
                (Open, Won | Lost) | (Lost, Won) => known.state = next,
                _ => return Err(Ended::Stale),
            },
        }
        match next {
            Open => self.unit.event("order.disputed"),
            Won => self.unit.event_with("order.dispute_closed", "outcome won".to_owned()),
            Lost => self.unit.event_with("order.dispute_closed", "outcome lost".to_owned()),
        }
        Ok(())
    }
}

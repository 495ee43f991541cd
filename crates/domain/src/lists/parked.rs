//! The lists of a parked message.

use super::{List, Listed};
use crate::parked::Parked;

/// The lists that a parked message is in. (The messages that name one order are a list of their own, in their records.)
pub fn of_parked(parked: &Parked) -> Vec<Listed> {
    let command = parked.command_id.as_deref().map(List::ParkedCommand);
    let event = parked.event_id.as_ref().map(|event| List::ParkedEvent(event.as_str()));
    let lists = [command, event].into_iter().flatten();
    lists.map(|list| Listed::new(list, parked.received_at.micros())).collect()
}

//! The simulated notifier: publishes notifications when their requests are durable, until the broker has confirmed them.

use orderly_actors::notification::DueDelivery;
use orderly_demo::Random;
use orderly_domain::notification::{Failure, Sent};
use orderly_store::{Ordinal, Seq};
use std::collections::VecDeque;
use std::time::Duration;

/// The pause after a failed attempt.
const RETRY: Duration = Duration::from_secs(20);

#[derive(Debug, Default)]
pub(crate) struct Notifier {
    /// Orders whose notifications are due as soon as all units below the sequence are durable.
    looks: VecDeque<(Ordinal, Seq)>,
    /// Notifications to publish as soon as all units below the sequence are durable: the owner answers from memory, which is ahead
    /// of the disk.
    sends: VecDeque<(DueDelivery, Seq)>,
    /// Published notifications with their outcome.
    outcomes: VecDeque<(DueDelivery, Sent)>,
}

impl Notifier {
    pub(crate) fn look_at(&mut self, order: Ordinal, after: Seq) {
        self.looks.push_back((order, after));
    }

    /// The next order with due notifications.
    pub(crate) fn look(&mut self, durable: Seq) -> Option<Ordinal> {
        let at = self.looks.iter().position(|(_, after)| *after <= durable)?;
        self.looks.remove(at).map(|(order, _)| order)
    }

    pub(crate) fn found(&mut self, delivery: Vec<DueDelivery>, next: Seq) {
        self.sends.extend(delivery.into_iter().map(|one| (one, next)));
    }

    /// Publishes a notification, and returns it with whether it arrived. Its confirm may be lost in either case.
    pub(crate) fn send(
        &mut self,
        durable: Seq,
        random: &mut Random,
        losing: u64,
    ) -> Option<(DueDelivery, bool)> {
        let at = self.sends.iter().position(|(_, after)| *after <= durable)?;
        let (delivery, _) = self.sends.remove(at)?;
        let lost = random.one_in(losing);
        let arrived = !lost || random.one_in(2);
        let why = Failure::Unconfirmed;
        let failed = Sent::Failed { why, retry_after: Some(RETRY) };
        let sent = if lost { failed } else { Sent::Delivered };
        self.outcomes.push_back((delivery.clone(), sent));
        Some((delivery, arrived))
    }

    pub(crate) fn outcome(&mut self) -> Option<(DueDelivery, Sent)> {
        self.outcomes.pop_front()
    }

    pub(crate) fn again(&mut self, delivery: DueDelivery, sent: Sent) {
        self.outcomes.push_back((delivery, sent));
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.looks.is_empty() && self.sends.is_empty() && self.outcomes.is_empty()
    }
}

//! The labels that no other enum of the code has. The others are enums of the domain, such as the verdict. All are closed
//! sets, so no input ever becomes a label: an unknown type of a command counts as `other`.

use orderly_domain::command::Kind;
use orderly_domain::record::CommandName;

/// An enum whose variants are the values of one label, in the order of their series.
macro_rules! label {
    (
        $(#[$about:meta])*
        $name:ident { $( $(#[$why:meta])* $variant:ident => $text:literal, )+ }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( $(#[$why])* $variant, )+
        }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The value as the exposition shows it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $text, )+
                }
            }
        }
    };
}

/// `type` of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandType {
    /// A type of the domain: a new one has its series at once.
    Known(Kind),
    /// A command of the processor itself: a timer, or the outcome of a delivery.
    Internal,
    /// A message of an unknown type.
    Other,
}

impl CommandType {
    /// Every value.
    pub const ALL: &[Self] = &Self::all();

    const fn all() -> [Self; Kind::ALL.len() + 2] {
        let mut all = [Self::Other; Kind::ALL.len() + 2];
        let mut place = 0;
        while place < Kind::ALL.len() {
            all[place] = Self::Known(Kind::ALL[place]);
            place += 1;
        }
        all[place] = Self::Internal;
        all
    }

    /// The value as the exposition shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Known(kind) => kind.as_str(),
            Self::Internal => "internal",
            Self::Other => "other",
        }
    }
}

impl From<&CommandName> for CommandType {
    fn from(name: &CommandName) -> Self {
        name.kind().map_or(Self::Other, Self::Known)
    }
}

label! {
    /// `stage` of the way of a command, for its duration.
    Stage {
        /// From the delivery by the broker to the sequencer.
        Wait => "wait",
        /// In the actors, until the unit is sealed.
        Decide => "decide",
        /// From there until the unit is durable.
        Commit => "commit",
        /// From there until the broker has confirmed the events.
        Publish => "publish",
        /// From the delivery by the broker until the unit is durable.
        Total => "total",
    }
}

label! {
    /// `outcome` of an attempt to deliver a notification, or of its delivery without an attempt.
    Outcome {
        /// The channel accepted the notification.
        Delivered => "delivered",
        /// The attempt failed, and another one follows.
        Retried => "retried",
        /// The attempt failed, and no other one follows.
        Failed => "failed",
        /// The notification was given up without an attempt: its channel was down until the end, or is configured no more.
        GivenUp => "given_up",
    }
}

label! {
    /// `reason` why the process works with a restriction that a person should see.
    Restriction {
        /// A queue that is bound to the exchange for events does not accept them.
        EventsRejected => "events_rejected",
        /// The broker has not confirmed events for a long time.
        EventsUnconfirmed => "events_unconfirmed",
        /// A queue that is bound to the exchange for notifications does not accept them.
        NotificationsRejected => "notifications_rejected",
        /// No queue is bound for a kind of notification.
        NotificationsUnroutable => "notifications_unroutable",
        /// A channel for notifications does not work.
        ChannelDown => "channel_down",
        /// A wait queue does not accept the commands that are to be retried.
        RetriesRejected => "retries_rejected",
        /// The queue of another partition does not accept the commands that belong there.
        ForwardsRejected => "forwards_rejected",
        /// The dead letters of the broker do not accept messages.
        DeadLettersRejected => "dead_letters_rejected",
        /// The broker blocks publishers, because it is short of memory or disk.
        BrokerBlocked => "broker_blocked",
        /// An operator has paused the intake: commands stay in the queue.
        IntakePaused => "intake_paused",
    }
}

label! {
    /// `work` that the store thread does between two commits, in small steps.
    Upkeep {
        /// Writes changed states.
        Checkpoint => "checkpoint",
        /// Merges segments of the index, and removes those that were replaced.
        Merge => "merge",
        /// Drops identities and records of the journal that are past their retention.
        Expire => "expire",
    }
}

label! {
    /// `outcome` of a span for OpenTelemetry.
    SpanOutcome {
        /// The endpoint took it.
        Exported => "exported",
        /// The endpoint did not take it, or too many waited for it.
        Dropped => "dropped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn only_command_types_of_the_contract_become_labels() {
        for kind in Kind::ALL {
            let label = CommandType::from(&CommandName::new(Some(kind.as_str())));
            assert_eq!(label, CommandType::Known(*kind));
        }
        for input in ["order.plaice", "", "other", "internal", "ORDER.PLACE"] {
            let label = CommandType::from(&CommandName::new(Some(input)));
            assert_eq!(label, CommandType::Other, "{input}");
        }
        assert_eq!(CommandType::from(&CommandName::new(None)), CommandType::Other);
    }

    #[test]
    fn every_command_type_has_a_name_of_its_own() {
        let names: BTreeSet<_> = CommandType::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(names.len(), Kind::ALL.len() + 2);
    }
}

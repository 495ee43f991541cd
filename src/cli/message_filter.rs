//! Which of the messages that were not processed a command of the command line means.

use orderly_actors::counters::ParkedReason;
use url::form_urlencoded::Serializer;

/// Which messages are meant: those that have all of this
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct MessageFilter {
    /// Only messages that name this order
    #[arg(long, value_name = "ID")]
    pub(super) order_id: Option<String>,
    /// Only messages of this source
    #[arg(long, value_name = "S")]
    pub(super) source: Option<String>,
    /// Only messages of this type
    #[arg(long = "type", value_name = "T")]
    pub(super) kind: Option<String>,
    /// Only messages with this reason
    #[arg(long, value_name = "R")]
    pub(super) reason: Option<String>,
}

impl MessageFilter {
    /// Adds the query parameters of the admin API.
    pub(super) fn query(&self, query: &mut Serializer<'_, String>) {
        let Self { order_id, source, kind, reason } = self;
        let all = [("order_id", order_id), ("source", source), ("type", kind), ("reason", reason)];
        for (name, value) in all {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
    }

    /// Whether a message that has this is meant.
    pub(super) fn matches(&self, found: [Option<&str>; 4]) -> bool {
        let Self { order_id, source, kind, reason } = self;
        let wanted = [order_id, source, kind, reason].map(Option::as_deref);
        wanted.iter().zip(found).all(|(wanted, found)| wanted.is_none() || *wanted == found)
    }
}

/// The reasons that parked messages have, for help texts.
pub(super) fn reasons() -> String {
    ParkedReason::ALL.iter().map(|reason| reason.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_meant_when_it_has_all_that_is_asked_for() {
        let filter = MessageFilter {
            order_id: Some("o-1".to_owned()),
            reason: Some("deadline".to_owned()),
            ..MessageFilter::default()
        };
        assert!(filter.matches([Some("o-1"), Some("shop"), None, Some("deadline")]));
        assert!(!filter.matches([Some("o-2"), Some("shop"), None, Some("deadline")]));
        assert!(!filter.matches([Some("o-1"), None, None, None]));
        assert!(MessageFilter::default().matches([None; 4]));
        let mut query = Serializer::new(String::new());
        filter.query(&mut query);
        assert_eq!(query.finish(), "order_id=o-1&reason=deadline");
    }
}

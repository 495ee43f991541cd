//! A parked message once more, for its replay.

use super::{Decoder, content, is_structured, structured};
use bytes::Bytes;
use orderly_actors::sequencer::InboundMessage;
use orderly_broker::{Message, Properties};
use orderly_domain::identity;
use orderly_domain::parked::Parked;
use orderly_domain::record::Origin;

/// What a person puts in the place of the data of a parked message, of its type, or of both.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The data, as JSON. `None`: those of the message.
    pub data: Option<Bytes>,
    /// The type of the command, where it is another one too.
    pub kind: Option<String>,
}

impl Decoder {
    /// Decodes a parked message again, with other data where a person gives them. `body` is what is kept of its bytes.
    ///
    /// A message without an id gets one that follows from its bytes: a replay of the same bytes is the same command. Neither
    /// its deadline nor its own time is kept, and both are left out. It goes on with the trace of the message.
    pub fn decode_parked(
        self,
        about: &Parked,
        body: &Bytes,
        edit: Option<&Edit>,
    ) -> InboundMessage {
        let source = about.source.as_deref();
        let nameless = || identity::of_nameless(source.unwrap_or_default(), body);
        let is_structured = is_structured(about.content_type.as_deref());
        let data = edit.and_then(|edit| match &edit.data {
            Some(data) => Some(data.clone()),
            None if is_structured => self.data_of_event(about, body),
            None => None,
        });
        let whole = data.is_none() && is_structured;
        let kind = edit.and_then(|edit| edit.kind.as_ref()).or(about.r#type.as_ref());
        let mut properties = Properties { kind: kind.cloned(), ..Properties::default() };
        // a CloudEvent has its names in its body
        if !whole {
            properties.app_id.clone_from(&about.source);
            properties.message_id = about.command_id.clone().or_else(|| Some(nameless()));
        }
        let body = if let Some(data) = data {
            properties.content_type = Some("application/json".to_owned());
            data
        } else {
            properties.content_type.clone_from(&about.content_type);
            properties.content_encoding.clone_from(&about.content_encoding);
            body.clone()
        };
        let message = Message { properties, body, ..Message::default() };
        let inbound = self.decode(&message);
        let trace = about.trace.or(inbound.trace);
        InboundMessage { deadline: None, time: None, attempts: about.attempts, trace, ..inbound }
    }

    /// The data of a structured CloudEvent, whatever type it names. `None`: they cannot be read.
    fn data_of_event(self, about: &Parked, body: &Bytes) -> Option<Bytes> {
        let encoding = about.content_encoding.as_deref();
        let content = content::readable(body, encoding, self.max_command_size).ok()?;
        structured::data(&content.unwrap_or_else(|| body.clone()))
    }
}

impl Decoder {
    /// Decodes data that a person gives for a message whose body is not kept any more. `origin` has its names.
    pub fn decode_edit(self, origin: &Origin, edit: &Edit) -> InboundMessage {
        let mut properties = Properties {
            content_type: Some("application/json".to_owned()),
            ..Properties::default()
        };
        // units of another origin replay no message
        if let Origin::Message { source, id, kind } = origin {
            properties.app_id = source.as_ref().map(ToString::to_string);
            properties.message_id = id.as_ref().map(ToString::to_string);
            properties.kind = Some(kind.as_str().to_owned());
        }
        properties.kind = edit.kind.clone().or(properties.kind);
        let body = edit.data.clone().unwrap_or_default();
        self.decode(&Message { properties, body, ..Message::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orderly_domain::command::Kind;
    use orderly_domain::partition::Partitions;
    use orderly_domain::record::CommandName;
    use orderly_domain::time::Timestamp;
    use orderly_domain::trace::TraceParent;
    use orderly_domain::verdict::Reason;

    const DECODER: Decoder = Decoder { max_command_size: 1024, partitions: Partitions::ONE };
    const CANCEL: &str = r#"{"order_id":"o-1"}"#;

    fn about() -> Parked {
        Parked {
            reason: Reason::Validation,
            command_id: Some("m-1".to_owned()),
            source: Some("shop".to_owned()),
            r#type: Some("order.cancel".to_owned()),
            order_id: None,
            content_type: Some("application/json".to_owned()),
            content_encoding: None,
            received_at: Timestamp::EPOCH,
            attempts: 2,
            detail: None,
            size: 0,
            truncated: false,
            provider: None,
            event_id: None,
            cart_id: None,
            sku: None,
            link: None,
            trace: None,
        }
    }

    fn names(inbound: &InboundMessage) -> [Option<String>; 2] {
        let source = inbound.source.as_ref().map(ToString::to_string);
        [source, inbound.id.as_ref().map(ToString::to_string)]
    }

    fn some(names: [&str; 2]) -> [Option<String>; 2] {
        names.map(|name| Some(name.to_owned()))
    }

    #[test]
    fn a_plain_message_is_what_it_was() {
        let inbound = DECODER.decode_parked(&about(), &CANCEL.into(), None);
        assert!(inbound.command.is_ok(), "{inbound:?}");
        assert_eq!(names(&inbound), some(["shop", "m-1"]));
        assert_eq!(inbound.attempts, 2);
    }

    #[test]
    fn another_type_alone_takes_the_place_of_the_wrong_one() {
        let edit = Edit { data: None, kind: Some("order.cancel".to_owned()) };
        let unknown = Parked { r#type: Some("order.kancel".to_owned()), ..about() };
        let plain = DECODER.decode_parked(&unknown, &CANCEL.into(), Some(&edit));
        let event = format!(
            r#"{{"specversion":"1.0","id":"e-1","source":"web","type":"order.kancel","data":{CANCEL}}}"#
        );
        let structured =
            Parked { content_type: Some(super::super::CLOUD_EVENT.to_owned()), ..unknown };
        let structured = DECODER.decode_parked(&structured, &event.into(), Some(&edit));
        for inbound in [plain, structured] {
            assert!(inbound.command.is_ok(), "{inbound:?}");
            assert_eq!(inbound.kind, CommandName::from(Kind::OrderCancel));
            assert_eq!(names(&inbound), some(["shop", "m-1"]));
        }
    }

    #[test]
    fn other_data_and_another_type_take_the_place_of_what_was_wrong() {
        let edit = Edit { data: Some(CANCEL.into()), kind: None };
        let inbound = DECODER.decode_parked(&about(), &"nonsense".into(), Some(&edit));
        assert!(inbound.command.is_ok(), "{inbound:?}");
        let unknown = Parked { r#type: Some("order.kancel".to_owned()), ..about() };
        assert!(DECODER.decode_parked(&unknown, &CANCEL.into(), Some(&edit)).command.is_err());
        let edit = Edit { kind: Some("order.cancel".to_owned()), ..edit };
        let inbound = DECODER.decode_parked(&unknown, &CANCEL.into(), Some(&edit));
        assert_eq!(inbound.kind, CommandName::from(Kind::OrderCancel));
        // also of what was compressed, or was an envelope
        for (content_type, encoding) in
            [("application/json", "gzip"), (super::super::CLOUD_EVENT, "")]
        {
            let about = Parked {
                content_type: Some(content_type.to_owned()),
                content_encoding: Some(encoding.to_owned()),
                ..about()
            };
            let inbound = DECODER.decode_parked(&about, &"nonsense".into(), Some(&edit));
            assert!(inbound.command.is_ok(), "{inbound:?}");
            assert_eq!(names(&inbound), some(["shop", "m-1"]));
        }
    }

    #[test]
    fn a_cloud_event_has_its_names_and_its_time_in_its_body_and_the_time_does_not_count() {
        let body = r#"{"specversion":"1.0","id":"e-1","source":"web","type":"order.cancel",
            "time":"2020-01-01T00:00:00Z","data":{"order_id":"o-1"}}"#;
        let about = Parked { content_type: Some(super::super::CLOUD_EVENT.to_owned()), ..about() };
        let inbound = DECODER.decode_parked(&about, &body.into(), None);
        assert!(inbound.command.is_ok(), "{inbound:?}");
        assert_eq!(names(&inbound), some(["web", "e-1"]));
        assert_eq!((inbound.time, inbound.deadline), (None, None));
    }

    #[test]
    fn a_replay_goes_on_with_the_trace_of_the_message() {
        let trace = |id| TraceParent::parse(&format!("00-{id}-00f067aa0ba902b7-01"));
        let own = trace("4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(own.is_some());
        let about = Parked { trace: own, ..about() };
        assert_eq!(DECODER.decode_parked(&about, &CANCEL.into(), None).trace, own);
        // the command became the parent when it was traced, so what is kept counts, and not what the body names
        let event = r#"{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000001-01"}"#;
        let about = Parked { content_type: Some(super::super::CLOUD_EVENT.to_owned()), ..about };
        assert_eq!(DECODER.decode_parked(&about, &event.into(), None).trace, own);
    }

    #[test]
    fn a_message_without_an_id_gets_the_same_one_for_the_same_bytes() {
        let nameless = Parked { command_id: None, source: None, ..about() };
        let of = |body: &'static str| {
            let inbound = DECODER.decode_parked(&nameless, &body.into(), None);
            assert!(inbound.command.is_ok(), "{inbound:?}");
            let [source, id] = names(&inbound);
            assert_eq!(source.as_deref(), Some("unknown"));
            id.expect("an id")
        };
        assert_eq!(of(CANCEL), of(CANCEL));
        assert_ne!(of(CANCEL), of(r#"{"order_id":"o-2"}"#));
        assert!(of(CANCEL).starts_with("parked-"));
    }
}

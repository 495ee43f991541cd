//! The contract on the broker as an AsyncAPI 3 document: channels, operations, messages and their schemas.
//!
//! It is made of the same lists and definitions as the JSON Schemas, and of `examples.json`, real messages that a test writes and
//! checks. The HTTP API has a document of its own, `/openapi.json`.

use std::collections::BTreeMap;

use orderly_broker::Names;
use orderly_domain::command::Kind;
use orderly_domain::event::Type;
use orderly_domain::notification::NotificationKind;
use serde_json::{Map, Value, json};

use super::commands::data_name;
use super::definitions::{PATH, prune, reference};
use super::events::envelope_name;

/// Where AsyncAPI keeps schemas.
const SCHEMAS: &str = "#/components/schemas/";

/// Examples by the name of their definition.
const EXAMPLES: &str = include_str!("examples.json");

const ABOUT: &str = "The messages of orderly, an event-driven order processor on RabbitMQ. Publish commands with publisher confirms and \
    the flag mandatory; give each an id that stays the same when it is published again: the same id and source with the same \
    data is a duplicate and changes nothing. Events come at least once, each always under its id: remember the ids that were \
    processed, and acknowledge an event after that. Amounts are whole numbers of minor units.";

/// The AsyncAPI document of a processor with this namespace.
pub fn asyncapi(namespace: &str) -> Value {
    let names = Names::new(namespace);
    let document = super::document();
    let messages = Messages::new();
    let mut schemas = document["$defs"].clone();
    schemas["CommandProperties"] = command_properties();
    schemas["EventProperties"] = event_properties();
    schemas["ReplyProperties"] = reply_properties();
    let mut found = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "orderly", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT,
            "license": { "name": env!("CARGO_PKG_LICENSE") },
        },
        "defaultContentType": "application/json",
        "servers": { "broker": {
            "host": "localhost:5672", "protocol": "amqp", "protocolVersion": "0.9.1",
            "description": "RabbitMQ 3.10 or later. The virtual host and amqps are those of `broker.url`.",
        }},
        "channels": channels(&names, &messages),
        "operations": operations(&names),
        "components": { "messages": messages.all },
        "$defs": schemas,
    });
    prune(&mut found);
    let schemas = found.as_object_mut().and_then(|members| members.remove("$defs"));
    found["components"]["schemas"] = schemas.unwrap_or_default();
    move_references(&mut found);
    found
}

/// The messages of the document, and which of them a channel has.
struct Messages {
    all: Map<String, Value>,
    commands: Vec<String>,
    events: Vec<String>,
    notifications: Vec<String>,
}

impl Messages {
    fn new() -> Self {
        let examples: BTreeMap<String, Value> =
            serde_json::from_str(EXAMPLES).expect("a test parses them");
        let mut all = Map::new();
        let mut add = |name: &str, message: Message<'_>| {
            all.insert(name.to_owned(), message.json(name, examples.get(name)));
            name.to_owned()
        };
        let mut commands = Vec::new();
        for kind in Kind::ALL {
            let (name, about) = (kind.as_str(), "CommandProperties");
            let plain = data_name(*kind);
            commands.push(add(&plain, Message { name, form: Form::Plain, about }));
            let event = format!("{plain}Command");
            commands.push(add(&event, Message { name, form: Form::CloudEvent, about }));
        }
        let events = Type::ALL.iter().map(|kind| {
            let (name, about) = (kind.as_str(), "EventProperties");
            add(&envelope_name(*kind), Message { name, form: Form::CloudEvent, about })
        });
        let events = events.collect();
        let notifications = NotificationKind::ALL.iter().map(|kind| {
            let (name, about) = (kind.as_str(), "EventProperties");
            add(&format!("{kind:?}Notification"), Message { name, form: Form::Plain, about })
        });
        let notifications = notifications.collect();
        add("Verdict", Message { name: "verdict", form: Form::Reply, about: "ReplyProperties" });
        Self { all, commands, events, notifications }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The body is the data.
    Plain,
    /// The body is a structured CloudEvent.
    CloudEvent,
    /// The body is a verdict.
    Reply,
}

struct Message<'a> {
    name: &'a str,
    form: Form,
    /// The definition of its properties and headers.
    about: &'static str,
}

impl Message<'_> {
    fn json(&self, definition: &str, example: Option<&Value>) -> Value {
        let (content_type, title) = match self.form {
            Form::Plain => ("application/json", self.name.to_owned()),
            Form::CloudEvent => {
                ("application/cloudevents+json", format!("{} as a CloudEvent", self.name))
            }
            Form::Reply => ("application/json", "the verdict on a command".to_owned()),
        };
        let mut message = json!({
            "name": self.name, "title": title, "contentType": content_type,
            "headers": reference(self.about), "payload": reference(definition),
        });
        if self.form == Form::Reply || self.about == "CommandProperties" {
            message["correlationId"] = json!({ "location": "$message.header#/correlation_id" });
        }
        if self.form != Form::Reply {
            message["bindings"] =
                json!({ "amqp": { "messageType": self.name, "bindingVersion": "0.3.0" } });
        }
        if let Some(kind) = Type::ALL.iter().find(|kind| envelope_name(**kind) == definition) {
            message["x-published-by-default"] = kind.published_by_default().into();
        }
        if let Some(example) = example {
            message["examples"] = json!([{ "payload": example }]);
        }
        message
    }
}

fn channels(names: &Names, messages: &Messages) -> Value {
    let words = |all: &mut dyn Iterator<Item = &'static str>| all.collect::<Vec<_>>();
    json!({
        "commands": {
            "address": "{type}",
            "title": "Commands",
            "description": "What producers ask for. The routing key is the type of the command; it is read where the property \
                `type` is missing. Where the namespace has partitions, `pN.` may stand in front of it. With a queue in `reply_to` the verdict is sent there. Binary CloudEvents are accepted too.",
            "parameters": { "type": {
                "description": "The type of the command.",
                "enum": words(&mut Kind::ALL.iter().map(|kind| kind.as_str())),
            }},
            "messages": of_components(&messages.commands),
            "bindings": exchange(&names.commands),
        },
        "verdicts": {
            "address": null,
            "title": "Verdicts",
            "description": "The queue that a producer names in `reply_to`, by way of the default exchange; amq.rabbitmq.reply-to, too. \
                A verdict is sent at most once, when the command is durable: who hears nothing publishes the same id again.",
            "messages": of_components(&["Verdict".to_owned()]),
        },
        "events": {
            "address": "{type}",
            "title": "Events",
            "description": "What happened, as structured CloudEvents. `events.publish` says which types are published; those by default \
                have x-published-by-default. Events about one order come in their order the first time; after a republish \
                `sequence` tells it. Bind a durable queue, and remember the ids that were processed.",
            "parameters": { "type": {
                "description": "The type of the event.",
                "enum": words(&mut Type::ALL.iter().map(|kind| kind.as_str())),
            }},
            "messages": of_components(&messages.events),
            "bindings": exchange(&names.events),
        },
        "notifications": {
            "address": "{kind}",
            "title": "Notifications",
            "description": "What customers are to be told. Each is published until a queue takes it, always under its \
                `notification_id`.",
            "parameters": { "kind": {
                "description": "The kind of the notification.",
                "enum": words(&mut NotificationKind::ALL.iter().map(|kind| kind.as_str())),
            }},
            "messages": of_components(&messages.notifications),
            "bindings": exchange(&names.notifications),
        },
    })
}

fn operations(names: &Names) -> Value {
    let persistent = |mandatory: bool| json!({ "amqp": { "deliveryMode": 2, "mandatory": mandatory, "bindingVersion": "0.3.0" } });
    json!({
        "processCommand": {
            "action": "receive",
            "channel": { "$ref": "#/channels/commands" },
            "summary": "Processes a command once, and replies with its verdict.",
            "description": format!(
                "The queue {} is bound to the exchange and belongs to the processor: do not consume it.", names.commands
            ),
            "bindings": { "amqp": { "ack": true, "bindingVersion": "0.3.0" } },
            "reply": {
                "address": {
                    "location": "$message.header#/reply_to",
                    "description": "The queue that the producer names in the property reply_to.",
                },
                "channel": { "$ref": "#/channels/verdicts" },
                "messages": [{ "$ref": "#/channels/verdicts/messages/Verdict" }],
            },
        },
        "publishEvent": {
            "action": "send",
            "channel": { "$ref": "#/channels/events" },
            "summary": "Publishes an event, at least once and always under the same id.",
            "bindings": persistent(false),
        },
        "notifyCustomer": {
            "action": "send",
            "channel": { "$ref": "#/channels/notifications" },
            "summary": "Publishes a notification until a queue has it.",
            "bindings": persistent(true),
        },
    })
}

fn of_components(names: &[String]) -> Value {
    let all = names
        .iter()
        .map(|name| (name.clone(), json!({ "$ref": format!("#/components/messages/{name}") })));
    Value::Object(all.collect())
}

/// A durable topic exchange.
fn exchange(name: &str) -> Value {
    json!({ "amqp": {
        "is": "routingKey",
        "exchange": { "name": name, "type": "topic", "durable": true, "autoDelete": false },
        "bindingVersion": "0.3.0",
    }})
}

fn id(about: &str) -> Value {
    json!({
        "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$", "description": about,
    })
}

/// AsyncAPI has no place for the properties of AMQP, so they stand beside the headers.
fn command_properties() -> Value {
    let deadline = json!({
        "anyOf": [{ "type": "string" }, { "type": "integer" }],
        "description": "Header. The command is not carried out after this time: RFC 3339, an AMQP timestamp, or seconds or \
            milliseconds since 1970.",
    });
    json!({
        "type": "object",
        "description": "Properties of AMQP, and headers where they are called so. With a structured CloudEvent its attributes are \
            in the place of message_id, app_id and type.",
        "properties": {
            "message_id": id("The id of the command: it stays the same when the command is published again."),
            "app_id": id("The source of the command, `unknown` where it is missing. (source, id) is the identity of a command."),
            "type": { "type": "string", "description": "The type of the command; where it is missing, the routing key." },
            "timestamp": { "type": "integer", "description": "When the command was made, in seconds or milliseconds since 1970." },
            "reply_to": id("The queue that gets the verdict."),
            "correlation_id": { "type": "string", "description": "The verdict carries it, too." },
            "content_encoding": { "type": "string", "description": "gzip, identity or none." },
            "traceparent": { "type": "string", "description": "Header. The trace that the command belongs to (W3C)." },
            "tracestate": { "type": "string", "description": "Header, of the same trace." },
            "deadline": deadline,
        },
    })
}

fn event_properties() -> Value {
    json!({
        "type": "object",
        "description": "Properties of AMQP, and headers where they are called so.",
        "properties": {
            "message_id": id("The id of the event or of the notification: the same whenever it is delivered."),
            "type": { "type": "string", "description": "The type of the event, or the kind of the notification." },
            "traceparent": { "type": "string", "description": "Header. The trace of the command that was the cause (W3C)." },
        },
        "required": ["message_id", "type"],
    })
}

fn reply_properties() -> Value {
    json!({
        "type": "object",
        "description": "Properties of AMQP.",
        "properties": { "correlation_id": { "type": "string", "description": "That of the command, where it has one." } },
    })
}

/// Points references to definitions to where AsyncAPI keeps schemas.
fn move_references(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("$ref")
                && let Some(name) = reference.strip_prefix(PATH)
            {
                *reference = format!("{SCHEMAS}{name}");
            }
            members.values_mut().for_each(move_references);
        }
        Value::Array(items) => items.iter_mut().for_each(move_references),
        _ => {}
    }
}

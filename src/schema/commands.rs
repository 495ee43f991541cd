//! The data of commands, and the envelopes that bring them.

use orderly_domain::command::Kind;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use super::definitions::{Definitions, any_of, reference};
use super::object::{Object, described, only, text};

/// The name of the definition of a command's data.
pub(super) fn data_name(kind: Kind) -> String {
    format!("{kind:?}")
}

/// Defines all commands. Says which definition has the data of which type.
pub(super) fn define(definitions: &mut Definitions) -> Value {
    let mut generator = SchemaGenerator::default();
    for kind in Kind::ALL {
        kind.schema(&mut generator);
    }
    let named = generator.take_definitions(true);
    let data: Map<String, Value> = Kind::ALL
        .iter()
        .map(|kind| (kind.as_str().to_owned(), reference(&data_name(*kind))))
        .collect();
    let data = definitions.adopt_inputs(&named, Value::Object(data));
    let events = Kind::ALL.iter().map(|kind| {
        definitions
            .add(&format!("{kind:?}Command"), cloud_event(*kind, data[kind.as_str()].clone()))
    });
    let events = any_of(events.collect::<Vec<_>>());
    definitions.add("Command", described(events, "A command as a structured CloudEvent 1.0."));
    let lines = Kind::ALL.iter().map(|kind| {
        definitions.add(&format!("{kind:?}Line"), line(*kind, data[kind.as_str()].clone()))
    });
    let lines = any_of(lines.collect::<Vec<_>>());
    definitions.add("CommandLine", described(lines, "A command as a line of `orderly publish`."));
    data
}

const SAME_ID: &str =
    "The id of the command: the same id and source with the same data is a duplicate.";

fn name() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$" })
}

/// A command in its long form.
fn cloud_event(kind: Kind, data: Value) -> Value {
    let time = json!({ "type": "string", "format": "date-time" });
    Object::default()
        .required("specversion", only("1.0"))
        .required(
            "id",
            described(
                name(),
                "The id of the command: the same id and source with the same data is a duplicate.",
            ),
        )
        .required("source", described(name(), "The sender."))
        .required("type", only(kind.as_str()))
        .optional("time", described(time, "When the command was made."))
        .optional("datacontenttype", text())
        .optional("traceparent", described(text(), "The trace that the command belongs to (W3C)."))
        .required("data", data)
        .schema(&format!(
            "The command `{kind}` as a structured CloudEvent 1.0.",
            kind = kind.as_str()
        ))
}

/// A command in its short form. What is not known there is an error.
fn line(kind: Kind, data: Value) -> Value {
    let deadline =
        json!({ "anyOf": [{ "type": "string", "format": "date-time" }, { "type": "integer" }] });
    let mut line = Object::default()
        .required("type", only(kind.as_str()))
        .required("id", described(name(), SAME_ID))
        .optional("source", described(name(), "The sender."))
        .optional("deadline", described(deadline, "When the command is no longer worth applying: a time, or seconds or milliseconds since 1970."))
        .optional("reply_to", described(name(), "The queue that gets the verdict."))
        .optional("trace", described(text(), "The trace that the command belongs to (`traceparent` of W3C)."))
        .required("data", data)
        .schema(&format!("The command `{}` as a line of `orderly publish`.", kind.as_str()));
    line["additionalProperties"] = json!(false);
    line
}

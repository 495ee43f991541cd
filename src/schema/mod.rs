//! The JSON Schemas (draft 2020-12) of everything that orderly takes and gives, in one document for the generators of types.
//!
//! | module | has |
//! |---|---|
//! | `definitions` | named schemas, and the references to them |
//! | `object` | the schema of an object, field by field |
//! | `commands` | the data of commands, and the envelopes that bring them |
//! | `events` | the data of events, and their envelopes |
//! | `notifications` | notifications as the channels send them |
//! | `answers` | what the HTTP API answers |
//! | `asyncapi` | channels, operations and messages on the broker: the AsyncAPI document |
//!
//! Everything is a definition with a name, and every definition is reached from the top of the document: a generator that
//! follows references makes a type of each. `commands`, `events`, `notifications` and `answers` beside them say which
//! definition belongs to which name on the wire.

mod answers;
mod asyncapi;
mod commands;
mod definitions;
mod events;
mod notifications;
mod object;

use orderly_domain::command::Kind;
use orderly_domain::event::Type;
use orderly_domain::verdict::VerdictReply;
use serde_json::{Value, json};

pub use asyncapi::asyncapi;
use definitions::{Definitions, any_of, reference};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

const ABOUT: &str = "Everything that orderly takes and gives. Amounts of money are whole numbers of minor units of their \
    currency, up to 64 bits. In the data of a command null is the same as absent; fields that are not known are ignored, and \
    the verdict names them. Later versions may add fields, and values to enums, of what orderly gives.";

/// The whole document.
pub fn document() -> Value {
    let mut definitions = Definitions::default();
    let answers = answers::define(&mut definitions);
    let events = events::define(&mut definitions);
    let notifications = notifications::define(&mut definitions);
    let verdict = definitions.written::<VerdictReply<'static>>();
    let commands = commands::define(&mut definitions);
    let top = ["Command", "CommandLine", "Event", "NotificationMessage", "Answer"].map(reference);
    let mut document = any_of(top.into_iter().chain([verdict.clone()]));
    document["$schema"] = json!(DRAFT);
    document["title"] = json!("Orderly");
    document["description"] = json!(ABOUT);
    document["commands"] = commands;
    document["events"] = events;
    document["notifications"] = notifications;
    document["verdict"] = verdict;
    document["answers"] = answers;
    document["$defs"] = definitions.into_json();
    definitions::prune(&mut document);
    document
}

/// The schema of the data of a command, with the definitions that it refers to.
pub fn of_command(kind: Kind) -> Value {
    alone(&document(), &commands::data_name(kind))
}

/// The schema of an event as it is published, with the definitions that it refers to.
pub fn of_event(kind: Type) -> Value {
    alone(&document(), &events::envelope_name(kind))
}

/// One definition as a document.
fn alone(document: &Value, name: &str) -> Value {
    let mut alone = document["$defs"][name].clone();
    alone["$schema"] = json!(DRAFT);
    alone["title"] = json!(name);
    alone["$defs"] = document["$defs"].clone();
    definitions::prune(&mut alone);
    alone
}

//! `POST /api/commands`: a command, as a structured CloudEvent or as `{"type","id","source"?,"data"}`. It enters by the queue of
//! commands, like all others.
//!
//! Only what keeps the command from being a message of the broker is refused here. Whatever else is wrong with it, the
//! processor finds, and parks the command.

use super::Backend;
use super::admission::Admitted;
use super::dry_run::DryRun;
use crate::admin::body;
use crate::admin::operation::{Answer, Body, Content, Input, Json, Operation, Output};
use crate::admin::operator::NamedOperator;
use crate::admin::problem::Problem;
use crate::admin::query::Query;
use crate::command_input::{CommandInput, DEFAULT_SOURCE, Refusal};
use crate::decode::{CLOUD_EVENT, Decoder};
use crate::encode;
use crate::pipeline::{Submitted, Tried};
use actix_web::body::BoxBody;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::web::{Bytes, Data};
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder};
use orderly_broker::{Message, Names, Properties, partition_routing_key};
use orderly_domain::command::Invalid;
use orderly_domain::id::Source;
use orderly_domain::trace::TraceParent;
use orderly_domain::verdict::{Reason, VerdictReply};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::{Serialize, de};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;

/// A command that the broker has.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AcceptedCommand")]
struct AcceptedView {
    command_id: String,
    source: String,
    r#type: String,
}

/// The answer to a command.
#[derive(Debug)]
pub(super) enum Sent {
    /// The verdict is durable, or what it would be. The bytes are its JSON.
    Verdict(Bytes),
    /// The broker has the command.
    Accepted(Vec<u8>),
}

impl Responder for Sent {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse<BoxBody> {
        match self {
            Self::Verdict(json) => HttpResponse::Ok().content_type(ContentType::json()).body(json),
            Self::Accepted(json) => {
                HttpResponse::Accepted().content_type(ContentType::json()).body(json)
            }
        }
    }
}

impl Output for Sent {
    fn describe(operation: &mut Operation) {
        <Json<VerdictReply<'static>> as Output>::describe(operation);
        operation.answers.push(Answer {
            status: StatusCode::ACCEPTED,
            about: "The broker has the command: its verdict shows in the timeline of its order",
            content: Content::Json(SchemaGenerator::subschema_for::<AcceptedView>),
        });
    }
}

/// The command in the body of a request.
pub(super) struct Given {
    /// Whether the body is a CloudEvent.
    is_event: bool,
    body: Bytes,
    trace: Option<String>,
}

impl FromRequest for Given {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let content_type = body::content_type(request);
        let trace = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
        let trace = trace.filter(|trace| TraceParent::parse(trace).is_some()).map(str::to_owned);
        let read = Bytes::from_request(request, payload);
        Box::pin(async move {
            let body = body::bytes(read).await?;
            match content_type.as_str() {
                CLOUD_EVENT => Ok(Self { is_event: true, body, trace }),
                // a CloudEvent is known by its version, too
                "application/json" => Ok(Self { is_event: has_version(&body), body, trace }),
                _ => Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                    .detail(format!("the content type must be application/json or {CLOUD_EVENT}"))),
            }
        })
    }
}

impl Input for Given {
    fn describe(operation: &mut Operation) {
        operation.body = Some(Body {
            required: true,
            media_types: &[
                ("application/json", schema_of_any),
                (CLOUD_EVENT, SchemaGenerator::subschema_for::<PostedCloudEvent>),
            ],
        });
        operation.problems_of_json();
    }
}

/// A command in its short form. What the data may have, the schemas of the commands say (`orderly schema`).
struct PostedCommand;

impl JsonSchema for PostedCommand {
    fn schema_name() -> Cow<'static, str> {
        "PostedCommand".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let name = name();
        // null is the same as absent
        let mut optional_name = name.clone();
        optional_name["type"] = json!(["string", "null"]);
        json_schema!({
            "title": "PostedCommand",
            "type": "object",
            "properties": {
                "type": name, "id": name, "source": optional_name,
                "deadline": {
                    "type": ["string", "integer", "null"],
                    "description": "a time (RFC 3339), or seconds since 1970",
                },
                "reply_to": optional_name,
                "trace": { "type": ["string", "null"], "description": "a traceparent (W3C)" },
                "data": { "type": "object" },
            },
            "required": ["type", "id", "data"],
            "additionalProperties": false,
        })
    }
}

/// A command as a structured CloudEvent.
struct PostedCloudEvent;

impl JsonSchema for PostedCloudEvent {
    fn schema_name() -> Cow<'static, str> {
        "PostedCloudEvent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let name = name();
        json_schema!({
            "title": "PostedCloudEvent",
            "type": "object",
            "properties": {
                "specversion": { "const": "1.0" },
                "type": name, "id": name, "source": name,
                "data": { "type": "object" },
            },
            "required": ["specversion", "type", "id", "source", "data"],
        })
    }
}

fn schema_of_any(generator: &mut SchemaGenerator) -> Schema {
    let command = generator.subschema_for::<PostedCommand>();
    let event = generator.subschema_for::<PostedCloudEvent>();
    json_schema!({ "anyOf": [command, event] })
}

fn name() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$" })
}

/// How a command is read: settings that all requests share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading(pub Decoder);

impl crate::admin::operation::Shared for Reading {}

impl Given {
    /// The message that carries the command, and the number of its partition.
    fn message(self, names: &Names, decoder: Decoder) -> Result<(Message, u16), Problem> {
        let too_large = |bytes: usize| {
            let most = decoder.max_command_size;
            let detail = format!("the command has {bytes} bytes, at most {most} are allowed");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE).detail(detail)
        };
        let mut message = if self.is_event {
            event_data(&self.body)?;
            Message {
                exchange: names.commands.clone(),
                properties: Properties {
                    content_type: Some(CLOUD_EVENT.to_owned()),
                    ..Properties::default()
                },
                body: self.body,
                ..Message::default()
            }
        } else {
            let input = CommandInput::parse(&self.body, DEFAULT_SOURCE)
                .map_err(|refusal| refused(&refusal))?;
            if !input.data.get().starts_with('{') {
                return Err(Problem::unprocessable("data: must be an object"));
            }
            input.message(names)
        };
        let size = message.body.len();
        if size > decoder.max_command_size {
            return Err(too_large(size));
        }
        let inbound = decoder.decode(&message);
        let number = decoder.partition_of(&inbound);
        if let Err(Invalid { reason: Reason::Malformed, detail }) = inbound.command {
            return Err(Problem::unprocessable(detail));
        }
        let properties = &mut message.properties;
        if self.is_event {
            // so that it is seen without its body, and by its type in the exchange
            let kind = inbound.kind.as_str();
            if Source::new(kind).is_err() {
                return Err(Problem::unprocessable(
                    "type: must be 1 to 255 printable ASCII characters",
                ));
            }
            kind.clone_into(&mut message.routing_key);
            properties.message_id = inbound.id.map(|id| id.to_string());
            properties.kind = Some(message.routing_key.clone());
            properties.app_id = inbound.source.map(|source| source.to_string());
        }
        properties.traceparent = properties.traceparent.take().or(self.trace);
        if decoder.partitions.are_several() {
            message.routing_key = partition_routing_key(number, &message.routing_key);
        }
        Ok((message, number))
    }
}

/// What tells a CloudEvent from another command.
#[derive(Deserialize)]
struct Version {
    #[allow(dead_code, reason = "that it is there is enough")]
    specversion: de::IgnoredAny,
}

fn has_version(body: &[u8]) -> bool {
    serde_json::from_slice::<Version>(body).is_ok()
}

/// Refuses a CloudEvent without data, or whose data are no object. What else is wrong, decoding finds.
fn event_data(body: &[u8]) -> Result<(), Problem> {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(borrow)]
        data: Option<&'a RawValue>,
        data_base64: Option<de::IgnoredAny>,
    }
    match serde_json::from_slice::<Event<'_>>(body) {
        Ok(Event { data: None, data_base64: None }) => {
            Err(Problem::unprocessable("data: is required"))
        }
        Ok(Event { data: Some(data), .. }) if !data.get().starts_with('{') => {
            Err(Problem::unprocessable("data: must be an object"))
        }
        Err(error) if !error.is_data() => {
            Err(Problem::new(StatusCode::BAD_REQUEST).detail(format!("not JSON: {error}")))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

fn refused(refusal: &Refusal) -> Problem {
    match refusal {
        Refusal::TooLarge => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE).detail(refusal.to_string())
        }
        Refusal::Syntax { .. } => Problem::new(StatusCode::BAD_REQUEST).detail(refusal.to_string()),
        Refusal::Shape(_) | Refusal::Name { .. } | Refusal::Invalid(_) => {
            Problem::unprocessable(refusal.to_string())
        }
    }
}

pub(super) async fn send(
    backend: Data<Backend>,
    reading: Data<Reading>,
    Admitted(permit): Admitted,
    dry_run: Query<DryRun>,
    NamedOperator(operator): NamedOperator,
    given: Given,
) -> Result<Sent, Problem> {
    let (mut command, number) = given.message(backend.names(), reading.0)?;
    let backend = backend.of_partition(number);
    let submitter = backend.submitter()?;
    command.properties.operator = operator.map(|operator| operator.to_string());
    if dry_run.0.is_dry() {
        let Tried { entry, original } = backend.try_command(reading.0.decode(&command)).await?;
        let verdict = serde_json::to_vec(&encode::verdict(&entry, original.as_ref()))?;
        drop(permit);
        return Ok(Sent::Verdict(verdict.into()));
    }
    let properties = &command.properties;
    let accepted = AcceptedView {
        command_id: properties.message_id.clone().unwrap_or_default(),
        source: properties.app_id.clone().unwrap_or_default(),
        r#type: properties.kind.clone().unwrap_or_default(),
    };
    let submitted = submitter.submit(command).await;
    drop(permit);
    match submitted {
        Submitted::Verdict(verdict) => Ok(Sent::Verdict(verdict)),
        Submitted::Queued => Ok(Sent::Accepted(serde_json::to_vec(&accepted)?)),
        Submitted::Refused(reason) => {
            Err(Problem::unavailable(format!("the broker does not take the command: {reason}")))
        }
        Submitted::Unconfirmed => Err(Problem::unavailable(
            "the broker has not confirmed the command, and may have it or not: send it again under the same id",
        )),
        Submitted::Away(problem) => Err(Problem::unavailable(problem)),
    }
}

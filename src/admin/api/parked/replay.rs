//! `POST /api/parked/{id}/replay`: a message is processed again, as it is or with other data. `POST /api/parked/replay`: all that
//! pass a filter.

use super::filter::{self, Confirmation, Filter, not_parked};
use crate::admin::api::Backend;
use crate::admin::api::dry_run::DryRun;
use crate::admin::body::{NoBody, OptionalJson};
use crate::admin::operation::{Json, View};
use crate::admin::operator::NamedOperator;
use crate::admin::problem::Problem;
use crate::admin::query::Query;
use crate::decode;
use crate::encode;
use crate::pipeline::{Replay, Replayed};
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use orderly_domain::id::{self, Source};
use orderly_domain::parked::Resolution;
use orderly_domain::verdict::{Verdict, VerdictReply};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Messages that are replayed at a time; commands run in between.
const AT_ONCE: usize = 64;

impl View for VerdictReply<'_> {
    type Kind = VerdictReply<'static>;
}

/// What takes the place of the data of a parked message, of its type, or of both.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(in super::super) struct Edit {
    /// The data of the command; those of the message where they are absent.
    #[serde(default, deserialize_with = "not_null")]
    #[schemars(with = "DataObject")]
    data: Option<DataObject>,
    /// The type of the command; that of the message where it is absent.
    #[serde(rename = "type", default, deserialize_with = "not_null")]
    #[schemars(with = "CommandType")]
    kind: Option<CommandType>,
}

/// Null is refused: who sends null meant to correct something.
fn not_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The type of a command: 1 to 255 printable ASCII characters.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct CommandType(String);

impl TryFrom<String> for CommandType {
    type Error = id::Error;

    fn try_from(kind: String) -> Result<Self, id::Error> {
        // what a source may be, a short string of AMQP may be
        Source::new(&kind).map(|_| Self(kind))
    }
}

impl JsonSchema for CommandType {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CommandType".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Source::json_schema(generator)
    }

    fn inline_schema() -> bool {
        true
    }
}

/// A JSON object as it was written: a number keeps its digits.
#[derive(Debug)]
struct DataObject(Box<RawValue>);

impl<'de> Deserialize<'de> for DataObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if raw.get().starts_with('{') {
            return Ok(Self(raw));
        }
        Err(de::Error::custom("data must be an object"))
    }
}

impl JsonSchema for DataObject {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "DataObject".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object" })
    }

    fn inline_schema() -> bool {
        true
    }
}

impl From<Edit> for decode::Edit {
    fn from(Edit { data, kind }: Edit) -> Self {
        Self {
            data: data.map(|data| data.0.get().to_owned().into()),
            kind: kind.map(|CommandType(kind)| kind),
        }
    }
}

pub(in super::super) async fn one(
    backend: Data<Backend>,
    id: Path<String>,
    dry_run: Query<DryRun>,
    NamedOperator(operator): NamedOperator,
    edit: OptionalJson<Edit>,
) -> Result<Json<VerdictReply<'static>>, Problem> {
    let (backend, message) = filter::one(&backend, &id)?;
    if edit.0.as_ref().is_some_and(|Edit { data, kind }| data.is_none() && kind.is_none()) {
        return Err(Problem::unprocessable("the body must have data, a type, or both"));
    }
    let replay = Replay {
        messages: vec![message],
        edit: edit.0.map(decode::Edit::from),
        dry_run: dry_run.0.is_dry(),
        operator,
    };
    match backend.replay(replay).await?.pop() {
        Some(Replayed::Verdict { entry, original }) => {
            Ok(Json::new(&encode::verdict(&entry, original.as_deref()))?)
        }
        Some(Replayed::Truncated) => Err(Problem::new(StatusCode::CONFLICT).detail(
            "only the beginning of the message is kept: give its data, or replay the dead letter of the broker, which is whole",
        )),
        Some(Replayed::OtherData(Resolution { at, .. })) => {
            Err(Problem::new(StatusCode::CONFLICT).detail(format!(
                "the message is not parked any more: it was replayed at {at}, with other data; without data the answer is its verdict"
            )))
        }
        Some(Replayed::Elsewhere(number)) => {
            Err(Problem::new(StatusCode::CONFLICT).detail(format!(
                "with these data the command belongs to partition {number}, and the message is in another one: send it as a new \
                 command, and dismiss the message"
            )))
        }
        Some(Replayed::NotParked(resolution)) => Err(not_parked(resolution)),
        None => Err(Problem::internal(&"a replay without an answer")),
    }
}

/// What came of the messages that passed the filter.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "ReplayedMessages")]
pub(in super::super) struct ReplayedView {
    /// How many messages were processed again.
    replayed: u64,
    /// How many got each verdict.
    #[schemars(with = "BTreeMap<String, u64>")]
    verdicts: BTreeMap<Verdict, u64>,
    /// How many are parked still: those with the verdict conflict, invalid or failed, and those of which only the beginning is
    /// kept, which were not processed.
    still_parked: u64,
}

impl View for ReplayedView {
    type Kind = Self;
}

impl ReplayedView {
    fn add(&mut self, replayed: &Replayed) {
        match replayed {
            Replayed::Verdict { entry, .. } => {
                let verdict = entry.record.verdict;
                self.replayed += 1;
                *self.verdicts.entry(verdict).or_default() += 1;
                self.still_parked += u64::from(is_parked(verdict));
            }
            Replayed::Truncated | Replayed::Elsewhere(_) => self.still_parked += 1,
            // somebody else was faster
            Replayed::OtherData(_) | Replayed::NotParked(_) => {}
        }
    }
}

fn is_parked(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Conflict | Verdict::Invalid | Verdict::Failed => true,
        Verdict::Applied
        | Verdict::Duplicate
        | Verdict::Stale
        | Verdict::Waiting
        | Verdict::Rejected
        | Verdict::Review => false,
    }
}

pub(in super::super) async fn many(
    backend: Data<Backend>,
    query: Query<(Filter, (DryRun, Confirmation))>,
    NamedOperator(operator): NamedOperator,
    NoBody: NoBody,
) -> Result<Json<ReplayedView>, Problem> {
    let (filter, (dry_run, confirmation)) = query.0;
    let found = filter.in_all(&backend).await?;
    let dry_run = dry_run.is_dry();
    if !dry_run {
        confirmation.check(found.iter().map(|(_, messages)| messages.len()).sum())?;
    }
    let mut view = ReplayedView::default();
    for (backend, messages) in found {
        for some in messages.chunks(AT_ONCE) {
            let operator = operator.clone();
            let replay = Replay { messages: some.to_vec(), edit: None, dry_run, operator };
            backend.replay(replay).await?.iter().for_each(|replayed| view.add(replayed));
        }
    }
    Ok(Json::new(&view)?)
}

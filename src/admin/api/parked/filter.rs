//! Which parked messages a caller means, and how many that must be.

use super::super::{Backend, Error};
use super::Found;
use crate::admin::problem::Problem;
use crate::admin::query::{Expected, Value, parameters};
use crate::admin::values;
use actix_web::http::StatusCode;
use orderly_actors::counters::ParkedReason;
use orderly_actors::{parked, tables};
use orderly_domain::parked::Parked;
use orderly_store::{Ordinal, Parts, Reader};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::json;

parameters! {
    /// Which parked messages a caller means: those that have all of this.
    pub(in super::super) struct Filter {
        /// Only messages that name this order, which need not be there.
        order_id: Option<String>,
        /// Only messages of this source.
        source: Option<String>,
        /// Only messages of this type, which need not be known.
        r#type: Option<String>,
        /// Only messages that were parked for this reason.
        reason: Option<ParkedReason>,
    }
}

impl Filter {
    /// All messages that name an order.
    pub(super) fn naming(order: &str) -> Self {
        Self { order_id: Some(order.to_owned()), ..Self::default() }
    }

    /// The order that the messages must name.
    pub(super) fn order_id(&self) -> Option<&str> {
        self.order_id.as_deref()
    }

    /// Whether the caller means this message.
    pub(super) fn matches(&self, message: &Parked) -> bool {
        let Self { order_id, source, r#type, reason } = self;
        let is =
            |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        is(order_id, &message.order_id)
            && is(source, &message.source)
            && is(r#type, &message.r#type)
            && reason.is_none_or(|reason| ParkedReason::from(message.reason) == reason)
    }

    /// Every message that the caller means, of each partition.
    pub(super) async fn in_all(
        &self,
        backend: &Backend,
    ) -> Result<Vec<(Backend, Vec<Ordinal>)>, Problem> {
        let mut found = Vec::new();
        for of in backend.all() {
            let filter = self.clone();
            let messages = of.query(move |reader| filter.all(reader)).await?;
            found.push((of, messages));
        }
        Ok(found)
    }

    /// Every message that the caller means. It reads all parked messages, without their bytes.
    pub(super) fn all(&self, reader: &Reader) -> Result<Vec<Ordinal>, Error> {
        let (mut all, mut next) = (Vec::new(), Some(Ordinal(0)));
        while let Some(from) = next {
            let parts = Parts::of(&[parked::ABOUT]);
            let (entities, behind) = reader.page(tables::PARKED, from, usize::MAX, parts)?;
            for entity in &entities {
                if Found::of(entity)?.is_some_and(|found| self.matches(&found.about)) {
                    all.push(entity.ordinal);
                }
            }
            next = behind;
        }
        Ok(all)
    }
}

parameters! {
    /// The caller has seen how many messages there are.
    pub(in super::super) struct Confirmation {
        /// How many messages that must be: where there are more or fewer, nothing is done and the answer is 409 with their number.
        count: Option<Count>,
    }
}

impl Confirmation {
    /// Refuses another number than the caller has confirmed.
    pub(super) fn check(&self, found: usize) -> Result<(), Problem> {
        let found = found as u64;
        let detail = match self.count {
            Some(Count(count)) if count == found => return Ok(()),
            Some(Count(count)) => {
                format!("there are {found} such messages, not {count}: nothing was done")
            }
            None => format!("there are {found} such messages: confirm that with count={found}"),
        };
        Err(Problem::new(StatusCode::CONFLICT).detail(detail).with("count", json!(found)))
    }
}

/// A number of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Count(u64);

impl Count {
    const MOST: u64 = u32::MAX as u64;
}

impl Value for Count {
    fn parse(text: &str) -> Result<Self, Expected> {
        values::number(text, Self::MOST).map(Self)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": Self::MOST })
    }
}

/// The partition and the place of a message that may be parked.
pub(super) fn one(backend: &Backend, id: &str) -> Result<(Backend, Ordinal), Problem> {
    let found = backend.of_local_id(id);
    let found = found.and_then(|(backend, id)| Some((backend, parked::ordinal(id)?)));
    found.ok_or_else(|| not_parked(None))
}

/// The 404 for a message that is not parked, or not any more.
pub(super) fn not_parked(resolution: Option<orderly_domain::parked::Resolution>) -> Problem {
    resolution.map_or(Error::NotFound("parked message"), Error::Resolved).into()
}

//! A span, and its form in OTLP: the JSON encoding of `opentelemetry/proto/trace/v1/trace.proto`.

use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::time::Duration;

/// What a span is of, by the numbers of OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Internal = 1,
    Client = 3,
    Producer = 4,
    Consumer = 5,
}

/// When something began and ended, by how long ago that is. So the caller may measure by any clock that never steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interval {
    began: Duration,
    ended: Duration,
}

impl Interval {
    /// From a moment to another one, of a clock that shows `now`.
    pub(crate) fn between(began: Duration, ended: Duration, now: Duration) -> Self {
        Self { began: now.saturating_sub(began), ended: now.saturating_sub(ended) }
    }
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Attribute {
    Text(Cow<'static, str>),
    Number(u64),
}

/// A span that has ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    pub(super) trace: [u8; 16],
    pub(super) id: u64,
    /// 0: it is the first of its trace.
    pub(super) parent: u64,
    pub(super) name: Cow<'static, str>,
    pub(super) kind: Kind,
    pub(super) began: Timestamp,
    pub(super) ended: Timestamp,
    pub(super) attributes: Vec<(&'static str, Attribute)>,
    /// Why it failed.
    pub(super) error: Option<String>,
}

impl Span {
    /// A span with this id, under the span that the context names.
    pub(super) fn under(
        context: TraceParent,
        id: u64,
        (kind, name): (Kind, impl Into<Cow<'static, str>>),
        interval: Interval,
        now: Timestamp,
    ) -> Self {
        Self {
            trace: context.trace_id(),
            id,
            parent: context.parent_id(),
            name: name.into(),
            kind,
            began: now.minus(interval.began),
            ended: now.minus(interval.ended),
            attributes: Vec::new(),
            error: None,
        }
    }

    pub(super) fn text(&mut self, key: &'static str, value: impl Into<Cow<'static, str>>) {
        self.attributes.push((key, Attribute::Text(value.into())));
    }

    pub(super) fn number(&mut self, key: &'static str, value: u64) {
        self.attributes.push((key, Attribute::Number(value)));
    }

    fn json(&self) -> Value {
        let id = |id: u64| format!("{id:016x}");
        let nanos = |at: Timestamp| (i128::from(at.micros()) * 1_000).to_string();
        let attributes: Vec<_> =
            self.attributes.iter().map(|(key, value)| attribute(key, value)).collect();
        let mut span = json!({
            "traceId": hex::encode(self.trace),
            "spanId": id(self.id),
            "name": self.name,
            "kind": self.kind as u8,
            "startTimeUnixNano": nanos(self.began),
            "endTimeUnixNano": nanos(self.ended),
            "attributes": attributes,
            "flags": 1,
        });
        if self.parent != 0 {
            span["parentSpanId"] = id(self.parent).into();
        }
        if let Some(error) = &self.error {
            span["status"] = json!({"code": 2, "message": error});
        }
        span
    }
}

/// 64-bit numbers are texts in the JSON of protobuf.
fn attribute(key: &str, value: &Attribute) -> Value {
    let value = match value {
        Attribute::Text(text) => json!({"stringValue": text}),
        Attribute::Number(number) => json!({"intValue": number.to_string()}),
    };
    json!({"key": key, "value": value})
}

/// The body of a request: `ExportTraceServiceRequest`. `about` are the attributes of the process.
pub(super) fn request(about: &[(&'static str, Attribute)], spans: &[Span]) -> Vec<u8> {
    let about: Vec<_> = about.iter().map(|(key, value)| attribute(key, value)).collect();
    let spans: Vec<_> = spans.iter().map(Span::json).collect();
    let body = json!({"resourceSpans": [{
        "resource": {"attributes": about},
        "scopeSpans": [{
            "scope": {"name": "orderly", "version": env!("CARGO_PKG_VERSION")},
            "spans": spans,
        }],
    }]});
    body.to_string().into_bytes()
}

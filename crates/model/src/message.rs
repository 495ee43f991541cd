//! Messages of producers, by the contract's chapter on commands: their fields, the valid values, and when two messages
//! have the same data.

mod fields;

use crate::state::cart::Line;
use crate::time::MINUTE;
use fields::Shape::{
    Currency, Flag, Id, Json, List, Object, Replacement, Span, Text, Texts, Time, Whole, Word,
};
use fields::{COMMANDS, Field, LONGEST, Shape};
pub(crate) use fields::{MOST_LINES, MOST_UNITS};
use serde_json::{Map, Value};
use std::hash::{DefaultHasher, Hash, Hasher};

/// A message as a producer publishes it.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The source: `app_id`.
    pub source: &'a str,
    /// The id: `message_id`. A message without an id is malformed.
    pub id: Option<&'a str>,
    /// The command's type.
    pub kind: &'a str,
    /// The data. They may be anything, also not JSON.
    pub body: &'a [u8],
    /// The producer's own timestamp, in microseconds since 1970.
    pub time: Option<i64>,
    /// The `deadline` header as a text: an RFC 3339 time, or a whole number of seconds or milliseconds since 1970.
    pub deadline: Option<&'a str>,
}

impl<'a> Message<'a> {
    /// A message without a timestamp and without a deadline.
    pub const fn new(source: &'a str, id: &'a str, kind: &'a str, body: &'a [u8]) -> Self {
        Self { source, id: Some(id), kind, body, time: None, deadline: None }
    }
}

/// A valid command.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Command {
    pub(crate) kind: &'static str,
    pub(crate) identity: Identity,
    /// The known fields that are not null. Times and durations are in microseconds, and absent fields have their
    /// defaults. Two commands have the same data if these are equal.
    pub(crate) data: Value,
    /// The deadline, in microseconds since 1970.
    pub(crate) deadline: Option<i64>,
    /// The paths of the fields that are not known, sorted.
    pub(crate) ignored: Vec<String>,
}

/// The identity of a command. Two messages with the same identity are duplicates or conflict.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Identity {
    /// Source and id of the message.
    Message(String, String),
    /// Provider and event id of a payment callback, whichever message carried it.
    Event(String, String),
}

impl Identity {
    pub(crate) fn of_callback(data: &Value) -> Self {
        Self::Event(text(data, "provider").to_owned(), text(data, "event_id").to_owned())
    }
}

/// Decodes a message. The error is the reason why it is invalid: `too_large`, `malformed`, `unknown_type` or
/// `validation`.
pub(crate) fn decode(message: &Message<'_>, max_size: usize) -> Result<Command, &'static str> {
    if message.body.len() > max_size {
        return Err("too_large");
    }
    let deadline = match message.deadline {
        Some(text) => Some(moment(text).ok_or("validation")?),
        None => None,
    };
    let id = message.id.filter(|id| is_name(id)).ok_or("malformed")?;
    if !is_name(message.source) {
        return Err("malformed");
    }
    let command = COMMANDS.iter().find(|(kind, _)| *kind == message.kind);
    let &(kind, fields) = command.ok_or("unknown_type")?;
    let data: Value = serde_json::from_slice(message.body).map_err(|_| "malformed")?;
    let mut ignored = Vec::new();
    unknown(&data, fields, "", &mut ignored);
    ignored.sort_unstable();
    let data = canonical(&data, fields).ok_or("validation")?;
    if !is_consistent(kind, &data) {
        return Err("validation");
    }
    let identity = if kind == "payment.callback" {
        Identity::of_callback(&data)
    } else {
        Identity::Message(message.source.to_owned(), id.to_owned())
    };
    Ok(Command { kind, identity, data, deadline, ignored })
}

/// Whether a text is a valid `source` or `id` of a message: 1 to 255 bytes of printable ASCII.
fn is_name(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// Collects the paths of the fields of an object that are not known, those of the objects in it included.
fn unknown(object: &Value, fields: &[Field], path: &str, found: &mut Vec<String>) {
    for (name, value) in object.as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match fields.iter().find(|field| field.name == name).map(|field| &field.shape) {
            None => found.push(path),
            Some(Object(fields)) => unknown(value, fields, &path, found),
            Some(List(_, fields) | Replacement(_, fields)) => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    unknown(item, fields, &format!("{path}[{index}]"), found);
                }
            }
            Some(_) => {}
        }
    }
}

/// The known fields of an object in a form that can be compared. `None`: a field is missing or invalid.
fn canonical(object: &Value, fields: &[Field]) -> Option<Value> {
    let object = object.as_object()?;
    let mut known = Map::new();
    for field in fields {
        // null is the same as absent
        let value = match object.get(field.name).filter(|value| !value.is_null()) {
            Some(value) => Some(canonical_value(value, &field.shape)?),
            None if field.is_required => return None,
            None => match field.shape {
                Flag => Some(Value::Bool(false)),
                List(..) => Some(Value::Array(Vec::new())),
                _ => None,
            },
        };
        known.extend(value.map(|value| (field.name.to_owned(), value)));
    }
    Some(Value::Object(known))
}

fn canonical_value(value: &Value, shape: &Shape) -> Option<Value> {
    match shape {
        Id => {
            let text = value.as_str()?;
            let is_id = (1..=128).contains(&text.len())
                && text.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
            is_id.then(|| value.clone())
        }
        Text(most) => (value.as_str()?.len() <= *most).then(|| value.clone()),
        Whole(least, most) => (*least..=*most).contains(&value.as_i64()?).then(|| value.clone()),
        Flag => value.is_boolean().then(|| value.clone()),
        Currency => iso_currency::Currency::from_code(value.as_str()?).map(|_| value.clone()),
        Time => time(value.as_str()?).map(Value::from),
        Span => span(value.as_str()?).map(Value::from),
        Word(words) => words.contains(&value.as_str()?).then(|| value.clone()),
        Object(fields) => canonical(value, fields),
        Texts(most, longest) => {
            let list = value.as_array().filter(|list| list.len() <= *most)?;
            let texts =
                list.iter().all(|one| one.as_str().is_some_and(|text| text.len() <= *longest));
            texts.then(|| value.clone())
        }
        Json(most) => {
            (value.is_object() && value.to_string().len() <= *most).then(|| value.clone())
        }
        List(lengths, fields) | Replacement(lengths, fields) => {
            let list = value.as_array().filter(|list| lengths.contains(&list.len()))?;
            let list: Option<Vec<_>> = list.iter().map(|one| canonical(one, fields)).collect();
            list.map(Value::Array)
        }
    }
}

/// Checks rules that involve several fields.
fn is_consistent(kind: &str, data: &Value) -> bool {
    match kind {
        "order.place" => total(&lines(&data["lines"]), &data["adjustments"]).is_some(),
        // only who accepts can let money go
        "order.resolve" => text(data, "decision") == "accept" || data["write_off"].is_null(),
        "order.amend" => {
            let details =
                ["adjustments", "customer", "shipping_address", "billing_address", "metadata"];
            data["lines"] != Value::Array(vec![])
                || details.iter().any(|name| data.get(name).is_some())
        }
        // without money there must be goods
        "refund.request" => number(data, "amount") > 0 || data["restock"] != Value::Array(vec![]),
        "cart.merge" => text(data, "from_cart_id") != text(data, "into_cart_id"),
        "payment.callback" => is_callback_consistent(data),
        _ => true,
    }
}

fn is_callback_consistent(data: &Value) -> bool {
    let has = |field: &str| data.get(field).is_some();
    let has_money = has("amount") && has("currency");
    match text(data, "kind") {
        "authorized" => has_money,
        "captured" => has_money && number(data, "amount") > 0,
        "refund_succeeded" => has_money && number(data, "amount") > 0 && has("refund_id"),
        "refund_failed" => has("refund_id"),
        "dispute_opened" => has("dispute_id"),
        "dispute_closed" => has("dispute_id") && has("outcome"),
        _ => true,
    }
}

/// The lines of an order.
pub(crate) fn lines(lines: &Value) -> Vec<Line> {
    let lines = lines.as_array().into_iter().flatten();
    let line = |line: &Value| Line {
        sku: text(line, "sku").to_owned(),
        quantity: number(line, "quantity"),
        unit_price: number(line, "unit_price"),
    };
    lines.map(line).collect()
}

/// The total: Σ quantity × `unit_price` + Σ adjustments. `None`: it is below 0 or too large for an amount.
pub(crate) fn total(lines: &[Line], adjustments: &Value) -> Option<i64> {
    let goods: i128 =
        lines.iter().map(|line| i128::from(line.quantity) * i128::from(line.unit_price)).sum();
    let adjustments = adjustments.as_array().into_iter().flatten();
    let adjusted: i128 = adjustments.map(|one| i128::from(number(one, "amount"))).sum();
    i64::try_from(goods + adjusted).ok().filter(|total| *total >= 0)
}

/// RFC 3339, or a whole number of seconds or milliseconds since 1970. More seconds than until the year 10000 are milliseconds.
fn moment(text: &str) -> Option<i64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return time(text);
    }
    let number: i64 = text.parse().ok()?;
    let end = 253_402_300_800;
    match number {
        _ if number < end => Some(number * 1_000_000),
        _ if number < end * 1000 => Some(number * 1000),
        _ => None,
    }
}

/// RFC 3339, to the end of the year 9999: `jiff::Timestamp` ends a day earlier. Leap seconds are left out.
fn time(text: &str) -> Option<i64> {
    let (local, offset) = match text.strip_suffix(['Z', 'z']) {
        Some(local) => (local, 0),
        None => {
            let (local, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
            let (hours, minutes) = offset.get(1..)?.split_once(':')?;
            let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
            let sign = if offset.starts_with('-') { -1 } else { 1 };
            (local, sign * (60 * hours + minutes) * MINUTE)
        }
    };
    let local: jiff::civil::DateTime = local.parse().ok()?;
    let since = local.since(jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0)).ok()?;
    let since = since.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
    Some(i64::try_from(since.as_micros()).ok()? - offset)
}

fn span(text: &str) -> Option<i64> {
    let span: jiff::Span = text.parse().ok()?;
    let span = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
    let micros = i64::try_from(span.as_micros()).ok()?;
    (1..=LONGEST).contains(&micros).then_some(micros)
}

/// The value of a text field. Empty if the field is absent.
pub(crate) fn text<'a>(data: &'a Value, field: &str) -> &'a str {
    data[field].as_str().unwrap_or_default()
}

/// The value of a number field. 0 if the field is absent.
pub(crate) fn number(data: &Value, field: &str) -> i64 {
    data[field].as_i64().unwrap_or_default()
}

/// The value of a number field, if the field is present.
pub(crate) fn optional_number(data: &Value, field: &str) -> Option<i64> {
    data[field].as_i64()
}

/// A hash that is the same in every run, since the keys of this hasher are fixed.
pub(crate) fn hash_of(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

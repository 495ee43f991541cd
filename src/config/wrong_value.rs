//! What is said of a value of the wrong type or out of range: in the words of the file, not in those of a parser.

use figment::error::{Actual, Kind};
use figment::value::{Num, Value};
use orderly_domain::text::shown;

/// The error of a deserializer in plain words.
pub(super) fn told(kind: &Kind) -> String {
    match kind {
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            format!("must be {}, not {}", wanted(expected), given(found))
        }
        Kind::UnknownVariant(found, expected) => {
            format!("must be {}, not {:?}", one_of(expected), shown(found))
        }
        Kind::ISizeOutOfRange(_) | Kind::USizeOutOfRange(_) => "is out of range".to_owned(),
        other => other.to_string(),
    }
}

/// What the text of a variable must be, which is no TOML value, where the key has the value `default`.
pub(super) fn told_of_text(text: &str, default: Option<&Value>) -> String {
    let wanted = match default {
        Some(Value::Num(_, number)) => format!("a number, such as {}", shown_number(*number)),
        Some(Value::Bool(..)) => "true or false".to_owned(),
        _ => "a list, such as [\"a\", \"b\"]".to_owned(),
    };
    format!("must be {wanted}, not {:?}", shown(text))
}

/// Why a text is no URL.
pub(super) fn told_of_url(error: url::ParseError) -> String {
    match error {
        url::ParseError::RelativeUrlWithoutBase => "it does not begin with a scheme".to_owned(),
        other => other.to_string(),
    }
}

/// What a deserializer expects. Texts of our own types are right as they are.
fn wanted(expected: &str) -> String {
    let from_to = |least: &str, most: &dyn ToString| {
        format!("a whole number from {least} to {}", most.to_string())
    };
    match expected {
        "u8" => from_to("0", &u8::MAX),
        "u16" => from_to("0", &u16::MAX),
        "u32" => from_to("0", &u32::MAX),
        "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "a nonzero u8" => from_to("1", &u8::MAX),
        "a nonzero u16" => from_to("1", &u16::MAX),
        "a nonzero u32" => from_to("1", &u32::MAX),
        "a nonzero u64" | "a nonzero usize" => "a whole number, 1 or more".to_owned(),
        "a string" | "string" | "path string" => "a text in quotes".to_owned(),
        "a boolean" | "bool" => "true or false".to_owned(),
        "a sequence" => "a list in brackets".to_owned(),
        of_names if of_names.starts_with("enum ") => "a name in quotes".to_owned(),
        other => other.to_owned(),
    }
}

fn one_of(names: &[&str]) -> String {
    match names {
        [only] => format!("{only:?}"),
        names => {
            let quoted: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
            format!("one of {}", quoted.join(", "))
        }
    }
}

/// What was found. The types of secret values hand over a word for the type in place of the value.
fn given(found: &Actual) -> String {
    match found {
        Actual::Bool(value) => value.to_string(),
        Actual::Unsigned(number) => number.to_string(),
        Actual::Signed(number) => number.to_string(),
        Actual::Float(number) => shown_float(*number),
        Actual::Char(one) => format!("{one:?}"),
        Actual::Str(text) => format!("{:?}", shown(text)),
        Actual::Seq => "a list".to_owned(),
        Actual::Map => "a table".to_owned(),
        Actual::Other(what) => what.clone(),
        other => other.to_string(),
    }
}

/// A number as it was written. Some parsers go over 32 bits, which makes 1.100000023841858 of 1.1.
#[allow(
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    reason = "what is cut off was added by such a parser, and only if nothing is lost"
)]
fn shown_float(number: f64) -> String {
    let short = number as f32;
    if f64::from(short) == number { short.to_string() } else { number.to_string() }
}

fn shown_number(number: Num) -> String {
    match (number.to_u128(), number.to_i128(), number.to_f64()) {
        (Some(number), _, _) => number.to_string(),
        (None, Some(number), _) => number.to_string(),
        (None, None, Some(number)) => shown_float(number),
        (None, None, None) => "1".to_owned(),
    }
}

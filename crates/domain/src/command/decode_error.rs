//! Explains to a producer why a JSON document cannot be decoded: the path of the field, what was expected there, and
//! what was found. The explanation names no Rust types and shows numbers as they were written. It gives a line and a
//! column only if the document is not JSON.
//!
//! This is slow, so it runs only after decoding has failed.

mod syntax;
mod token;

use self::token::Token;
use crate::text::shown;
use serde::Deserialize;

/// Why a document cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// The document is not JSON.
    Syntax {
        /// What is wrong with the text.
        problem: String,
        /// The line, counted from 1.
        line: usize,
        /// The column in bytes, counted from 1.
        column: usize,
    },
    /// The document is JSON, but a field is missing or wrong.
    Shape {
        /// The path of the field, such as `lines[0].quantity`. Empty: the document itself.
        field: String,
        /// What was expected, and what was found.
        problem: String,
    },
}

/// Finds the reason why `document` cannot be decoded to `T`, whose form is a JSON object. `None`: it can be decoded.
pub fn look<'a, T: Deserialize<'a>>(document: &'a [u8]) -> Option<Wrong> {
    if let Some(wrong) = syntax::wrong(document) {
        return Some(wrong);
    }
    let whole = Token::whole(document);
    if !matches!(whole, Some(Token::Object)) {
        let found = whole.map(Token::kind).unwrap_or_default();
        let problem = format!("must be an object, not {found}");
        return Some(Wrong::Shape { field: String::new(), problem });
    }
    let deserializer = &mut serde_json::Deserializer::from_slice(document);
    let error = serde_path_to_error::deserialize::<_, T>(deserializer).err()?;
    let token = Token::at(document, error.path());
    let path = error.path().to_string();
    let path = path.trim_end_matches(".?").trim_start_matches('.');
    let error = error.into_inner();
    let message = error.to_string();
    // serde_json appends the position in the text
    let message = message.split(" at line ").next().unwrap_or_default();
    match token {
        // the text is JSON, but its numbers and escapes were not looked at before
        Some(Token::Number(number)) if error.is_syntax() => {
            let problem = format!("the number {} is too large", shown(number));
            Some(Wrong::Shape { field: path.to_owned(), problem })
        }
        _ if error.is_syntax() => Some(syntax::explained(document, &error)),
        token => Some(shape(path, message, token)),
    }
}

/// Whether the document begins like an object. Derived code would also accept a list of the fields.
pub fn is_object(document: &[u8]) -> bool {
    document.trim_ascii_start().first() == Some(&b'{')
}

/// Rewords serde's message about the field at `path`, where the document has `token`.
fn shape(path: &str, message: &str, token: Option<Token<'_>>) -> Wrong {
    let member =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    if let Some(name) = quoted_after(message, "missing field ") {
        return Wrong::Shape { field: member(name), problem: "is required".to_owned() };
    }
    if let Some(name) = quoted_after(message, "duplicate field ") {
        return Wrong::Shape { field: member(name), problem: "is there twice".to_owned() };
    }
    let (found, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    let choices = || expected.trim_start_matches("one of ").replace('`', "").replace(" or ", ", ");
    let (field, problem) = if let Some(name) = quoted_after(found, "unknown field ") {
        // the path may end with the name of the unknown field itself
        let parent = path.strip_suffix(name).map_or(path, |parent| parent.trim_end_matches('.'));
        let field =
            if parent.is_empty() { shown(name) } else { format!("{parent}.{}", shown(name)) };
        (field, format!("is none of {}", choices()))
    } else if let Some(name) = quoted_after(found, "unknown variant ") {
        (path.to_owned(), format!("must be one of {}, not {:?}", choices(), shown(name)))
    } else if found == "invalid type: null" && !path.ends_with(']') {
        (path.to_owned(), "is required".to_owned()) // null is the same as absent
    } else if found.starts_with("invalid type: ") || found.starts_with("invalid value: ") {
        let found = token.map_or_else(|| "another value".to_owned(), Token::finding);
        (path.to_owned(), format!("must be {}, not {found}", expectation(expected, token)))
    } else {
        (path.to_owned(), message.to_owned())
    };
    Wrong::Shape { field, problem }
}

fn quoted_after<'a>(message: &'a str, prefix: &str) -> Option<&'a str> {
    message.strip_prefix(prefix)?.strip_prefix('`')?.split('`').next()
}

/// What serde expected, without names of types.
fn expectation(expected: &str, token: Option<Token<'_>>) -> String {
    let plain = match expected {
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0 to 18446744073709551615",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        _ if expected.starts_with("struct ") => "an object",
        _ => expected,
    };
    if plain.starts_with("a whole number") { whole_number(plain, token) } else { plain.to_owned() }
}

/// The expectation of a whole number, fitted to what was found: limits that nobody reaches are named to nobody else.
fn whole_number(expected: &str, token: Option<Token<'_>>) -> String {
    const FURTHEST: [&str; 2] = ["9223372036854775807", "18446744073709551615"];
    let number = match token {
        Some(Token::Number(number)) => number,
        _ => "",
    };
    let form = match number {
        _ if number.contains('.') => ", without a decimal point",
        _ if number.contains(['e', 'E']) => ", without an exponent",
        _ => "",
    };
    let is_beyond = form.is_empty() && number.parse::<i64>().is_err() && !number.is_empty();
    match expected
        .split_once(" from ")
        .and_then(|(what, range)| Some((what, range.split_once(" to ")?)))
    {
        Some((what, (least, most))) if FURTHEST.contains(&most) && !is_beyond => {
            if least.starts_with('-') {
                format!("{what}{form}")
            } else {
                format!("{what}, {least} or more{form}")
            }
        }
        Some(_) | None => format!("{expected}{form}"),
    }
}

#[cfg(test)]
mod tests;

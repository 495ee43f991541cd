//! Explains to a producer why a JSON document cannot be decoded: the path of the field, what was expected there, and
//! what was found. The explanation names no Rust types. It gives a line and a column only if the document is not JSON.
//!
//! This is slow, so it runs only after decoding has failed.

use crate::text::shown;
use serde::Deserialize;
use serde::de::IgnoredAny;

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
    if let Err(error) = std::str::from_utf8(document) {
        let (before, _) = document.split_at(error.valid_up_to());
        let lines = before.split(|byte| *byte == b'\n');
        let (line, last) = lines.enumerate().last().unwrap_or_default();
        let problem = "it is not UTF-8".to_owned();
        return Some(Wrong::Syntax { problem, line: line + 1, column: last.len() + 1 });
    }
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(document) {
        return Some(syntax(document, &error));
    }
    if let Some(problem) = no_object(document) {
        return Some(Wrong::Shape { field: String::new(), problem });
    }
    let deserializer = &mut serde_json::Deserializer::from_slice(document);
    let error = serde_path_to_error::deserialize::<_, T>(deserializer).err()?;
    let path = error.path().to_string();
    let message = error.into_inner().to_string();
    // serde_json appends the position in the text
    let message = message.split(" at line ").next().unwrap_or_default();
    Some(shape(path.trim_end_matches(".?").trim_start_matches('.'), message))
}

/// Whether the document begins like an object. Derived code would also accept a list of the fields.
pub fn is_object(document: &[u8]) -> bool {
    document.trim_ascii_start().first() == Some(&b'{')
}

fn no_object(document: &[u8]) -> Option<String> {
    let found = match document.trim_ascii_start().first()? {
        b'{' => return None,
        b'[' => "a list",
        b'"' => "a string",
        b't' | b'f' => "true or false",
        b'n' => "null",
        _ => "a number",
    };
    Some(format!("must be an object, not {found}"))
}

fn syntax(document: &[u8], error: &serde_json::Error) -> Wrong {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let problem = match message {
        _ if document.trim_ascii().is_empty() => "it is empty".to_owned(),
        "trailing characters" => "there is more behind its end".to_owned(),
        message => match message.strip_prefix("EOF while parsing ") {
            Some(what) => format!("it ends within {what}"),
            None => message.to_owned(),
        },
    };
    Wrong::Syntax { problem, line: error.line().max(1), column: error.column().max(1) }
}

/// Rewords serde's message about the field at `path`.
fn shape(path: &str, message: &str) -> Wrong {
    let member =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    if let Some(name) = quoted_after(message, "missing field ") {
        return Wrong::Shape { field: member(name), problem: "is required".to_owned() };
    }
    if let Some(name) = quoted_after(message, "duplicate field ") {
        return Wrong::Shape { field: member(name), problem: "is there twice".to_owned() };
    }
    let (found, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    let choices = || expected.trim_start_matches("one of ").replace('`', "");
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
    } else if let Some(found) =
        found.strip_prefix("invalid type: ").or_else(|| found.strip_prefix("invalid value: "))
    {
        (path.to_owned(), format!("must be {}, not {}", expectation(expected), finding(found)))
    } else {
        (path.to_owned(), message.to_owned())
    };
    Wrong::Shape { field, problem }
}

fn quoted_after<'a>(message: &'a str, prefix: &str) -> Option<&'a str> {
    message.strip_prefix(prefix)?.strip_prefix('`')?.split('`').next()
}

/// What serde expected, without names of types.
fn expectation(expected: &str) -> &str {
    match expected {
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number of at most 64 bits",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        _ if expected.starts_with("struct ") => "an object",
        _ => expected,
    }
}

/// What serde found. Numbers are shown, also in a text. Other texts are not, since a text may be a personal address.
fn finding(found: &str) -> String {
    let number = ["integer `", "floating point `", "boolean `"]
        .iter()
        .find_map(|kind| found.strip_prefix(kind)?.strip_suffix('`'));
    match (number, found) {
        (Some(number), _) => shown(number),
        (None, "map") => "an object".to_owned(),
        (None, "sequence") => "a list".to_owned(),
        (None, "unit value" | "null") => "null".to_owned(),
        (None, text) if text.starts_with("string ") => {
            let content = text.trim_start_matches("string ");
            match content.trim_matches('"').parse::<f64>() {
                Ok(_) => format!("the text {}", shown(content)),
                Err(_) => "a string".to_owned(),
            }
        }
        (None, other) => shown(other),
    }
}

#[cfg(test)]
mod tests;

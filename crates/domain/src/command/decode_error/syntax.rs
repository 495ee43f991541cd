//! What is wrong with a text that is not JSON.

use super::Wrong;
use serde::de::IgnoredAny;

/// What is wrong with a document as a text. `None`: it is JSON, but for the values of its numbers and escapes.
pub(super) fn wrong(document: &[u8]) -> Option<Wrong> {
    if let Some(problem) = other_encoding(document) {
        return Some(Wrong::Syntax { problem: problem.to_owned(), line: 1, column: 1 });
    }
    if let Err(error) = std::str::from_utf8(document) {
        let (before, _) = document.split_at(error.valid_up_to());
        let lines = before.split(|byte| *byte == b'\n');
        let (line, last) = lines.enumerate().last().unwrap_or_default();
        let problem = "it is not UTF-8".to_owned();
        return Some(Wrong::Syntax { problem, line: line + 1, column: last.len() + 1 });
    }
    let error = serde_json::from_slice::<IgnoredAny>(document).err()?;
    Some(explained(document, &error))
}

/// Texts of other encodings, by their byte order marks, or by the zero bytes that ASCII letters have in them.
fn other_encoding(document: &[u8]) -> Option<&'static str> {
    match document {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..] => {
            Some("it looks like UTF-16 or UTF-32, and must be UTF-8")
        }
        _ => None,
    }
}

/// Rewords the error of `serde_json`.
pub(super) fn explained(document: &[u8], error: &serde_json::Error) -> Wrong {
    let (line, column) = (error.line().max(1), error.column().max(1));
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let problem = if document.trim_ascii().is_empty() {
        "it is empty".to_owned()
    } else if ends_after_comma(document, line, column) {
        "a comma has nothing behind it".to_owned()
    } else {
        reworded(message)
    };
    Wrong::Syntax { problem, line, column }
}

fn reworded(message: &str) -> String {
    let plain = match message {
        "expected value" => "a value is expected here (a text must be in double quotes)",
        "expected ident" => {
            "this is none of true, false and null (a text must be in double quotes)"
        }
        "key must be a string" => "the name of a field is expected here, in double quotes",
        "expected `:`" => "a colon is expected here, behind the name of a field",
        "expected `,` or `}`" => "a comma or a closing brace is expected here",
        "expected `,` or `]`" => "a comma or a closing bracket is expected here",
        "trailing characters" => "there is more behind its end",
        "trailing comma" => "a comma has nothing behind it",
        "invalid number" => "a number is not written as JSON writes it",
        "invalid escape" => "a text has a backslash that JSON does not know",
        "lone leading surrogate in hex escape"
        | "unexpected end of hex escape"
        | "invalid unicode code point" => "a text has an escape \\u that stands for no character",
        "recursion limit exceeded" => "it is nested too deep",
        _ if message.starts_with("control character") => {
            "a text has a line break, a tab or another control character, which must be escaped"
        }
        _ => match message.strip_prefix("EOF while parsing ") {
            Some(what) => return format!("it ends within {what}"),
            None => "it cannot be read", // not reached: the messages above are all that there are
        },
    };
    plain.to_owned()
}

/// Whether there is a closing brace or bracket at this place, and only white space between a comma and it.
fn ends_after_comma(document: &[u8], line: usize, column: usize) -> bool {
    let start = document.split_inclusive(|byte| *byte == b'\n').take(line - 1).map(<[u8]>::len);
    let place = start.sum::<usize>() + column - 1;
    let (Some(before), Some(b'}' | b']')) = (document.get(..place), document.get(place)) else {
        return false;
    };
    before.trim_ascii_end().last() == Some(&b',')
}

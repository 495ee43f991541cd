//! Reads members of a JSON object out of bytes that need not be JSON: cut off, malformed, or with members of wrong types.
//!
//! The scanner goes once over the bytes, which the caller bounds. It knows strings, brackets, and bare words such as
//! numbers, and skips everything else. It reads the members of the outermost object, and those of the object under `data`,
//! which a CloudEvent has. What stands in lists and in other inner objects is no member.

use std::collections::BTreeMap;

/// The members that were found, as text. Of a name that comes twice, the last one.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Of the outermost object.
    pub(super) outer: BTreeMap<String, String>,
    /// Of the object under `data`.
    pub(super) data: BTreeMap<String, String>,
}

/// What the scanner meets.
enum Token {
    /// A string, without its quotes; or a bare word.
    Text {
        text: String,
        is_quoted: bool,
    },
    Open,
    Close,
    Colon,
    /// A comma, or anything else that ends a member.
    Other,
}

/// Where the scanner stands: the brackets that are open.
struct Place {
    depth: usize,
    /// The depth of the object under `data`, while it is open.
    data: Option<usize>,
    /// The name of the member whose value comes next.
    name: Option<String>,
    /// The text before, which is a name if a colon follows.
    text: Option<String>,
}

/// Scans the bytes for the members with these names.
pub(super) fn scan(bytes: &[u8], wanted: &[&str]) -> Found {
    let mut found = Found::default();
    let mut place = Place { depth: 0, data: None, name: None, text: None };
    let mut rest = bytes;
    while let Some((token, behind)) = next(rest) {
        rest = behind;
        match token {
            Token::Open => {
                place.depth += 1;
                if place.depth == 2 && place.name.as_deref() == Some("data") {
                    place.data = Some(2);
                }
                (place.name, place.text) = (None, None);
            }
            Token::Close => {
                place.depth = place.depth.saturating_sub(1);
                if place.data.is_some_and(|depth| depth > place.depth) {
                    place.data = None;
                }
                (place.name, place.text) = (None, None);
            }
            Token::Colon => place.name = place.text.take(),
            Token::Other => (place.name, place.text) = (None, None),
            Token::Text { text, is_quoted } => match place.name.take() {
                Some(name) => found.take(&place, &name, text, is_quoted, wanted),
                None => place.text = Some(text),
            },
        }
    }
    found
}

impl Found {
    fn take(&mut self, place: &Place, name: &str, text: String, is_quoted: bool, wanted: &[&str]) {
        if !wanted.contains(&name)
            || (!is_quoted && !text.bytes().all(|byte| byte.is_ascii_digit()))
        {
            return;
        }
        let members = match (place.depth, place.data) {
            (0 | 1, _) => &mut self.outer, // 0: its opening bracket is missing
            (depth, Some(data)) if depth == data => &mut self.data,
            _ => return,
        };
        members.insert(name.to_owned(), text);
    }
}

/// The next token, and what follows it. A string without its end is no token: its text may be cut.
fn next(bytes: &[u8]) -> Option<(Token, &[u8])> {
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let (&first, behind) = bytes[start..].split_first()?;
    let token = match first {
        b'{' | b'[' => Token::Open,
        b'}' | b']' => Token::Close,
        b':' => Token::Colon,
        b'"' | b'\'' => {
            let (text, behind) = string(behind, first)?;
            return Some((Token::Text { text, is_quoted: true }, behind));
        }
        byte if is_of_word(byte) => {
            let word = &bytes[start..];
            let end = word.iter().position(|byte| !is_of_word(*byte))?; // a word at the end may be cut
            let text = String::from_utf8_lossy(&word[..end]).into_owned();
            return Some((Token::Text { text, is_quoted: false }, &word[end..]));
        }
        _ => Token::Other,
    };
    Some((token, behind))
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'+' | b'-')
}

/// A string up to its closing quote, and what follows. `None`: it has no end.
fn string(bytes: &[u8], quote: u8) -> Option<(String, &[u8])> {
    let mut end = 0;
    while bytes.get(end) != Some(&quote) {
        end += if bytes.get(end)? == &b'\\' { 2 } else { 1 };
    }
    let raw = bytes.get(..end)?;
    let text = unescaped(raw).unwrap_or_else(|| String::from_utf8_lossy(raw).into_owned());
    Some((text, &bytes[end + 1..]))
}

/// The text of a JSON string. `None`: its escapes are no JSON.
fn unescaped(raw: &[u8]) -> Option<String> {
    let mut json = Vec::with_capacity(raw.len() + 2);
    json.push(b'"');
    json.extend_from_slice(raw);
    json.push(b'"');
    serde_json::from_slice(&json).ok()
}

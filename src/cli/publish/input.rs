//! The input of `orderly publish`: commands as JSON Lines, or one document as the data of a command.
//!
//! Only the envelope is checked here. The data is published as it was written, byte for byte, and the processor validates it.
//! One line or document is in memory at a time, at most `MAX_BYTES`.

use std::io::{self, BufRead, Read as _};

use orderly_domain::command::decode_error::{self, Wrong};
use serde::de::{self, IgnoredAny, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The largest line or document; no larger command is accepted under any configuration (1 MiB
/// of data), and its envelope is small.
const MAX_BYTES: usize = (1 << 20) + (8 << 10);

/// Bytes of a type, an id or a source: the limit of a short string in AMQP.
const MAX_NAME_BYTES: usize = 255;

/// The source of commands that name none.
pub const DEFAULT_SOURCE: &str = "unknown";

/// A command that is ready to be published.
#[derive(Debug, Clone)]
pub struct CommandInput {
    /// The type, which is also the routing key.
    pub kind: String,
    /// The id, unique within its source.
    pub id: String,
    /// The source: the sender of the command.
    pub source: String,
    /// The data, as it was written.
    pub data: Box<RawValue>,
}

/// Why the input cannot be published.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input cannot be read.
    #[error("cannot read the input")]
    Read(#[source] io::Error),
    /// A line is wrong; the ones before it were right.
    #[error("line {number}{}", .source.column())]
    Line {
        /// The line, counted from 1.
        number: u64,
        /// What is wrong with the line.
        source: Refusal,
    },
    /// The document, or a name on the command line, is wrong.
    #[error("the document{}", .0.place())]
    Document(#[source] Refusal),
}

/// Why one command cannot be published.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The command is too large for any configuration.
    #[error("larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// The text is not JSON.
    #[error("not JSON: {problem}")]
    Syntax {
        /// What is wrong.
        problem: String,
        /// The line of the mistake, counted from 1; in JSON Lines always 1.
        line: usize,
        /// The column of the mistake, counted from 1.
        column: usize,
    },
    /// The text is not an object of `type`, `id`, `source`, `data`.
    #[error("not a command: {0}")]
    Shape(String),
    /// A type, id or source that AMQP cannot carry, or that the processor would refuse.
    #[error("`{field}` must be 1 to {MAX_NAME_BYTES} bytes of printable ASCII")]
    Name {
        /// The member of the command: `type`, `id` or `source`.
        field: &'static str,
    },
}

impl Refusal {
    /// The column of the mistake, to be put behind the number of the line.
    fn column(&self) -> String {
        match self {
            Self::Syntax { column, .. } => format!(", column {column}"),
            Self::TooLarge | Self::Shape(_) | Self::Name { .. } => String::new(),
        }
    }

    /// The line and column of the mistake, to be put behind "the document".
    fn place(&self) -> String {
        match self {
            Self::Syntax { line, column, .. } => format!(", line {line}, column {column}"),
            Self::TooLarge | Self::Shape(_) | Self::Name { .. } => String::new(),
        }
    }

    /// Why `text`, which could not be parsed, is not a JSON document.
    fn of_document(text: &[u8]) -> Self {
        match decode_error::look::<IgnoredAny>(text) {
            Some(Wrong::Syntax { problem, line, column }) => Self::Syntax { problem, line, column },
            Some(Wrong::Shape { problem, .. }) => Self::Shape(format!("it {problem}")),
            None => Self::Shape("it cannot be read".to_owned()), // not reached: the text could not be parsed
        }
    }

    /// Why `text`, which could not be parsed, is not a line with a command.
    fn of_line(text: &[u8]) -> Self {
        match decode_error::look::<Line<IgnoredAny>>(text.trim_ascii_end()) {
            Some(Wrong::Syntax { problem, line, column }) => Self::Syntax { problem, line, column },
            Some(Wrong::Shape { field, problem }) if field == "id" => Self::Shape(format!(
                "id: {problem}. Every line has its own id; --id is for one document with --type"
            )),
            Some(Wrong::Shape { field, problem }) if field.is_empty() => {
                Self::Shape(format!("it {problem}"))
            }
            Some(Wrong::Shape { field, problem }) => Self::Shape(format!("{field}: {problem}")),
            None => Self::Shape("it cannot be read".to_owned()), // not reached: the text could not be parsed
        }
    }
}

/// One line. An unknown member is an error: most likely the name is misspelt, such as `soruce`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<Data> {
    #[serde(rename = "type")]
    kind: String,
    id: String,
    source: Option<String>,
    #[serde(deserialize_with = "present", bound(deserialize = "Data: Deserialize<'de>"))]
    data: Data,
}

/// A value that is not `null`, which is the same as absent.
fn present<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let value = Option::deserialize(deserializer)?;
    value.ok_or_else(|| de::Error::invalid_type(Unexpected::Unit, &"the data of a command"))
}

/// The commands of JSON Lines, one `{"type","id","source"?,"data"}` a line. Empty lines are skipped. A command without a
/// source gets `source`. The iterator ends after its first error.
pub fn lines(
    input: impl BufRead,
    source: &str,
) -> impl Iterator<Item = Result<CommandInput, Error>> {
    let mut lines = Lines { input, source: source.to_owned(), number: 0, ended: false };
    std::iter::from_fn(move || lines.next_command())
}

/// Makes one document the data of one command.
pub fn document(
    input: impl io::Read,
    kind: &str,
    id: &str,
    source: &str,
) -> Result<CommandInput, Error> {
    let mut text = Vec::new();
    input.take(MAX_BYTES as u64 + 1).read_to_end(&mut text).map_err(Error::Read)?;
    let command = || {
        if text.len() > MAX_BYTES {
            return Err(Refusal::TooLarge);
        }
        let text = without_mark(&text);
        let data = serde_json::from_slice(text).map_err(|_| Refusal::of_document(text))?;
        CommandInput::new(kind.to_owned(), id.to_owned(), source.to_owned(), data)
    };
    command().map_err(Error::Document)
}

impl CommandInput {
    fn new(kind: String, id: String, source: String, data: Box<RawValue>) -> Result<Self, Refusal> {
        for (field, name) in [("type", &kind), ("id", &id), ("source", &source)] {
            let printable = name.bytes().all(|byte| (b' '..=b'~').contains(&byte));
            if name.is_empty() || name.len() > MAX_NAME_BYTES || !printable {
                return Err(Refusal::Name { field });
            }
        }
        Ok(Self { kind, id, source, data })
    }
}

/// The input behind a byte order mark, which some editors put in front.
fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

struct Lines<R> {
    input: R,
    source: String,
    number: u64,
    ended: bool,
}

impl<R: BufRead> Lines<R> {
    fn next_command(&mut self) -> Option<Result<CommandInput, Error>> {
        while !self.ended {
            let mut line = Vec::new();
            let limit = MAX_BYTES as u64 + 1;
            let read = self.input.by_ref().take(limit).read_until(b'\n', &mut line);
            self.number += 1;
            let line = if self.number == 1 { without_mark(&line) } else { &line };
            let parsed = match read {
                Err(error) => Err(Error::Read(error)),
                Ok(0) => break,
                Ok(_) if line.trim_ascii().is_empty() => continue,
                Ok(_) => self.parse(line).map_err(|source| {
                    let number = self.number;
                    Error::Line { number, source }
                }),
            };
            self.ended = parsed.is_err();
            return Some(parsed);
        }
        None
    }

    fn parse(&self, line: &[u8]) -> Result<CommandInput, Refusal> {
        if line.len() > MAX_BYTES {
            return Err(Refusal::TooLarge);
        }
        let Line { kind, id, source, data } = match serde_json::from_slice(line) {
            Ok(line_of) if decode_error::is_object(line) => line_of,
            Ok(_) | Err(_) => return Err(Refusal::of_line(line)),
        };
        CommandInput::new(kind, id, source.unwrap_or_else(|| self.source.clone()), data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Result<CommandInput, Error>> {
        lines(text.as_bytes(), DEFAULT_SOURCE).collect()
    }

    fn refused(text: &str) -> (u64, Refusal) {
        match read(text).pop() {
            Some(Err(Error::Line { number, source })) => (number, source),
            other => panic!("expected a refused line, got {other:?}"),
        }
    }

    #[test]
    fn every_line_is_a_command_with_its_data_untouched() {
        let text = "{\"type\":\"stock.set\",\"id\":\"1\",\"data\":{ \"on_hand\": 1.50 }}\n\n\
                    {\"id\":\"2\",\"source\":\"shop\",\"data\":7,\"type\":\"x\"}\r\n";
        let commands: Vec<CommandInput> =
            read(text).into_iter().collect::<Result<_, _>>().expect("valid");
        let seen: Vec<_> = commands
            .iter()
            .map(|command| (&*command.kind, &*command.id, &*command.source, command.data.get()))
            .collect();
        let wanted =
            [("stock.set", "1", "unknown", "{ \"on_hand\": 1.50 }"), ("x", "2", "shop", "7")];
        assert_eq!(seen, wanted);
    }

    #[test]
    fn a_source_that_is_null_is_absent() {
        let line = r#"{"type":"a","id":"1","source":null,"data":{"x":null}}"#;
        let command = read(line).pop().expect("a line").expect("valid");
        assert_eq!((&*command.source, command.data.get()), ("unknown", r#"{"x":null}"#));
    }

    #[test]
    fn nothing_in_is_nothing_out() {
        assert!(read("").is_empty());
        assert!(read("\n  \n").is_empty());
    }

    #[test]
    fn a_wrong_line_ends_it_and_is_named() {
        let good = "{\"type\":\"a\",\"id\":\"1\",\"data\":1}\n";
        let text = format!("{good}\n{{\"type\":\"a\",\"id\":\"2\"}}\n{good}");
        let all = read(&text);
        assert_eq!(all.len(), 2, "nothing after the error: {all:?}");
        let (number, refusal) = refused(&text);
        assert_eq!(number, 3);
        assert!(matches!(refusal, Refusal::Shape(_)), "{refusal:?}");
    }

    /// An error and its causes, as the command line shows them.
    fn shown(error: Error) -> String {
        format!("{:#}", anyhow::Error::new(error))
    }

    /// A row: the second line, and what is said of it. The place in the input is said once.
    #[test]
    fn what_is_wrong_with_a_line_is_said_with_its_number() {
        let rows = [
            (
                "{\"type\":\"a\" 7}",
                "line 2, column 13: not JSON: a comma or a closing brace is expected here",
            ),
            ("{\"type\":\"a\"", "line 2, column 11: not JSON: it ends within an object"),
            (
                "nonsense",
                "line 2, column 2: not JSON: this is none of true, false and null (a text must be in double quotes)",
            ),
            (
                "{\"type\":\"a\",\"data\":1}",
                "line 2: not a command: id: is required. Every line has its own id; --id is for one document with --type",
            ),
            ("{\"id\":\"1\",\"data\":1}", "line 2: not a command: type: is required"),
            ("{\"type\":\"a\",\"id\":\"1\"}", "line 2: not a command: data: is required"),
            ("{\"type\":null,\"id\":\"1\",\"data\":1}", "line 2: not a command: type: is required"),
            (
                "{\"type\":\"a\",\"id\":null,\"data\":1}",
                "line 2: not a command: id: is required. Every line has its own id; --id is for one document with --type",
            ),
            (
                "{\"type\":\"a\",\"id\":\"1\",\"data\":null}",
                "line 2: not a command: data: is required",
            ),
            (
                "{\"type\":5,\"id\":\"1\",\"data\":1}",
                "line 2: not a command: type: must be a string, not 5",
            ),
            (
                "{\"type\":\"a\",\"id\":\"1\",\"soruce\":\"s\",\"data\":0}",
                "line 2: not a command: soruce: is none of type, id, source, data",
            ),
            ("[\"a\",\"1\",null,{}]", "line 2: not a command: it must be an object, not a list"),
            (
                "{\"type\":\"a\",\"id\":\"\",\"data\":0}",
                "line 2: `id` must be 1 to 255 bytes of printable ASCII",
            ),
        ];
        for (line, said) in rows {
            let text = format!("{{\"type\":\"a\",\"id\":\"1\",\"data\":1}}\n{line}\n");
            let error = read(&text).pop().expect("an error").expect_err(line);
            assert_eq!(shown(error), said);
        }
        let error = document("{\n  1}".as_bytes(), "a", "1", "s").expect_err("no JSON");
        assert_eq!(
            shown(error),
            "the document, line 2, column 3: not JSON: the name of a field is expected here, in double quotes"
        );
    }

    #[test]
    fn a_byte_order_mark_in_front_is_no_part_of_the_input() {
        let text = "\u{feff}{\"type\":\"a\",\"id\":\"1\",\"data\":1}\n";
        assert!(read(text).pop().expect("a line").is_ok());
        assert!(read("\u{feff}\n").is_empty());
        let command = document("\u{feff}{}".as_bytes(), "a", "1", "s").expect("valid");
        assert_eq!(command.data.get(), "{}", "what is published has none");
        let (number, _) = refused(&format!("{}{text}", text.trim_start_matches('\u{feff}')));
        assert_eq!(number, 2, "only in front of the whole input");
    }

    #[test]
    fn names_are_printable_and_not_too_long() {
        let line = |kind: &str, id: &str, source: &str| {
            format!(r#"{{"type":"{kind}","id":"{id}","source":"{source}","data":0}}"#)
        };
        let long = "x".repeat(256);
        let cases = [
            (line("", "1", "s"), "type"),
            (line("a", "", "s"), "id"),
            (line("a", &long, "s"), "id"),
            (line("a", "1", "naïve"), "source"),
            (line("a", "1", r"\u0007"), "source"),
        ];
        for (text, wanted) in cases {
            let (_, refusal) = refused(&text);
            assert!(matches!(refusal, Refusal::Name { field } if field == wanted), "{text}");
        }
        assert!(read(&line("a", &long[1..], "s"))[0].is_ok());
    }

    #[test]
    fn an_endless_line_is_not_read_to_its_end() {
        let endless = io::BufReader::new(io::repeat(b'x'));
        let first = lines(endless, DEFAULT_SOURCE).next();
        let too_large =
            matches!(first, Some(Err(Error::Line { number: 1, source: Refusal::TooLarge })));
        assert!(too_large, "{first:?}");
        let refused = document(io::repeat(b' '), "a", "1", "s").expect_err("endless");
        assert!(matches!(refused, Error::Document(Refusal::TooLarge)), "{refused:?}");
    }

    #[test]
    fn a_document_is_the_data_of_one_command() {
        let text = "{\n  \"order_id\": \"o-1\"\n}\n";
        let command = document(text.as_bytes(), "order.cancel", "c-1", "shop").expect("valid");
        assert_eq!(
            (&*command.kind, &*command.id, &*command.source),
            ("order.cancel", "c-1", "shop")
        );
        assert_eq!(command.data.get(), text.trim());
        for text in ["", "{", "{} {}"] {
            let refused = document(text.as_bytes(), "a", "1", "s").expect_err(text);
            assert!(matches!(refused, Error::Document(Refusal::Syntax { .. })), "{refused:?}");
        }
    }
}

//! The input of `orderly publish`: commands as JSON Lines, or one document as the data of a command.
//!
//! Only the envelope is read here; `check` validates the data. One line or document is in memory at a time, at most `MAX_BYTES`.

use std::io::{self, BufRead, Read as _};

use crate::command_input::MAX_BYTES;
pub use crate::command_input::{CommandInput, DEFAULT_SOURCE, Refusal};

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

/// The commands of JSON Lines, one `{"type","id","source"?,"deadline"?,"reply_to"?,"trace"?,"data"}` a line. Empty lines are
/// skipped. A command without a source gets `source`. The iterator ends after its first error.
///
/// A command that `refuse` refuses is a wrong line.
pub fn lines(
    input: impl BufRead,
    source: &str,
    refuse: impl Fn(&CommandInput) -> Result<(), Refusal>,
) -> impl Iterator<Item = Result<CommandInput, Error>> {
    let mut lines = Lines { input, source: source.to_owned(), refuse, number: 0, ended: false };
    std::iter::from_fn(move || lines.next_command())
}

/// Makes one document the data of one command, unless `refuse` refuses it.
pub fn document(
    input: impl io::Read,
    kind: &str,
    id: &str,
    source: &str,
    refuse: impl FnOnce(&CommandInput) -> Result<(), Refusal>,
) -> Result<CommandInput, Error> {
    let mut text = Vec::new();
    input.take(MAX_BYTES as u64 + 1).read_to_end(&mut text).map_err(Error::Read)?;
    let command = || {
        if text.len() > MAX_BYTES {
            return Err(Refusal::TooLarge);
        }
        let text = without_mark(&text);
        let data = serde_json::from_slice(text).map_err(|_| Refusal::of_document(text))?;
        let command = CommandInput {
            kind: kind.to_owned(),
            id: id.to_owned(),
            source: source.to_owned(),
            data,
            deadline: None,
            reply_to: None,
            trace: None,
        };
        let command = command.named()?;
        refuse(&command)?;
        Ok(command)
    };
    command().map_err(Error::Document)
}

/// The input behind a byte order mark, which some editors put in front.
fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

struct Lines<R, F> {
    input: R,
    source: String,
    refuse: F,
    number: u64,
    ended: bool,
}

impl<R: BufRead, F: Fn(&CommandInput) -> Result<(), Refusal>> Lines<R, F> {
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
        let command = CommandInput::parse(line, &self.source).map_err(of_line)?;
        (self.refuse)(&command)?;
        Ok(command)
    }
}

/// The same refusal, for a person at the command line.
fn of_line(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Shape(problem) if problem.starts_with("id: ") => Refusal::Shape(format!(
            "{problem}. Every line has its own id; --id is for one document with --type"
        )),
        other => other,
    }
}

#[cfg(test)]
mod tests;

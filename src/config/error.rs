//! Errors of the configuration. Every problem names its key and its origin.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why the configuration is not valid.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}", path.display())]
    Unreadable {
        /// The file as it was named.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The file is not TOML. The line itself is not repeated: it may hold a secret.
    #[error("the configuration file {} is not TOML: line {line}: {message}", path.display())]
    Malformed {
        /// The file as it was named.
        path: PathBuf,
        /// The line of the mistake, counted from 1.
        line: usize,
        /// What is wrong in that line.
        message: String,
    },
    /// Keys or values are wrong: all of them are listed, one a line when there are several.
    #[error("{}", Listed(.0))]
    Invalid(Vec<Problem>),
}

/// One mistake in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The key, such as `orders.hold_for`.
    pub key: String,
    /// The origin of the value: a file, an environment variable, or `default`.
    pub source: String,
    /// What is wrong with the value.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (from {})", self.key, self.what, self.source)
    }
}

struct Listed<'a>(&'a [Problem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [only] => write!(f, "configuration: {only}"),
            problems => {
                write!(f, "configuration: {} problems", problems.len())?;
                problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
        }
    }
}

//! What can be wrong with a configuration; every problem names its key and where it was set.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why there is no configuration to run with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}", path.display())]
    Unreadable {
        /// The file as it was named.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is no TOML. The line itself is not repeated: it may hold a secret.
    #[error("the configuration file {} is not TOML: line {line}: {message}", path.display())]
    Malformed {
        /// The file as it was named.
        path: PathBuf,
        /// The line of the mistake, counted from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// Keys or values are wrong: all of them are listed, one a line when there are several.
    #[error("{}", Listed(.0))]
    Invalid(Vec<Problem>),
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, such as `orders.hold_for`.
    pub key: String,
    /// Where it was set: a file, an environment variable, or `default`.
    pub source: String,
    /// What is wrong with it.
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

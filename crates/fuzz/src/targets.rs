//! The decoders, and what must hold of what they read.
//!
//! | module | decoders |
//! |---|---|
//! | `commands` | the data of each command; what a damaged message is about; commands over HTTP and of files |
//! | `envelope` | messages of the broker in their three forms, and parked ones again |
//! | `stored` | each kind of record of the shop |
//! | `records` | each kind of record of the store; frames of the broker |
//! | `words` | values of the configuration, queries of the admin API, times, the command line |
//! | `files` | configuration files, exports, backups, the mark |

mod commands;
pub(crate) mod envelope;
mod files;
mod records;
mod stored;
mod words;

use std::fmt;

/// What the bytes of a target are, which says how they are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON.
    Json,
    /// A byte with a version, and CBOR.
    Cbor,
    /// Headers, an empty line, and a body.
    Message,
    /// Any text.
    Text,
    /// Any bytes.
    Bytes,
}

/// What a target does with an input. A panic is a fault.
pub type Run = Box<dyn Fn(&[u8]) + Send + Sync>;

/// A decoder with samples of what it reads.
pub struct Target {
    /// The name: its folder in `corpus/`.
    pub name: String,
    /// What its bytes are.
    pub form: Form,
    /// How many of its inputs are run for each of the slowest target.
    pub weight: u64,
    /// What it reads. There is at least one.
    pub samples: Vec<Vec<u8>>,
    /// Reads an input.
    pub run: Run,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Target {
    fn new(
        name: impl Into<String>,
        form: Form,
        weight: u64,
        samples: Vec<Vec<u8>>,
        run: impl Fn(&[u8]) + Send + Sync + 'static,
    ) -> Self {
        let name = name.into();
        let mut samples = samples;
        samples.extend(crate::corpus::kept(&name));
        if samples.is_empty() {
            samples.push(Vec::new());
        }
        Self { name, form, weight, samples, run: Box::new(run) }
    }
}

/// Every target.
pub fn all() -> Vec<Target> {
    let mut all = commands::targets();
    all.extend(envelope::targets());
    all.extend(stored::targets());
    all.extend(records::targets());
    all.extend(words::targets());
    all.extend(files::targets());
    all
}

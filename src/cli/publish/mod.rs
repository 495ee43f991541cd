//! `orderly publish`: commands from a file or standard input to the broker.

pub mod input;

use super::exit::Exit;
use crate::config::Config;
use crate::process::{self, broker_settings};
use bytes::Bytes;
use input::Draft;
use orderly_broker::client::{Client, command};
use orderly_broker::{Confirm, Message, Names, rabbit};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Commands read before they are published together.
const BATCH: usize = 512;

/// What to publish.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 all are published and confirmed; 1 not all are, and the message says how many and \
    why (the input is wrong, the broker is away, refuses or has no such exchange); 2 the command line is wrong; 78 the \
    configuration is."
)]
pub struct Args {
    /// The input is one JSON document: the data of a command of this type
    #[arg(long = "type", value_name = "T")]
    kind: Option<String>,
    /// The command's id; without it a new one is made, and printed
    #[arg(long, value_name = "ID", requires = "kind")]
    id: Option<String>,
    /// The commands' source, where a line names none
    #[arg(long, value_name = "S", default_value = input::DEFAULT_SOURCE)]
    source: String,
    /// A file, or - for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

/// Why not everything was published.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The in-process broker lives in another process.
    #[error(
        "an in-process broker takes no commands from outside: broker.url must be amqp:// or amqps://"
    )]
    Memory,
    /// The file cannot be opened.
    #[error("cannot read {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The input is wrong; `published` commands before it are published.
    #[error("{published} commands are published, the next one is none")]
    Input {
        /// Commands confirmed before.
        published: usize,
        /// What is wrong.
        source: input::Error,
    },
    /// The broker did not confirm a command.
    #[error("{published} commands are published, command {id:?} is not: {problem}")]
    Refused {
        /// Commands confirmed before.
        published: usize,
        /// The first that is not.
        id: String,
        /// What the broker said.
        problem: String,
    },
    /// No processor has declared anything yet, or the namespace is another.
    #[error(
        "nothing is published: the exchange {0} does not exist. `orderly serve` declares it: start that first, and see \
         that broker.namespace and the virtual host in broker.url are the same"
    )]
    NoExchange(String),
    /// No runtime.
    #[error("cannot start")]
    Process(#[from] process::Error),
    /// The broker.
    #[error("cannot publish")]
    Broker(#[from] rabbit::Error),
}

/// Publishes, mandatory and with confirms.
pub fn run(config: &Config, args: &Args) -> Result<Exit, Error> {
    if config.broker.url.is_memory() {
        return Err(Error::Memory);
    }
    let input = open(&args.file)?;
    process::runtime()?.block_on(async {
        let client = Client::connect(&broker_settings(config)).await?;
        let names = Names::new(&config.broker.namespace);
        let publishing = Publishing { client, names, published: 0 };
        publishing.all(input, args).await
    })
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, Error> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    match File::open(path) {
        Ok(file) => Ok(Box::new(BufReader::new(file))),
        Err(source) => Err(Error::File { path: path.to_owned(), source }),
    }
}

struct Publishing {
    client: Client,
    names: Names,
    published: usize,
}

impl Publishing {
    async fn all(mut self, input: Box<dyn BufRead>, args: &Args) -> Result<Exit, Error> {
        if let Some(kind) = &args.kind {
            let id = args.id.clone().unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
            let draft = input::document(input, kind, &id, &args.source);
            let draft = draft.map_err(|source| Error::Input { published: 0, source })?;
            self.publish(vec![draft]).await?;
            eprintln!("published {id}");
        } else {
            let mut batch = Vec::with_capacity(BATCH);
            for draft in input::lines(input, &args.source) {
                match draft {
                    Ok(draft) => batch.push(draft),
                    Err(source) => {
                        self.publish(batch).await?;
                        return Err(Error::Input { published: self.published, source });
                    }
                }
                if batch.len() == BATCH {
                    self.publish(std::mem::take(&mut batch)).await?;
                }
            }
            self.publish(batch).await?;
            eprintln!("published {} commands", self.published);
        }
        self.client.close().await;
        Ok(Exit::Success)
    }

    async fn publish(&mut self, drafts: Vec<Draft>) -> Result<(), Error> {
        let messages: Vec<Message> = drafts
            .iter()
            .map(|draft| {
                let body = Bytes::copy_from_slice(draft.data.get().as_bytes());
                command(&self.names, &draft.kind, &draft.id, Some(&draft.source), body)
            })
            .collect();
        let confirms = match self.client.publish(&messages).await {
            Ok(confirms) => confirms,
            Err(rabbit::Error::Missing(_)) => {
                return Err(Error::NoExchange(self.names.commands.clone()));
            }
            Err(error) => return Err(error.into()),
        };
        for (draft, confirm) in drafts.iter().zip(confirms) {
            let problem = match confirm {
                Confirm::Acked => {
                    self.published += 1;
                    continue;
                }
                Confirm::Nacked => "the broker could not take it".to_owned(),
                Confirm::Returned(why) => format!(
                    "the broker returned it ({why}): no queue is bound to the exchange {}, which `orderly serve` does",
                    self.names.commands
                ),
                Confirm::Lost => "the connection broke before its confirm".to_owned(),
            };
            let (published, id) = (self.published, draft.id.clone());
            return Err(Error::Refused { published, id, problem });
        }
        Ok(())
    }
}

//! `orderly publish`: publishes commands from a file or standard input.

pub mod input;

use super::exit::Exit;
use crate::config::Config;
use crate::process::{self, broker_settings};
use bytes::Bytes;
use input::CommandInput;
use orderly_broker::client::{self, Client};
use orderly_broker::{Confirm, Message, Names, rabbit};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Commands that are published together.
const BATCH: usize = 512;

/// Arguments of `orderly publish`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 every command is published and confirmed; 1 not every command is, and the message says \
    how many are and why (the input is wrong; the broker cannot be reached, refuses a command or has no such exchange); \
    2 the command line is wrong; 78 the configuration is wrong."
)]
pub struct Args {
    /// Read the input as one JSON document, the data of a command of this type; without it, as JSON Lines
    #[arg(long = "type", value_name = "T")]
    kind: Option<String>,
    /// Id of the command; without it a new id is made and printed
    #[arg(long, value_name = "ID", requires = "kind")]
    id: Option<String>,
    /// Source of every command that names none itself
    #[arg(long, value_name = "S", default_value = input::DEFAULT_SOURCE)]
    source: String,
    /// A file, or - for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

/// Why not everything was published.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An in-process broker cannot be reached from another process.
    #[error(
        "an in-process broker accepts no commands from outside: broker.url must be amqp:// or amqps://"
    )]
    Memory,
    /// The file cannot be opened.
    #[error("cannot read {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The input is wrong; the commands before the mistake are published.
    #[error("{published} commands are published, then the input is wrong")]
    Input {
        /// Commands that the broker confirmed before.
        published: usize,
        /// What is wrong with the input.
        source: input::Error,
    },
    /// The broker did not confirm a command.
    #[error("{published} commands are published, command {id:?} is not: {problem}")]
    Refused {
        /// Commands that the broker confirmed before.
        published: usize,
        /// The id of the first command without a confirm.
        id: String,
        /// What happened to that command.
        problem: String,
    },
    /// No processor has declared the exchange yet, or the namespace is wrong.
    #[error(
        "nothing is published: the exchange {0} does not exist. Start `orderly serve`, which declares the exchange, with \
         the same broker.namespace and the same virtual host in broker.url"
    )]
    NoExchange(String),
    /// The runtime could not start.
    #[error("cannot start")]
    Process(#[from] process::Error),
    /// The broker cannot be reached, or refused a request.
    #[error("cannot publish")]
    Broker(#[from] rabbit::Error),
}

/// Publishes all commands of the input, each mandatory and with a confirm.
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
            let command = input::document(input, kind, &id, &args.source);
            let command = command.map_err(|source| Error::Input { published: 0, source })?;
            self.publish(vec![command]).await?;
            eprintln!("published {id}");
        } else {
            let mut batch = Vec::with_capacity(BATCH);
            for command in input::lines(input, &args.source) {
                match command {
                    Ok(command) => batch.push(command),
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

    async fn publish(&mut self, commands: Vec<CommandInput>) -> Result<(), Error> {
        let messages: Vec<Message> = commands
            .iter()
            .map(|command| {
                let body = Bytes::copy_from_slice(command.data.get().as_bytes());
                client::command(
                    &self.names,
                    &command.kind,
                    &command.id,
                    Some(&command.source),
                    body,
                )
            })
            .collect();
        let confirms = match self.client.publish(&messages).await {
            Ok(confirms) => confirms,
            Err(rabbit::Error::Missing(_)) => {
                return Err(Error::NoExchange(self.names.commands.clone()));
            }
            Err(error) => return Err(error.into()),
        };
        for (command, confirm) in commands.iter().zip(confirms) {
            let problem = match confirm {
                Confirm::Acked => {
                    self.published += 1;
                    continue;
                }
                Confirm::Nacked => "the broker refused the command".to_owned(),
                Confirm::Refused(why) => format!("the broker refused the command: {why}"),
                Confirm::Returned(why) => format!(
                    "the broker returned the command ({why}): no queue is bound to the exchange {}; `orderly serve` \
                     binds one",
                    self.names.commands
                ),
                Confirm::Lost => {
                    "the connection broke before the broker confirmed the command".to_owned()
                }
            };
            let (published, id) = (self.published, command.id.clone());
            return Err(Error::Refused { published, id, problem });
        }
        Ok(())
    }
}

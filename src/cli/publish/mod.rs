//! `orderly publish`: publishes commands from a file or standard input.

mod check;
pub mod input;
mod verdicts;

use self::check::Check;
use self::verdicts::Verdicts;
use super::exit::Exit;
use super::progress::Progress;
use crate::config::{Config, Duration};
use crate::process::{self, broker_settings};
use input::{CommandInput, Refusal};
use orderly_broker::client::Client;
use orderly_broker::{Confirm, Message, Names, rabbit};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

/// Commands that are published together.
const BATCH: usize = 512;

/// Arguments of `orderly publish`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The whole input is checked first, as the processor would: nothing is published when a command in it is \
    wrong.\n\nExit codes: 0 every command is published and confirmed, and with --wait was applied, now or before; 1 not \
    every command is, and the message says how many are and why (the input is wrong; the broker cannot be reached, refuses \
    a command or has no such exchange), or a verdict is another one or did not come; 2 the command line is wrong; 78 the \
    configuration is wrong."
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
    /// Publish each command as it is read, without a check: the processor parks what is wrong
    #[arg(long)]
    no_check: bool,
    /// Wait for the verdicts, and print each as a line of JSON
    #[arg(long)]
    wait: bool,
    /// The longest time without a verdict
    #[arg(long, value_name = "DURATION", default_value = "30s", requires = "wait")]
    timeout: Duration,
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
    /// The input cannot be kept until all of it is checked.
    #[error("cannot keep the input in a temporary file (--no-check keeps nothing)")]
    Temporary(#[source] io::Error),
    /// The input is wrong; the commands before the mistake may be published.
    #[error("{}", published_before(*.published))]
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
    /// Standard output is closed or full.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
}

fn published_before(published: usize) -> String {
    match published {
        0 => "nothing is published: the input is wrong".to_owned(),
        _ => format!("{published} commands are published, then the input is wrong"),
    }
}

/// Publishes all commands of the input, each mandatory and with a confirm.
pub fn run(config: &Config, args: &Args) -> Result<Exit, Error> {
    if config.broker.is_memory() {
        return Err(Error::Memory);
    }
    let check = Check::new(config, args.wait);
    let input = read(args, Some(&check).filter(|_| !args.no_check))?;
    process::runtime()?.block_on(async {
        let client = Client::connect(&broker_settings(config)).await?;
        let verdicts = if args.wait {
            Some(Verdicts::new(client.replies().await?, args.timeout.get()))
        } else {
            None
        };
        let names = config.names();
        let publishing = Publishing { client, names, check, published: 0, verdicts };
        publishing.all(input, args).await
    })
}

/// What there is to publish.
enum Input {
    Document(CommandInput),
    Lines(Box<dyn BufRead>),
}

/// Opens the input. With a check all of it is read, and refused when a command in it is wrong.
fn read(args: &Args, check: Option<&Check>) -> Result<Input, Error> {
    let refuse = |command: &CommandInput| check.map_or(Ok(()), |check| check.refuse(command));
    let wrong = |source| Error::Input { published: 0, source };
    if let Some(kind) = &args.kind {
        let id = args.id.clone().unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
        let (input, _) = open(&args.file)?;
        let command = input::document(input, kind, &id, &args.source, refuse).map_err(wrong)?;
        return Ok(Input::Document(command));
    }
    let (mut input, start) = open(&args.file)?;
    if check.is_none() {
        return Ok(Input::Lines(Box::new(BufReader::new(input))));
    }
    let all_right = |input: &mut dyn Read| {
        let mut all = input::lines(BufReader::new(input), &args.source, refuse);
        all.try_for_each(|command| command.map(drop)).map_err(wrong)
    };
    if let Some(start) = start {
        all_right(&mut input)?;
        let rewound = input.seek(SeekFrom::Start(start));
        rewound.map_err(|source| Error::File { path: args.file.clone(), source })?;
        return Ok(Input::Lines(Box::new(BufReader::new(input))));
    }
    let mut kept = Kept { input, copy: tempfile::tempfile().map_err(Error::Temporary)? };
    all_right(&mut kept)?;
    kept.copy.rewind().map_err(Error::Temporary)?;
    Ok(Input::Lines(Box::new(BufReader::new(kept.copy))))
}

/// The input, and where it begins when it can be read twice.
fn open(path: &Path) -> Result<(File, Option<u64>), Error> {
    let open = || {
        let mut file = if path == Path::new("-") {
            File::from(io::stdin().as_fd().try_clone_to_owned()?)
        } else {
            File::open(path)?
        };
        let is_plain = file.metadata()?.is_file();
        let start = if is_plain { Some(file.stream_position()?) } else { None };
        Ok((file, start))
    };
    open().map_err(|source| Error::File { path: path.to_owned(), source })
}

/// An input that is kept while it is read, so that it can be read again.
struct Kept {
    input: File,
    copy: File,
}

impl Read for Kept {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.copy.write_all(&buffer[..read])?;
        Ok(read)
    }
}

struct Publishing {
    client: Client,
    names: Names,
    check: Check,
    published: usize,
    verdicts: Option<Verdicts>,
}

impl Publishing {
    async fn all(mut self, input: Input, args: &Args) -> Result<Exit, Error> {
        match input {
            Input::Document(command) => {
                let id = command.id.clone();
                self.publish(vec![command]).await?;
                eprintln!("published {id}");
            }
            Input::Lines(lines) => {
                self.lines(lines, args).await?;
                eprintln!("published {} commands", self.published);
            }
        }
        let exit = match self.verdicts {
            Some(verdicts) => verdicts.print_all().await?,
            None => Exit::Success,
        };
        self.client.close().await;
        Ok(exit)
    }

    async fn lines(&mut self, lines: Box<dyn BufRead>, args: &Args) -> Result<(), Error> {
        // with --wait the verdicts show how far it is
        let progress = self.verdicts.is_none().then(|| Progress::count("published"));
        let told = |more: usize| {
            if let Some(progress) = &progress {
                progress.add(more as u64);
            }
        };
        let checked_before = |_: &CommandInput| -> Result<(), Refusal> { Ok(()) };
        let mut batch = Vec::with_capacity(BATCH);
        for command in input::lines(lines, &args.source, checked_before) {
            match command {
                Ok(command) => batch.push(command),
                Err(source) => {
                    self.publish(batch).await?;
                    return Err(Error::Input { published: self.published, source });
                }
            }
            if batch.len() == BATCH {
                self.publish(std::mem::take(&mut batch)).await?;
                told(BATCH);
            }
        }
        self.publish(batch).await
    }

    async fn publish(&mut self, commands: Vec<CommandInput>) -> Result<(), Error> {
        let mut messages: Vec<Message> =
            commands.iter().map(|command| self.check.message(command)).collect();
        if let Some(verdicts) = &mut self.verdicts {
            for (message, command) in messages.iter_mut().zip(&commands) {
                verdicts.ask(message, &command.id);
            }
        }
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
        match &mut self.verdicts {
            Some(verdicts) => verdicts.print_ready(),
            None => Ok(()),
        }
    }
}

//! `orderly parked`: lists, shows, replays and dismisses the messages that a running process has parked.

use super::api::{self, Api, Target};
use super::exit::Exit;
use super::message_filter::{MessageFilter, reasons};
use super::output;
use crate::config::Config;
use crate::process;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use url::form_urlencoded::Serializer;

/// Arguments of `orderly parked`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A process must be running: its admin API is asked, with admin.token of the configuration.\n\n\
    Exit codes: 0 it is done; 1 it is not, or a message is parked still; 2 the command line is wrong; 78 the configuration is \
    wrong."
)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Print the parked messages, a line of JSON each, without their bodies
    List {
        #[command(flatten)]
        filter: MessageFilter,
        /// The largest number of messages
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Print a parked message, with its body: in Base64 (raw), and as a text where it is one
    Show {
        /// The id of the message, such as p-7
        #[arg(value_name = "ID")]
        id: String,
        /// Only print the body, decompressed where it is a text
        #[arg(long)]
        body: bool,
    },
    /// Process parked messages again: one by its id, or all that the filter means
    Replay {
        #[command(flatten)]
        which: Which,
        /// Only print which verdict and events there would be; nothing is kept
        #[arg(long)]
        dry_run: bool,
        /// Other data for the message of that id: a file with a JSON object, or - for standard input
        #[arg(long, value_name = "FILE", requires = "id", conflicts_with_all = FILTER)]
        data: Option<PathBuf>,
        /// Another type for the message of that id
        #[arg(long, value_name = "T", requires = "id", conflicts_with_all = FILTER)]
        as_type: Option<String>,
    },
    /// Dismiss parked messages: one by its id, or all that the filter means
    Dismiss {
        #[command(flatten)]
        which: Which,
    },
}

/// The options that mean many messages. What is about one message does not go with them.
const FILTER: [&str; 5] = ["order_id", "source", "kind", "reason", "count"];

/// Which messages are meant.
#[derive(Debug, clap::Args)]
struct Which {
    /// The id of a parked message, such as p-7
    #[arg(value_name = "ID", conflicts_with_all = FILTER)]
    id: Option<String>,
    #[command(flatten)]
    filter: MessageFilter,
    /// How many messages the filter must mean; without it nothing is done, and their number is printed
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The runtime could not be started.
    #[error(transparent)]
    Start(#[from] process::Error),
    /// The process does not answer, or refuses.
    #[error(transparent)]
    Api(#[from] api::Error),
    /// There is no such reason.
    #[error("--reason: there is no {0:?}; there are {reasons}", reasons = reasons())]
    Reason(String),
    /// The other data cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The other data are no JSON.
    #[error("{}: not JSON: {problem}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The body is no Base64.
    #[error("the process answers with a body that is no Base64: is it another version?")]
    NoBody,
    /// Standard output is closed or full.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
}

/// Does what is asked for.
pub fn run(config: &Config, args: &Args) -> Result<Exit, Error> {
    let api = Api::new(config, &args.target)?;
    process::runtime()?.block_on(async {
        match &args.action {
            Action::List { filter, limit } => list(&api, filter, *limit).await,
            Action::Show { id, body } => show(&api, id, *body).await,
            Action::Replay { which, dry_run, data, as_type } => {
                let edit = edit(data.as_deref(), as_type.as_deref())?;
                replay(&api, which, *dry_run, edit).await
            }
            Action::Dismiss { which } => {
                let done = match &which.id {
                    Some(id) => {
                        let target = format!("/api/parked/{}", escaped(id));
                        api.ask(Method::DELETE, &target, None).await?
                    }
                    None => {
                        let target = which.many("/api/parked", &[])?;
                        api.ask(Method::DELETE, &target, None).await.map_err(in_words_of_options)?
                    }
                };
                print(&done)?;
                Ok(Exit::Success)
            }
        }
    })
}

impl Which {
    /// The target of a request about all that the filter means.
    fn many(&self, path: &str, more: &[(&str, &str)]) -> Result<String, Error> {
        known(&self.filter)?;
        let mut query = Serializer::new(String::new());
        self.filter.query(&mut query);
        if let Some(count) = self.count {
            query.append_pair("count", &count.to_string());
        }
        query.extend_pairs(more);
        Ok(format!("{path}?{}", query.finish()))
    }
}

/// The refusal of a number of messages names the option, and not the parameter of the API.
fn in_words_of_options(error: api::Error) -> Error {
    match error {
        api::Error::Refused { status: 409, detail } => {
            api::Error::Refused { status: 409, detail: detail.replace("count=", "--count ") }.into()
        }
        other => other.into(),
    }
}

/// Refuses a reason that there is not: the answer of the process would name query parameters.
fn known(filter: &MessageFilter) -> Result<(), Error> {
    use orderly_actors::counters::ParkedReason;
    match &filter.reason {
        Some(reason) if ParkedReason::from_name(reason).is_none() => {
            Err(Error::Reason(reason.clone()))
        }
        Some(_) | None => Ok(()),
    }
}

async fn list(api: &Api, filter: &MessageFilter, limit: usize) -> Result<Exit, Error> {
    known(filter)?;
    let (mut left, mut after) = (limit, None::<String>);
    while left > 0 {
        let mut query = Serializer::new(String::new());
        filter.query(&mut query);
        query.append_pair("limit", &left.min(500).to_string());
        if let Some(after) = &after {
            query.append_pair("after", after);
        }
        let page = api.ask(Method::GET, &format!("/api/parked?{}", query.finish()), None).await?;
        let mut text = String::new();
        for item in page["items"].as_array().into_iter().flatten() {
            let _ = writeln!(text, "{item}"); // writing to a string cannot fail
            left = left.saturating_sub(1);
        }
        output::print(&text).map_err(Error::Output)?;
        after = page["next"].as_str().map(str::to_owned);
        if after.is_none() {
            break;
        }
    }
    Ok(Exit::Success)
}

async fn show(api: &Api, id: &str, only_body: bool) -> Result<Exit, Error> {
    let message = api.ask(Method::GET, &format!("/api/parked/{}", escaped(id)), None).await?;
    if !only_body {
        print(&message)?;
        return Ok(Exit::Success);
    }
    let body = match (message["text"].as_str(), message["raw"].as_str()) {
        (Some(text), _) => text.as_bytes().to_vec(),
        (None, raw) => STANDARD.decode(raw.unwrap_or_default()).map_err(|_| Error::NoBody)?,
    };
    output::print_bytes(&body).map_err(Error::Output)?;
    Ok(Exit::Success)
}

async fn replay(
    api: &Api,
    which: &Which,
    dry_run: bool,
    edit: Option<Bytes>,
) -> Result<Exit, Error> {
    let manner: &[_] = if dry_run { &[("dry_run", "true")] } else { &[] };
    let Some(id) = &which.id else {
        let target = which.many("/api/parked/replay", manner)?;
        let done = api.ask(Method::POST, &target, None).await.map_err(in_words_of_options)?;
        print(&done)?;
        return Ok(if done["still_parked"] == 0 { Exit::Success } else { Exit::Failure });
    };
    let mut query = Serializer::new(String::new());
    query.extend_pairs(manner);
    let target = format!("/api/parked/{}/replay?{}", escaped(id), query.finish());
    let verdict = api.ask(Method::POST, &target, edit).await?;
    print(&verdict)?;
    let parked = ["conflict", "invalid", "failed"].map(Value::from);
    Ok(if parked.contains(&verdict["verdict"]) { Exit::Failure } else { Exit::Success })
}

/// The body of a request that gives other data, another type, or both. `None`: the message is replayed as it is.
fn edit(path: Option<&Path>, kind: Option<&str>) -> Result<Option<Bytes>, Error> {
    let kind = kind.map(|kind| format!("\"type\":{}", json!(kind)));
    let data = path.map(data).transpose()?.map(|data| format!("\"data\":{data}"));
    let members: Vec<_> = [kind, data].into_iter().flatten().collect();
    Ok((!members.is_empty()).then(|| format!("{{{}}}", members.join(",")).into()))
}

/// The JSON in a file, or in standard input, as it was written: a number keeps its digits.
fn data(path: &Path) -> Result<Box<serde_json::value::RawValue>, Error> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        io::stdin().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(path).map(|read| text = read)
    };
    read.map_err(|source| Error::File { path: path.to_owned(), source })?;
    serde_json::from_str(&text)
        .map_err(|error| Error::Json { path: path.to_owned(), problem: error.to_string() })
}

fn print(json: &Value) -> Result<(), Error> {
    output::print(&format!("{json}\n")).map_err(Error::Output)
}

/// A segment of a path.
fn escaped(id: &str) -> String {
    url::form_urlencoded::byte_serialize(id.as_bytes()).collect()
}

//! `orderly check --connect`: tries what `serve` needs outside of itself, and says of each in one line how it went.
//!
//! Nothing is changed: no queue is declared, no message is published, and no record of the store changes.

mod cluster;

use crate::cli::exit::Exit;
use crate::config::{Channel, Config, Create};
use crate::notify::webhook::Webhook;
use crate::process::{broker_settings, read_store, runtime};
use crate::telemetry::causes;
use orderly_broker::client::Client;
use orderly_broker::{Settings, TopologyMode};
use std::collections::BTreeSet;
use std::path::Path;

/// How a trial ended.
enum Outcome {
    /// It went well; the text says what is there.
    Well(String),
    /// It goes, and a person should look at it.
    Doubtfully(String),
    /// `serve` would fail here, or wait.
    Badly {
        /// What is wrong.
        problem: String,
        /// What `serve` would end with.
        exit: Exit,
    },
}

impl Outcome {
    fn of_error(error: &(dyn std::error::Error + 'static)) -> Self {
        Self::Badly { problem: causes(error), exit: Exit::of(error) }
    }
}

/// Tries everything. The exit is that of the first thing that went wrong.
pub(super) fn run(config: &Config) -> Exit {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("orderly: {}", causes(&error));
            return Exit::Failure;
        }
    };
    let (broker, topology, webhook, cluster) = runtime.block_on(async {
        let (broker, topology) = broker(config).await;
        (broker, topology, webhook(config).await, cluster::check(config).await)
    });
    let mut all = vec![
        ("broker", broker),
        ("topology", topology),
        ("store", stores(config)),
        ("webhook", webhook),
    ];
    all.extend(cluster);
    let mut exit = Exit::Success;
    for (what, outcome) in all {
        match outcome {
            Outcome::Well(found) => eprintln!("{what}: ok, {found}"),
            Outcome::Doubtfully(doubt) => eprintln!("{what}: warning: {doubt}"),
            Outcome::Badly { problem, exit: its } => {
                eprintln!("{what}: FAILED: {problem}");
                if exit == Exit::Success {
                    exit = its;
                }
            }
        }
    }
    exit
}

async fn broker(config: &Config) -> (Outcome, Outcome) {
    if config.broker.is_memory() {
        let inside = || Outcome::Well("the broker is inside the process".to_owned());
        return (inside(), inside());
    }
    let settings = broker_settings(config);
    let client = match Client::connect(&settings).await {
        Ok(client) => client,
        Err(error) => {
            let unknown = "not tried, since there is no connection to the broker".to_owned();
            let unknown = Outcome::Badly { problem: unknown, exit: Exit::of(&error) };
            return (Outcome::of_error(&error), unknown);
        }
    };
    let connected = Outcome::Well(format!("connected to {}", config.broker.url));
    let missing = missing(&client, config, &settings).await;
    client.close().await;
    let topology = match missing {
        Err(error) => Outcome::of_error(&error),
        Ok(missing) if missing.is_empty() => {
            Outcome::Well("every exchange and queue is there".to_owned())
        }
        Ok(missing) => {
            let missing = missing.join(", ");
            match settings.topology {
                TopologyMode::Declare => Outcome::Well(format!(
                    "`orderly serve` will declare what is missing: {missing}"
                )),
                TopologyMode::Verify => Outcome::Badly {
                    problem: format!("missing, and broker.topology is \"verify\": {missing}"),
                    exit: Exit::Failure,
                },
            }
        }
    };
    (connected, topology)
}

/// What is missing for the whole process: with partitions also what each of them needs.
async fn missing(
    client: &Client,
    config: &Config,
    settings: &Settings,
) -> Result<Vec<String>, orderly_broker::rabbit::Error> {
    let mut missing = client.missing(settings).await?;
    if config.cluster.partitions().are_several() {
        for config in config.of_partitions() {
            missing.extend(client.missing(&broker_settings(&config)).await?);
        }
        // exchanges are shared
        let mut known = BTreeSet::new();
        missing.retain(|name| known.insert(name.clone()));
    }
    Ok(missing)
}

/// The stores of all partitions; the first one that is not well.
fn stores(config: &Config) -> Outcome {
    let mut found = Vec::new();
    for config in config.of_partitions() {
        match store(&config) {
            Outcome::Well(what) => found.push(what),
            other => return other,
        }
    }
    Outcome::Well(found.join("; "))
}

fn store(config: &Config) -> Outcome {
    let path = &config.store.path;
    let shown = path.display();
    match read_store(config) {
        Ok(Some(store)) => {
            Outcome::Well(format!("{shown} has format {}", store.recovery().formats))
        }
        Ok(None) if config.store.create == Create::Never => Outcome::Badly {
            problem: format!("there is no store at {shown}, and store.create is \"never\""),
            exit: Exit::Configuration,
        },
        Ok(None) => match is_writable(path) {
            Ok(()) => {
                Outcome::Well(format!("there is none at {shown} yet: `orderly serve` makes it"))
            }
            Err(error) => Outcome::Badly {
                problem: format!("there is none at {shown}, and none can be made: {error}"),
                exit: Exit::Storage,
            },
        },
        Err(error) => Outcome::of_error(&error),
    }
}

/// Whether a directory can be written to, or made.
fn is_writable(directory: &Path) -> std::io::Result<()> {
    let there = directory.ancestors().find(|path| path.exists());
    let there = there.unwrap_or(Path::new(""));
    let there = if there.as_os_str().is_empty() { Path::new(".") } else { there };
    tempfile::tempfile_in(there).map(drop)
}

async fn webhook(config: &Config) -> Outcome {
    if !config.notifications.channels.contains(&Channel::Webhook) {
        return Outcome::Well("the channel is not used".to_owned());
    }
    let tried = match Webhook::new(&config.notifications.webhook) {
        Ok(webhook) => webhook.probe().await,
        Err(error) => return Outcome::of_error(&error),
    };
    match tried {
        Ok(status) => Outcome::Well(format!(
            "{} answers ({status} to HEAD); no notification was sent",
            config.notifications.webhook.url
        )),
        Err(problem) => Outcome::Badly { problem, exit: Exit::Failure },
    }
}

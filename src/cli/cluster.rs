//! `orderly cluster status`, `step-down`: the members of a namespace, and who owns it.

use super::api::{self, Api, Target};
use super::exit::Exit;
use super::output;
use crate::config::Config;
use crate::process;
use hyper::Method;
use serde_json::Value;
use std::fmt::Write as _;
use std::io;

/// Arguments of `orderly cluster`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A process must be running: its admin API is asked, with admin.token of the configuration.\n\n\
    Exit codes: 0 it is done; 1 it is not; 2 the command line is wrong; 78 the configuration is wrong."
)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Print what the member is, who owns the namespace, how far the member is behind, and every member that it has heard of;
    /// with partitions, of each who owns it
    Status {
        /// Print the JSON of the API
        #[arg(long)]
        json: bool,
        /// Print all of this partition, where the namespace has several
        #[arg(long, value_name = "N")]
        partition: Option<u16>,
    },
    /// Let the owner finish what it has in hand and leave, so that a standby takes over at once
    StepDown {
        /// Leave this partition alone, where the namespace has several: the process goes on, and follows it
        #[arg(long, value_name = "N")]
        partition: Option<u16>,
    },
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
    /// The process has no such partition.
    #[error("there is no partition {0}")]
    NoPartition(u16),
    /// Standard output is closed or full.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
}

/// Does what is asked for.
pub fn run(config: &Config, args: &Args) -> Result<Exit, Error> {
    let api = Api::new(config, &args.target)?;
    let text = process::runtime()?.block_on(async {
        Ok::<_, Error>(match &args.action {
            Action::Status { json, partition } => {
                let mut cluster = api.get("/api/cluster").await?;
                if let Some(number) = *partition {
                    cluster = of_partition(&cluster, number).ok_or(Error::NoPartition(number))?;
                }
                if *json { format!("{cluster:#}\n") } else { told(&cluster) }
            }
            Action::StepDown { partition: None } => {
                api.ask(Method::POST, "/api/cluster/step-down", None).await?;
                "the owner leaves: a standby takes over\n".to_owned()
            }
            Action::StepDown { partition: Some(number) } => {
                let target = format!("/api/cluster/step-down?partition={number}");
                api.ask(Method::POST, &target, None).await?;
                format!("the owner leaves partition {number}: a standby takes over\n")
            }
        })
    })?;
    output::print(&text).map_err(Error::Output)?;
    Ok(Exit::Success)
}

/// What the answer of the API says of one partition, in the form of an answer about a namespace without partitions.
fn of_partition(cluster: &Value, number: u16) -> Option<Value> {
    let mut partitions = cluster["partitions"].as_array()?.iter();
    let mut partition = partitions.find(|one| one["partition"] == number)?.clone();
    for key in ["mode", "node"] {
        partition[key] = cluster[key].clone();
    }
    Some(partition)
}

/// The answer of the API, for a person.
fn told(cluster: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let number = |value: &Value| value.as_u64().map_or_else(|| "-".to_owned(), |n| n.to_string());
    let paused =
        |of: &Value| if of["intake_paused"] == true { ", its intake is paused" } else { "" };
    let mut out = String::new();
    // writing to a string cannot fail
    let _ = writeln!(out, "mode    {}", text(&cluster["mode"]));
    let _ = writeln!(out, "member  {} ({})", text(&cluster["node"]), text(&cluster["role"]));
    let partitions = cluster["partitions"].as_array();
    if partitions.is_none() {
        let owner = &cluster["owner"];
        let url = owner["url"].as_str().map_or_else(String::new, |url| format!(" at {url}"));
        let _ = writeln!(out, "owner   {}{url}{}", text(&owner["node"]), paused(cluster));
    }
    for partition in partitions.into_iter().flatten() {
        let owner = text(&partition["owner"]["node"]) + paused(partition);
        let (name, role) = (number(&partition["partition"]), text(&partition["role"]));
        let next = number(&partition["seq"]);
        let _ = writeln!(out, "p{name:<6} owner {owner}, next {next}, this member: {role}");
    }
    if cluster["epoch"].is_u64() {
        let _ = writeln!(out, "epoch   {}", number(&cluster["epoch"]));
        let _ = writeln!(out, "next    {}", number(&cluster["seq"]));
    }
    if let Some(millis) = cluster["lag"]["millis"].as_u64() {
        let as_of = text(&cluster["lag"]["as_of"]);
        let _ = writeln!(out, "lag     {millis} ms (as of {as_of})");
    }
    for member in cluster["members"].as_array().into_iter().flatten() {
        let _ = writeln!(
            out,
            "heard   {}, {}, {} ms ago",
            text(&member["node"]),
            match member["owns"].as_array() {
                Some(owns) => format!("owns {}", owns.len()),
                None => format!("next {}", number(&member["seq"])),
            },
            number(&member["heard_millis"])
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_person_reads_who_owns_and_how_far_all_are() {
        let cluster = json!({
            "mode": "standby", "node": "shop-2", "role": "standby", "epoch": 3,
            "owner": {"node": "shop-1", "url": "http://shop-1:8080"}, "seq": 120,
            "lag": {"as_of": "2026-01-01T00:00:00Z", "millis": 12}, "in_flight_bytes": 0,
            "members": [{"node": "shop-1", "run": "aa", "heard_millis": 5}],
        });
        assert_eq!(
            super::told(&cluster),
            "mode    standby\nmember  shop-2 (standby)\nowner   shop-1 at http://shop-1:8080\nepoch   3\nnext    120\n\
             lag     12 ms (as of 2026-01-01T00:00:00Z)\nheard   shop-1, next -, 5 ms ago\n"
        );
        let paused = json!({
            "mode": "standby", "node": "shop-2", "role": "standby", "owner": {"node": "shop-1"},
            "intake_paused": true, "members": [],
        });
        assert_eq!(
            super::told(&paused),
            "mode    standby\nmember  shop-2 (standby)\nowner   shop-1, its intake is paused\n"
        );
        let member = |node: &str, owns: &[u16]| json!({"node": node, "owns": owns, "run": "aa", "heard_millis": 5});
        let parted = json!({
            "mode": "standby", "node": "b", "role": "owner", "in_flight_bytes": 0,
            "members": [member("a", &[0]), member("b", &[1])],
            "partitions": [
                {"partition": 0, "role": "standby", "epoch": 3, "owner": {"node": "a"}, "seq": 7, "members": []},
                {"partition": 1, "role": "owner", "epoch": 1, "owner": {"node": "b"}, "intake_paused": true, "seq": 9, "members": []},
            ],
        });
        assert_eq!(
            super::told(&parted),
            "mode    standby\nmember  b (owner)\np0      owner a, next 7, this member: standby\n\
             p1      owner b, its intake is paused, next 9, this member: owner\nheard   a, owns 1, 5 ms ago\nheard   b, owns 1, 5 ms ago\n"
        );
        let first = super::of_partition(&parted, 0).expect("it is there");
        assert_eq!(
            super::told(&first),
            "mode    standby\nmember  b (standby)\nowner   a\nepoch   3\nnext    7\n"
        );
        assert_eq!(super::of_partition(&parted, 2), None);
        let alone = json!({"mode": "single", "node": "a", "role": "owner", "owner": {"node": "a"}, "members": []});
        assert_eq!(super::told(&alone), "mode    single\nmember  a (owner)\nowner   a\n");
    }
}

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
    /// Print what the member is, who owns the namespace, how far the member is behind, and every member that it has heard of
    Status {
        /// Print the JSON of the API
        #[arg(long)]
        json: bool,
    },
    /// Let the owner finish what it has in hand and leave, so that a standby takes over at once
    StepDown,
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
    /// Standard output is closed or full.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
}

/// Does what is asked for.
pub fn run(config: &Config, args: &Args) -> Result<Exit, Error> {
    let api = Api::new(config, &args.target)?;
    let text = process::runtime()?.block_on(async {
        Ok::<_, Error>(match &args.action {
            Action::Status { json } => {
                let cluster = api.get("/api/cluster").await?;
                if *json { format!("{cluster:#}\n") } else { told(&cluster) }
            }
            Action::StepDown => {
                api.ask(Method::POST, "/api/cluster/step-down", None).await?;
                "the owner leaves: a standby takes over\n".to_owned()
            }
        })
    })?;
    output::print(&text).map_err(Error::Output)?;
    Ok(Exit::Success)
}

/// The answer of the API, for a person.
fn told(cluster: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let number = |value: &Value| value.as_u64().map_or_else(|| "-".to_owned(), |n| n.to_string());
    let mut out = String::new();
    // writing to a string cannot fail
    let _ = writeln!(out, "mode    {}", text(&cluster["mode"]));
    let _ = writeln!(out, "member  {} ({})", text(&cluster["node"]), text(&cluster["role"]));
    let owner = &cluster["owner"];
    let url = owner["url"].as_str().map_or_else(String::new, |url| format!(" at {url}"));
    let _ = writeln!(out, "owner   {}{url}", text(&owner["node"]));
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
            "heard   {}, next {}, {} ms ago",
            text(&member["node"]),
            number(&member["seq"]),
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
        let alone = json!({"mode": "single", "node": "a", "role": "owner", "owner": {"node": "a"}, "members": []});
        assert_eq!(super::told(&alone), "mode    single\nmember  a (owner)\nowner   a\n");
    }
}

//! What a cluster needs of the broker, as far as AMQP shows it.

use super::Outcome;
use crate::cli::exit::Exit;
use crate::config::Config;
use crate::process::{broker_settings, journal_stream};
use crate::telemetry::causes;
use orderly_broker::rabbit::inspect::{self, About, Made};

/// The first version without streams' faults that a member meets: an earlier one ends the connection of a reader now and then.
const SOUND: (u32, u32, u32) = (3, 12, 5);
/// The first version that has streams.
const STREAMS: (u32, u32, u32) = (3, 9, 0);
/// What is in no answer of the broker.
const UNSEEN: &str = "AMQP does not show `cluster_partition_handling` (pause_minority), `net_ticktime` (10 to 15 s), nor on how many nodes \
    the stream and the queues are: see docs/cluster.md";

/// Tries what `cluster.mode = "standby"` needs. Nothing in any other mode.
pub(super) async fn check(config: &Config) -> Vec<(&'static str, Outcome)> {
    if !config.cluster.is_standby() || config.broker.is_memory() {
        return Vec::new();
    }
    let nodes = match inspect::nodes(&broker_settings(config)).await {
        Ok(nodes) => nodes,
        Err(error) => return vec![("node", Outcome::of_error(&error))],
    };
    let mut all: Vec<_> = nodes
        .iter()
        .map(|(address, about)| {
            let outcome = match about {
                Ok(about) => node(&address.to_string(), about),
                Err(error) => Outcome::Badly {
                    problem: format!("{address}: {}", causes(error)),
                    exit: Exit::of(error),
                },
            };
            ("node", outcome)
        })
        .collect();
    if let Some(differ) = other_clusters(nodes.iter().filter_map(|(_, about)| about.as_ref().ok()))
    {
        all.push(("nodes", Outcome::Doubtfully(differ)));
    }
    for config in config.of_partitions() {
        all.push(("journal", journal(&config).await));
    }
    all.push(("nodes", Outcome::Doubtfully(UNSEEN.to_owned())));
    all
}

/// What is to be said of a node.
fn node(address: &str, about: &About) -> Outcome {
    let About { product, version, .. } = about;
    let found = format!("{address} is {product} {version}");
    match about.numbers() {
        None => Outcome::Doubtfully(format!("{address} does not say which version it is")),
        Some(numbers) if numbers < STREAMS => Outcome::Badly {
            problem: format!("{found}, which has no streams: 3.9 or later is needed"),
            exit: Exit::Failure,
        },
        Some(numbers) if numbers < SOUND => Outcome::Doubtfully(format!(
            "{found}: before 3.12.5 the broker ends the connection of a stream's reader now and then. Members read on, but \
             later versions are better"
        )),
        Some(_) => Outcome::Well(found),
    }
}

/// What is wrong when the addresses lead to several clusters.
fn other_clusters<'a>(nodes: impl Iterator<Item = &'a About>) -> Option<String> {
    let mut names: Vec<_> = nodes.map(|about| about.cluster.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    (names.len() > 1).then(|| {
        format!("the addresses lead to several clusters of the broker: {}", names.join(", "))
    })
}

async fn journal(config: &Config) -> Outcome {
    let stream = journal_stream(config);
    match inspect::stream(&broker_settings(config), &stream).await {
        Ok(Made::Missing) => Outcome::Well(format!(
            "there is no stream {} yet: `orderly serve` makes it",
            stream.name
        )),
        Ok(Made::AsConfigured) => {
            Outcome::Well(format!("the stream {} is as configured", stream.name))
        }
        Ok(Made::Otherwise(difference)) => Outcome::Doubtfully(format!(
            "the stream {} was made otherwise, and is used as it is: {difference}",
            stream.name
        )),
        Err(error) => Outcome::of_error(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(version: &str, cluster: &str) -> About {
        About { product: "RabbitMQ".into(), version: version.into(), cluster: cluster.into() }
    }

    #[test]
    fn a_version_with_known_faults_is_told() {
        let of = |version: &str| node("mq-1:5672", &about(version, "c"));
        for version in ["3.12.5", "3.13.0", "4.0.1"] {
            assert!(matches!(of(version), Outcome::Well(_)), "{version}");
        }
        for version in ["3.9.0", "3.10.8", "3.12.4", ""] {
            assert!(matches!(of(version), Outcome::Doubtfully(_)), "{version}");
        }
        assert!(matches!(of("3.8.34"), Outcome::Badly { exit: Exit::Failure, .. }));
    }

    #[test]
    fn addresses_of_several_clusters_are_told() {
        let (a, b) = (about("4.0.1", "a"), about("4.0.1", "b"));
        assert_eq!(other_clusters([&a, &a].into_iter()), None);
        let told = other_clusters([&b, &a, &b].into_iter()).expect("they differ");
        assert!(told.ends_with(": a, b"), "{told}");
    }
}

//! The section `cluster`, and the addresses of several brokers.

use std::ffi::OsString;

use rstest::rstest;

use super::super::{BrokerUrl, Config, Error, Problem};

fn load(variables: &[(&str, &str)]) -> Result<Config, Vec<Problem>> {
    let variables =
        variables.iter().map(|(name, value)| (OsString::from(*name), OsString::from(*value)));
    Config::load(None, variables).map_err(|error| match error {
        Error::Invalid(problems) => problems,
        other => panic!("{other}"),
    })
}

const TWO: &str = r#"["amqp://shop:s3cret@127.0.0.1:5672", "amqp://shop:s3cret@127.0.0.1:5673"]"#;

#[test]
fn several_nodes_take_the_place_of_one() {
    let config = load(&[("ORDERLY_BROKER__URLS", TWO)]).expect("valid");
    let addresses: Vec<&str> = config.broker.addresses().iter().map(BrokerUrl::expose).collect();
    assert_eq!(
        addresses,
        ["amqp://shop:s3cret@127.0.0.1:5672", "amqp://shop:s3cret@127.0.0.1:5673"]
    );
    let shown = config.to_toml().expect("TOML");
    assert!(!shown.contains("s3cret"), "{shown}");
    assert_eq!(load(&[]).expect("valid").broker.addresses().len(), 1);
}

#[rstest]
#[case::both("amqp://127.0.0.1", TWO, "keep one of them")]
#[case::two_hosts("", r#"["amqp://127.0.0.1/a", "amqp://127.0.0.1/b"]"#, "different virtual hosts")]
#[case::memory("", r#"["memory:", "amqp://127.0.0.1"]"#, "no other nodes")]
fn addresses_that_do_not_go_together_are_refused(
    #[case] url: &str,
    #[case] urls: &str,
    #[case] said: &str,
) {
    let mut variables = vec![("ORDERLY_BROKER__URLS", urls)];
    if !url.is_empty() {
        variables.push(("ORDERLY_BROKER__URL", url));
    }
    let problems = load(&variables).expect_err("is refused");
    assert!(
        problems.iter().any(|one| one.key == "broker.urls" && one.what.contains(said)),
        "{problems:?}"
    );
}

#[test]
fn a_wrong_url_among_several_is_named_without_its_password() {
    let urls = r#"["amqp://127.0.0.1", "http://shop:s3cret@127.0.0.1"]"#;
    let problems = load(&[("ORDERLY_BROKER__URLS", urls)]).expect_err("is refused");
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    assert_eq!(problem.key, "broker.urls");
    assert!(problem.what.contains("scheme") && !problem.what.contains("s3cret"), "{problem}");
}

#[test]
fn a_file_may_have_the_urls_of_several_nodes() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("urls");
    std::fs::write(&path, "amqp://a.example.com/x\namqp://b.example.com/x\n").expect("a file");
    let path = path.to_str().expect("UTF-8");
    let config = load(&[("ORDERLY_BROKER__URL_FILE", path)]).expect("valid");
    let addresses: Vec<String> =
        config.broker.addresses().iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["amqp://a.example.com/x", "amqp://b.example.com/x"]);
    let both = [("ORDERLY_BROKER__URL_FILE", path), ("ORDERLY_BROKER__URLS", TWO)];
    assert!(load(&both).expect_err("is refused")[0].what.contains("keep one of them"));
}

#[rstest]
#[case("NODE", "a\nb", "control characters")]
#[case("ADVERTISE", "shop-1:8080", "http://")]
#[case("ADVERTISE", "http://user:secret@shop-1", "without user")]
#[case("TAKEOVER_AFTER", "100ms", "at least 500ms")]
#[case("RECORD_MAX", "1KiB", "4KiB to 8MiB")]
#[case("IN_FLIGHT", "1000", "at most 256")]
#[case("RETENTION", "1MiB", "at least 64MiB")]
#[case("MAX_LAG", "0s", "longer than 0s")]
#[case("PARTITIONS", "257", "1 to 256")]
#[case("PARTITIONS", "0", "")]
fn a_value_that_cannot_work_is_refused(#[case] key: &str, #[case] value: &str, #[case] said: &str) {
    let variable = format!("ORDERLY_CLUSTER__{key}");
    let problems = load(&[(&variable, value)]).expect_err("is refused");
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    assert_eq!(problem.key, format!("cluster.{}", key.to_lowercase()));
    assert!(problem.what.contains(said), "{problem}");
}

#[test]
fn a_standby_needs_a_broker_that_others_reach() {
    let standby = ("ORDERLY_CLUSTER__MODE", "standby");
    load(&[standby, ("ORDERLY_BROKER__URLS", TWO)]).expect("valid");
    let problems = load(&[standby, ("ORDERLY_BROKER__URL", "memory:")]).expect_err("is refused");
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    assert_eq!(problem.key, "cluster.mode");
    assert!(problem.what.contains("needs RabbitMQ"), "{problem}");
}

#[test]
fn partitions_need_rabbitmq_and_go_with_one_process_and_with_several() {
    let four = ("ORDERLY_CLUSTER__PARTITIONS", "4");
    for mode in ["single", "standby"] {
        let config = load(&[four, ("ORDERLY_CLUSTER__MODE", mode)]).expect("valid");
        assert_eq!(config.of_partitions().len(), 4);
        assert!(!config.to_toml().expect("TOML").contains("partition ="), "it is no key");
    }
    let problems = load(&[four, ("ORDERLY_BROKER__URL", "memory:")]).expect_err("is refused");
    let problem = problems.iter().find(|problem| problem.key == "cluster.partitions");
    assert!(problem.is_some_and(|problem| problem.what.contains("need RabbitMQ")), "{problems:?}");
}

#[test]
fn a_member_without_a_name_has_that_of_its_host() {
    let named = load(&[("ORDERLY_CLUSTER__NODE", "shop-1")]).expect("valid");
    assert_eq!(named.cluster.node_name(), "shop-1");
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("the name of the host");
    assert_eq!(load(&[]).expect("valid").cluster.node_name(), host.trim());
}

//! Loading the configuration: layers, types, rules, secret files.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use figment::value::{Dict, Value};

use super::super::{Channel, Duration, LatePayment, Topology};
use super::*;

#[path = "load_tests/wrong_values.rs"]
mod wrong_values;

/// The documented file, which is part of the product.
const DOCUMENTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/orderly.toml");

fn environment(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    variables.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn loaded(variables: &[(&str, &str)]) -> Config {
    Config::load(None, environment(variables)).expect("a valid configuration")
}

fn problems(file: Option<&Path>, variables: &[(&str, &str)]) -> Vec<Problem> {
    match Config::load(file, environment(variables)) {
        Err(Error::Invalid(problems)) => problems,
        other => panic!("expected problems, got {other:?}"),
    }
}

fn the_problem(variables: &[(&str, &str)]) -> Problem {
    let mut problems = problems(None, variables);
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.remove(0)
}

struct Scratch {
    directory: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a temporary directory") }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, text).expect("a file in a temporary directory");
        path
    }
}

#[test]
fn the_documented_file_names_the_longest_hold() {
    let days = orderly_domain::duration::MOST.as_secs() / 86_400;
    let text = fs::read_to_string(DOCUMENTED).expect("the documented file");
    assert!(text.contains(&format!("up to {days} days.")), "{days}");
}

#[test]
fn without_any_value_the_defaults_hold() {
    assert_eq!(loaded(&[]), Config::default());
    assert_eq!(Config::default().warnings(), []);
}

#[test]
fn the_documented_file_lists_exactly_the_keys_there_are_with_their_defaults() {
    let text = fs::read_to_string(DOCUMENTED).expect("the documented file");
    let written: Dict = toml::from_str(&text).expect("TOML");
    let defaults = Value::serialize(Config::default()).expect("serializable");
    let mut defaults = defaults.into_dict().expect("sections");
    // The one default that is masked in print.
    if let Some(Value::Dict(_, broker)) = defaults.get_mut("broker") {
        broker.insert("url".into(), Config::default().broker.url.expose().into());
    }
    // Serialized, since values compare with their origin otherwise.
    let comparable = |dict: &Dict| serde_json::to_value(dict).expect("JSON");
    assert_eq!(comparable(&written), comparable(&defaults));
    assert_eq!(Config::load(Some(Path::new(DOCUMENTED)), []).expect("valid"), Config::default());
}

#[test]
fn every_section_of_the_documented_file_begins_with_a_comment() {
    let text = fs::read_to_string(DOCUMENTED).expect("the documented file");
    let (_, body) = text.split_once("\n[broker]").expect("a first section");
    for section in body.split("\n[") {
        let first = section.lines().nth(1).unwrap_or_default();
        assert!(first.starts_with("# "), "a section that does not begin with a reason: {section}");
    }
}

#[test]
fn the_environment_overrides_the_file() {
    let scratch = Scratch::new();
    let file = scratch.file("o.toml", "[orders]\nhold_for = \"10m\"\nhold_cap = \"1h\"\n");
    let variables = environment(&[("ORDERLY_ORDERS__HOLD_CAP", "3h")]);
    let config = Config::load(Some(&file), variables).expect("valid");
    assert_eq!(config.orders.hold_for, Duration::from_mins(10));
    assert_eq!(config.orders.hold_cap, Duration::from_hours(3));
}

#[test]
fn the_environment_holds_texts_numbers_words_and_lists() {
    let config = loaded(&[
        ("ORDERLY_ADMIN__TOKEN", "0123456789012345"),
        ("ORDERLY_BROKER__NAMESPACE", "007"),
        ("ORDERLY_BROKER__PREFETCH", "256"),
        ("ORDERLY_BROKER__TOPOLOGY", "verify"),
        ("ORDERLY_BROKER__RETRY_DELAYS", "[\"2s\", \"1m\"]"),
        ("ORDERLY_EVENTS__PUBLISH", "[\"#\"]"),
        ("ORDERLY_NOTIFICATIONS__CHANNELS", "[]"),
        ("ORDERLY_ORDERS__LATE_PAYMENT", "refund"),
    ]);
    assert_eq!(config.admin.token.expose(), "0123456789012345");
    assert_eq!(config.broker.namespace, "007");
    assert_eq!(config.broker.prefetch.get(), 256);
    assert_eq!(config.broker.topology, Topology::Verify);
    assert_eq!(config.broker.retry_delays, [Duration::from_secs(2), Duration::from_mins(1)]);
    assert!(config.events.publishes("stock.held"));
    assert!(!config.notifications.channels.contains(&Channel::Amqp));
    assert_eq!(config.orders.late_payment, LatePayment::Refund);
}

#[test]
fn other_variables_are_ignored() {
    let config = loaded(&[
        ("ORDERLY", "x"),
        ("PATH", "y"),
        ("ORDERLY_TEST_AMQP", "z"),
        ("ORDERLY_HOME", "/srv/orderly"),
        ("ORDERLY_IMAGE__TAG", "1.2"),
    ]);
    assert_eq!(config, Config::default());
}

/// Kubernetes sets these variables in every container beside a service of the name. A part of a shop may be called
/// `orderly-broker`, as a section of the configuration.
#[test]
fn the_variables_of_a_kubernetes_service_set_no_key() {
    let sections: BTreeSet<String> =
        keys().keys().filter_map(|key| Some(key.split_once('.')?.0.to_uppercase())).collect();
    let parts = sections.iter().map(|section| format!("ORDERLY_{section}"));
    for service in std::iter::once("ORDERLY".to_owned()).chain(parts) {
        let mut variables = Vec::new();
        let mut add = |name: &str, value: &str| {
            variables.push((format!("{service}_{name}").into(), value.into()));
        };
        add("SERVICE_HOST", "10.0.0.7");
        add("SERVICE_PORT", "8080");
        add("SERVICE_PORT_HTTP", "8080");
        add("PORT", "tcp://10.0.0.7:8080");
        for (port, protocol) in [("8080", "TCP"), ("5672", "TCP"), ("53", "UDP")] {
            add(&format!("PORT_{port}_{protocol}"), "tcp://10.0.0.7:8080");
            add(&format!("PORT_{port}_{protocol}_ADDR"), "10.0.0.7");
            add(&format!("PORT_{port}_{protocol}_PORT"), port);
            add(&format!("PORT_{port}_{protocol}_PROTO"), "tcp");
        }
        let loaded = Config::load(None, variables);
        assert_eq!(loaded.expect("they are not ours"), Config::default(), "{service}");
    }
}

#[test]
fn a_variable_that_nearly_sets_a_key_is_an_error_with_the_right_name() {
    let rows = [
        ("ORDERLY_BROKER_URL", "ORDERLY_BROKER__URL"),
        ("ORDERLY_BROKR__URL", "ORDERLY_BROKER__URL"),
        ("ORDERLY_BROKR_URL", "ORDERLY_BROKER__URL"),
        ("ORDERLY_BROKER__URI", "ORDERLY_BROKER__URL"),
        ("ORDERLY_BROKER___URL", "ORDERLY_BROKER__URL"),
        ("ORDERLY__BROKER__URL", "ORDERLY_BROKER__URL"),
        ("ORDERLY_ADMIN_TOEKN", "ORDERLY_ADMIN__TOKEN"),
        ("ORDERLY_ORDER__HOLD_FOR", "ORDERLY_ORDERS__HOLD_FOR"),
        ("ORDERLY_NOTIFICATIONS_WEBHOOK_URL", "ORDERLY_NOTIFICATIONS__WEBHOOK__URL"),
        ("ORDERLY_NOTIFICATIONS__WEBHOOK_URL", "ORDERLY_NOTIFICATIONS__WEBHOOK__URL"),
        ("ORDERLY_WEBHOOK__URL", "ORDERLY_NOTIFICATIONS__WEBHOOK__URL"),
    ];
    for (name, right) in rows {
        let problem = the_problem(&[(name, "memory:")]);
        assert!(problem.source.contains(name), "{problem}");
        let wanted = format!("unknown key; did you mean {right}?");
        assert_eq!(problem.what, wanted, "{name}");
    }
    // with one letter wrong in any key, with or without its section's underscores
    let variables: Vec<String> = keys()
        .keys()
        .map(|key| format!("ORDERLY_{}", key.to_uppercase().replace('.', "__")))
        .collect();
    for right in &variables {
        let shorter = &right[..right.len() - 1];
        for wrong in [shorter.to_owned(), format!("{right}Q"), right.replace("__", "_")] {
            if variables.contains(&wrong) {
                continue; // another key: `broker.url` and `broker.urls`
            }
            let problem = the_problem(&[(&wrong, "1")]);
            assert!(problem.what.starts_with("unknown key; did you mean ORDERLY_"), "{problem}");
        }
    }
}

#[test]
fn a_variable_of_a_section_that_names_no_key_is_an_error_with_the_keys_that_there_are() {
    for (name, some) in [
        ("ORDERLY_SHUTDOWN__NONSENSE", "GRACE"),
        ("ORDERLY_SHUTDOWN__", "GRACE"),
        ("ORDERLY_NOTIFICATIONS__RETRY__NONSENSE", "GIVE_UP_AFTER"),
    ] {
        let problem = the_problem(&[(name, "1")]);
        assert!(problem.source.contains(name), "{problem}");
        let prefix = name[..name.rfind("__").expect("a section") + 2].to_owned();
        assert!(problem.what.starts_with("unknown key; there are "), "{problem}");
        assert!(problem.what.contains(&format!("{prefix}{some}")), "{problem}");
    }
}

#[test]
fn every_unknown_key_of_the_file_is_an_error_that_names_it_and_the_file() {
    let scratch = Scratch::new();
    let text = "namespace = \"x\"\n[broker]\nprefetc = 1\n[brokr]\nurl = \"memory:\"\n";
    let file = scratch.file("o.toml", text);
    let problems = problems(Some(&file), &[]);
    let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["broker.prefetc", "brokr", "namespace"]);
    assert!(problems.iter().all(|problem| problem.source.ends_with("o.toml")), "{problems:?}");
    assert!(problems[0].what.starts_with("unknown key; the section has ca_file, "), "{problems:?}");
    assert!(problems[1].what.starts_with("unknown; the sections are actors, admin, broker, "));
}

#[test]
fn all_broken_rules_are_reported_at_once() {
    let problems = problems(
        None,
        &[
            ("ORDERLY_ORDERS__HOLD_CAP", "1m"),
            ("ORDERLY_STORE__HISTORY_RETENTION", "1d"),
            ("ORDERLY_ADMIN__BIND", "[::]:80"),
            ("ORDERLY_LOG__NONSENSE", "1"),
        ],
    );
    let mut keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["admin.token", "log.nonsense", "orders.hold_cap", "store.history_retention"]);
    let told = Error::Invalid(problems).to_string();
    assert_eq!(told.lines().count(), 5, "{told}");
}

#[test]
fn a_missing_file_and_one_that_is_no_toml_are_errors() {
    let scratch = Scratch::new();
    let missing = scratch.directory.path().join("missing.toml");
    let error = Config::load(Some(&missing), []).expect_err("no file");
    assert!(matches!(&error, Error::Unreadable { path, .. } if *path == missing), "{error}");

    let broken = scratch.file("o.toml", "[admin]\n\ntoken = hunter2\n");
    let error = Config::load(Some(&broken), []).expect_err("no TOML");
    assert!(matches!(&error, Error::Malformed { line: 3, .. }), "{error}");
    assert!(!format!("{error:?}{error}").contains("hunter2"), "{error}");
}

#[test]
fn a_file_that_is_no_text_is_called_so() {
    let scratch = Scratch::new();
    let path = scratch.directory.path().join("o.toml");
    fs::write(&path, b"[admin]\ntoken = \"\xff\"\n").expect("a file");
    let error = Config::load(Some(&path), []).expect_err("no UTF-8");
    let Error::Unreadable { source, .. } = error else { panic!("{error}") };
    assert_eq!(source.to_string(), "it is no text in UTF-8");
    let file = path.to_str().expect("UTF-8");
    let problem = the_problem(&[("ORDERLY_ADMIN__TOKEN_FILE", file)]);
    assert!(problem.what.ends_with("it is no text in UTF-8"), "{problem}");
}

#[test]
fn a_secret_may_be_in_a_file_of_its_own() {
    let scratch = Scratch::new();
    let url = scratch.file("url", "amqps://shop:s3cret@mq.example.com/prod\n");
    let token = scratch.file("token", "0123456789abcdef\n");
    let read_token = scratch.file("read", "fedcba9876543210\n");
    let config = loaded(&[
        ("ORDERLY_BROKER__URL_FILE", url.to_str().expect("UTF-8")),
        ("ORDERLY_ADMIN__TOKEN_FILE", token.to_str().expect("UTF-8")),
        ("ORDERLY_ADMIN__READ_TOKEN_FILE", read_token.to_str().expect("UTF-8")),
    ]);
    assert_eq!(config.broker.url.expose(), "amqps://shop:s3cret@mq.example.com/prod");
    assert_eq!(config.admin.token.expose(), "0123456789abcdef");
    assert_eq!(config.admin.read_token.expose(), "fedcba9876543210");
}

/// As the container and the systemd unit do it: the documented file, and files of the secrets.
#[test]
fn a_secret_file_stands_beside_the_documented_file() {
    let scratch = Scratch::new();
    let url = scratch.file("url", "amqps://shop:s3cret@mq.example.com/prod\n");
    let token = scratch.file("token", "0123456789abcdef\n");
    let variables = [
        ("ORDERLY_BROKER__URL_FILE", url.to_str().expect("UTF-8")),
        ("ORDERLY_ADMIN__TOKEN_FILE", token.to_str().expect("UTF-8")),
    ];
    let config = Config::load(Some(Path::new(DOCUMENTED)), environment(&variables));
    let config = config.expect("valid");
    assert_eq!(config.broker.url.expose(), "amqps://shop:s3cret@mq.example.com/prod");
    assert_eq!(config.admin.token.expose(), "0123456789abcdef");

    // but not beside another value
    let file = scratch.file("o.toml", "[broker]\nurl = \"amqp://a:b@mq.example.com\"\n");
    let problem = problems(Some(&file), &variables[..1]).pop().expect("a problem");
    assert!(problem.what.contains("keep one of them"), "{problem}");
}

#[test]
fn a_token_for_reading_needs_another_one_for_everything() {
    const READ: (&str, &str) = ("ORDERLY_ADMIN__READ_TOKEN", "0123456789abcdef");
    let problem = the_problem(&[READ]);
    assert_eq!(problem.key, "admin.read_token");
    assert!(problem.what.contains("without admin.token"), "{problem}");
    let problem = the_problem(&[READ, ("ORDERLY_ADMIN__TOKEN", READ.1)]);
    assert_eq!(problem.key, "admin.read_token");
    assert!(!problem.to_string().contains(READ.1), "{problem}");
    let problem = the_problem(&[
        ("ORDERLY_ADMIN__TOKEN", "fedcba9876543210"),
        ("ORDERLY_ADMIN__READ_TOKEN", "two words"),
    ]);
    assert_eq!(problem.key, "admin.read_token");
    let config = loaded(&[("ORDERLY_ADMIN__TOKEN", "fedcba9876543210"), READ]);
    assert_eq!(config.warnings(), []);
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_file() {
    let scratch = Scratch::new();
    let token = scratch.file("token", "\u{feff}0123456789abcdef\r\n");
    let file = scratch.file("o.toml", "\u{feff}[broker]\r\nnamespace = \"shop\"\r\n");
    let variable = (OsString::from("ORDERLY_ADMIN__TOKEN_FILE"), token.into_os_string());
    let config = Config::load(Some(&file), [variable]).expect("valid");
    assert_eq!(config.broker.namespace, "shop");
    assert_eq!(config.admin.token.expose(), "0123456789abcdef");
}

#[test]
fn every_unusable_secret_file_is_an_error() {
    let scratch = Scratch::new();
    let empty = scratch.file("empty", "\n");
    let other = scratch.file("other", "http://shop:s3cret@mq/");
    let token = scratch.file("token", "0123456789abcdef\n");
    let path = |path: &PathBuf| path.to_str().expect("UTF-8").to_owned();

    let problem = the_problem(&[("ORDERLY_ADMIN__TOKEN_FILE", "/nowhere/token")]);
    assert!(problem.what.contains("cannot read /nowhere/token"), "{problem}");
    let problem = the_problem(&[("ORDERLY_ADMIN__TOKEN_FILE", &path(&empty))]);
    assert!(problem.what.contains("is empty"), "{problem}");
    let problem = the_problem(&[("ORDERLY_BROKER__URL_FILE", &path(&other))]);
    assert!(problem.what.contains("scheme") && !problem.what.contains("s3cret"), "{problem}");
    let both = [("ORDERLY_ADMIN__TOKEN_FILE", &*path(&token)), ("ORDERLY_ADMIN__TOKEN", "abc")];
    let problem = the_problem(&both);
    assert!(problem.what.contains("keep one of them"), "{problem}");

    let two = [
        ("ORDERLY_ADMIN__TOKEN_FILE", "/nowhere/token"),
        ("ORDERLY_BROKER__URL_FILE", "/nowhere/url"),
    ];
    let keys: Vec<String> = problems(None, &two).into_iter().map(|problem| problem.key).collect();
    assert_eq!(keys, ["broker.url_file", "admin.token_file"]);
}

#[test]
fn a_suspicious_value_gets_a_warning() {
    let cases = [
        ("ORDERLY_CARTS__EXPIRE_AFTER", "365s"),
        ("ORDERLY_CARTS__EXPIRE_AFTER", "900d"),
        ("ORDERLY_STORE__IDEMPOTENCY_RETENTION", "30m"),
        ("ORDERLY_STORE__CHECKPOINT_EVERY", "30m"),
        ("ORDERLY_ORDERS__HOLD_FOR", "15s"),
        ("ORDERLY_ORDERS__HOLD_CAP", "365d"),
        ("ORDERLY_ORDERS__WAITING_CALLBACK_RETENTION", "7s"),
        ("ORDERLY_ORDERS__WAITING_CALLBACK_RETENTION", "31d"),
        ("ORDERLY_SHUTDOWN__GRACE", "20m"),
        ("ORDERLY_BROKER__URL", "amqp://shop:s3cret@mq.example.com/%2f"),
        ("ORDERLY_BROKER__PREFETCH", "1"),
        ("ORDERLY_EVENTS__PUBLISH", "[]"),
        ("ORDERLY_ADMIN__TOKEN", "short"),
        ("ORDERLY_NOTIFICATIONS__WEBHOOK__URL", "https://shop.example.com/hook"),
        ("ORDERLY_NOTIFICATIONS__WEBHOOK__TIMEOUT", "10m"),
        ("ORDERLY_NOTIFICATIONS__RETRY__GIVE_UP_AFTER", "30s"),
    ];
    for (name, value) in cases {
        let warnings = loaded(&[(name, value)]).warnings();
        let key = name["ORDERLY_".len()..].to_lowercase().replace("__", ".");
        assert_eq!(warnings.iter().map(|w| w.key).collect::<Vec<_>>(), [key], "{warnings:?}");
    }
    // The cap may not be below `hold_for`.
    let held = [("ORDERLY_ORDERS__HOLD_FOR", "25h"), ("ORDERLY_ORDERS__HOLD_CAP", "25h")];
    let warnings = loaded(&held).warnings();
    assert_eq!(warnings.iter().map(|w| w.key).collect::<Vec<_>>(), ["orders.hold_for"]);
    let trusted = ("ORDERLY_BROKER__URL", "amqps://shop:s3cret@mq.example.com/%2f");
    assert_eq!(loaded(&[trusted]).warnings(), []);
}

#[test]
fn the_configuration_in_force_is_toml_with_units_and_without_secrets() {
    let config = loaded(&[
        ("ORDERLY_BROKER__URL", "amqps://shop:s3cret@mq.example.com/%2f"),
        ("ORDERLY_ADMIN__TOKEN", "s3cret-s3cret-s3cret"),
    ]);
    let printed = config.to_toml().expect("TOML");
    assert!(!printed.contains("s3cret"), "{printed}");
    assert!(printed.contains("hold_for = \"15m\""), "{printed}");
    assert!(printed.contains("max_command_size = \"64KiB\""), "{printed}");
    assert!(printed.contains("history_retention = \"90d\""), "{printed}");

    // With the secrets set, the output is a valid file with the same values.
    let scratch = Scratch::new();
    let file = scratch.file("o.toml", &printed);
    let secrets = [
        ("ORDERLY_BROKER__URL", "amqps://shop:s3cret@mq.example.com/%2f"),
        ("ORDERLY_ADMIN__TOKEN", "s3cret-s3cret-s3cret"),
    ];
    assert_eq!(Config::load(Some(&file), environment(&secrets)).expect("valid"), config);
}

#[test]
fn a_section_within_a_section_is_read_from_file_environment_and_secret_file() {
    let scratch = Scratch::new();
    let secret = scratch.file("secret", "0123456789abcdef\n");
    let file = scratch.file(
        "o.toml",
        "[notifications]\nchannels = [\"amqp\", \"webhook\"]\n\
         [notifications.webhook]\nurl = \"https://shop.example.com/hook\"\nrate = 7\n",
    );
    let variables = environment(&[
        ("ORDERLY_NOTIFICATIONS__RETRY__CAP", "10m"),
        ("ORDERLY_NOTIFICATIONS__WEBHOOK__RATE", "9"),
        ("ORDERLY_NOTIFICATIONS__WEBHOOK__SECRET_FILE", secret.to_str().expect("UTF-8")),
    ]);
    let notifications = Config::load(Some(&file), variables).expect("valid").notifications;
    assert!(notifications.channels.contains(&Channel::Webhook));
    assert_eq!(notifications.retry.cap, Duration::from_mins(10));
    assert_eq!(notifications.webhook.rate.get(), 9);
    assert_eq!(notifications.webhook.secret.expose(), "0123456789abcdef");
    assert_eq!(notifications.webhook.url.expose(), "https://shop.example.com/hook");
}

#[test]
fn mistakes_in_a_section_within_a_section_are_named_with_their_place() {
    let scratch = Scratch::new();
    let file = scratch.file(
        "o.toml",
        "[notifications.webhook]\nurI = \"x\"\n[notifications.retri]\nfirst = \"1s\"\n",
    );
    let mut keys: Vec<_> =
        problems(Some(&file), &[]).into_iter().map(|problem| problem.key).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["notifications.retri", "notifications.webhook.urI"]);

    let file = scratch.file("p.toml", "[notifications]\nwebhook = \"https://shop\"\n");
    let problems = problems(Some(&file), &[]);
    assert_eq!(problems[0].key, "notifications.webhook", "{problems:?}");

    for (name, value, key) in [
        ("ORDERLY_NOTIFICATIONS__WEBHOOK__TIMEOUT", "10", "notifications.webhook.timeout"),
        ("ORDERLY_NOTIFICATIONS__WEBHOOK__URL", "ftp://shop", "notifications.webhook.url"),
        ("ORDERLY_NOTIFICATIONS__WEBHOOK__URI", "https://shop", "notifications.webhook.uri"),
        ("ORDERLY_NOTIFICATIONS__RETRY__CAP", "1ms", "notifications.retry.cap"),
    ] {
        let problem = the_problem(&[(name, value)]);
        assert_eq!(problem.key, key, "{problem}");
        assert!(problem.source.contains(name), "{problem}");
    }
}

#[test]
fn a_webhook_needs_its_url_and_its_secret() {
    let channels = ("ORDERLY_NOTIFICATIONS__CHANNELS", "[\"webhook\"]");
    let mut keys: Vec<_> =
        problems(None, &[channels]).into_iter().map(|problem| problem.key).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["notifications.webhook.secret", "notifications.webhook.url"]);

    let url = ("ORDERLY_NOTIFICATIONS__WEBHOOK__URL", "http://127.0.0.1:9/hook?key=s3cret");
    let secret = ("ORDERLY_NOTIFICATIONS__WEBHOOK__SECRET", "s3cret-s3cret-s3cret");
    let config = loaded(&[channels, url, secret]);
    assert_eq!(config.warnings(), []);
    let printed = format!("{} {config:?}", config.to_toml().expect("TOML"));
    assert!(!printed.contains("s3cret"), "{printed}");

    let far = ("ORDERLY_NOTIFICATIONS__WEBHOOK__URL", "http://shop.example.com/hook");
    let warnings = loaded(&[channels, far, secret]).warnings();
    assert_eq!(warnings.iter().map(|w| w.key).collect::<Vec<_>>(), ["notifications.webhook.url"]);
    let short = ("ORDERLY_NOTIFICATIONS__WEBHOOK__SECRET", "short");
    let warnings = loaded(&[channels, url, short]).warnings();
    assert_eq!(
        warnings.iter().map(|w| w.key).collect::<Vec<_>>(),
        ["notifications.webhook.secret"]
    );
}

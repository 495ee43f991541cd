//! `orderly check` from the outside: its output and its exit code.

use std::fs;
use std::path::PathBuf;

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use tempfile::TempDir;

/// The program, without variables that begin with `ORDERLY_`.
fn orderly() -> Command {
    let mut command = Command::cargo_bin("orderly").expect("the program is built");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ORDERLY_") {
            command.env_remove(name);
        }
    }
    command
}

fn stdout(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).expect("UTF-8")
}

fn stderr(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stderr.clone()).expect("UTF-8")
}

fn file(text: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("orderly.toml");
    fs::write(&path, text).expect("a file in a temporary directory");
    (directory, path)
}

#[test]
fn the_defaults_are_valid_and_shown_with_their_units() {
    let done = orderly().arg("check").assert().code(0);
    let shown: toml::Table = stdout(&done).parse().expect("TOML");
    assert_eq!(shown["orders"]["hold_for"].as_str(), Some("15m"));
    assert_eq!(shown["store"]["history_retention"].as_str(), Some("90d"));
    assert_eq!(shown["intake"]["max_command_size"].as_str(), Some("64KiB"));
    assert_eq!(shown["broker"]["retry_delays"][2].as_str(), Some("5m"));
    assert_eq!(stderr(&done), "");
}

#[test]
fn the_documented_file_is_valid_and_means_the_defaults() {
    let documented = concat!(env!("CARGO_MANIFEST_DIR"), "/config/orderly.toml");
    let by_file = orderly().args(["check", "--config", documented]).assert().code(0);
    let by_default = orderly().arg("check").assert().code(0);
    assert_eq!(stdout(&by_file), stdout(&by_default));
}

#[test]
fn secrets_are_masked() {
    let done = orderly()
        .arg("check")
        .env("ORDERLY_BROKER__URL", "amqps://shop:hunter2@mq.example.com/prod")
        .env("ORDERLY_ADMIN__TOKEN", "hunter2hunter2hunter2")
        .env("ORDERLY_NOTIFICATIONS__CHANNELS", "[\"webhook\"]")
        .env("ORDERLY_NOTIFICATIONS__WEBHOOK__URL", "https://shop.example.com/hook?key=hunter2")
        .env("ORDERLY_NOTIFICATIONS__WEBHOOK__SECRET", "hunter2hunter2hunter2")
        .assert()
        .code(0);
    let all = stdout(&done) + &stderr(&done);
    assert!(all.contains("secret = \"***\""), "{all}");
    assert!(all.contains("https://shop.example.com/hook?***"), "{all}");
    assert!(!all.contains("hunter2"), "{all}");
    assert!(all.contains("amqps://shop:***@mq.example.com/prod"), "{all}");
    assert!(all.contains("token = \"***\""), "{all}");
}

#[test]
fn the_environment_overrides_the_file_and_may_have_lists() {
    let (_directory, path) = file("[orders]\nhold_for = \"5m\"\n[events]\npublish = []\n");
    let done = orderly()
        .arg("--config")
        .arg(path)
        .arg("check")
        .env("ORDERLY_ORDERS__HOLD_FOR", "10m")
        .env("ORDERLY_EVENTS__PUBLISH", "[\"order.paid\", \"stock.#\"]")
        .assert()
        .code(0);
    let shown: toml::Table = stdout(&done).parse().expect("TOML");
    assert_eq!(shown["orders"]["hold_for"].as_str(), Some("10m"));
    let patterns = shown["events"]["publish"].as_array().expect("a list");
    assert_eq!(patterns, &["order.paid".into(), toml::Value::from("stock.#")]);
}

#[test]
fn a_number_without_a_unit_is_refused_with_its_key_and_its_origin() {
    let (_directory, path) = file("[carts]\nexpire_after = 365\n");
    let done = orderly().arg("check").arg("--config").arg(&path).assert().code(78);
    let told = stderr(&done);
    assert!(told.starts_with("orderly: configuration: carts.expire_after: "), "{told}");
    assert!(told.contains(path.to_str().expect("UTF-8")), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    assert_eq!(stdout(&done), "");

    let done =
        orderly().arg("check").env("ORDERLY_INTAKE__MAX_COMMAND_SIZE", "65536").assert().code(78);
    let told = stderr(&done);
    assert!(told.contains("intake.max_command_size"), "{told}");
    assert!(told.contains("ORDERLY_INTAKE__MAX_COMMAND_SIZE"), "{told}");
}

#[test]
fn unknown_keys_are_refused_in_the_file_and_in_the_environment() {
    let (_directory, path) = file("[broker]\nprefetc = 10\n");
    let done = orderly().arg("check").arg("--config").arg(path).assert().code(78);
    assert!(stderr(&done).contains("broker.prefetc: unknown key"), "{}", stderr(&done));

    let done = orderly().arg("check").env("ORDERLY_BROKER_URL", "memory:").assert().code(78);
    assert!(stderr(&done).contains("ORDERLY_BROKER_URL"), "{}", stderr(&done));
}

#[test]
fn all_problems_are_reported_at_once() {
    let (_directory, path) =
        file("[orders]\nhold_cap = \"1m\"\n[store]\nhistory_retention = \"1d\"\n");
    let done = orderly()
        .arg("check")
        .arg("--config")
        .arg(path)
        .env("ORDERLY_ADMIN__BIND", "0.0.0.0:8080")
        .assert()
        .code(78);
    let told = stderr(&done);
    for key in ["orders.hold_cap", "store.history_retention", "admin.token"] {
        assert!(told.contains(key), "{key} is missing in: {told}");
    }
}

#[test]
fn a_webhook_without_url_and_secret_is_a_configuration_error() {
    let channels = "[\"amqp\", \"webhook\"]";
    let done =
        orderly().arg("check").env("ORDERLY_NOTIFICATIONS__CHANNELS", channels).assert().code(78);
    let told = stderr(&done);
    for key in ["notifications.webhook.url", "notifications.webhook.secret"] {
        assert!(told.contains(key), "{key} is missing in: {told}");
    }
}

#[test]
fn a_wrong_rust_log_is_a_configuration_error() {
    for (wrong, text) in [
        ("inof", "did you mean \"info\"?"),
        ("info,=debug", "\"=debug\" is no level"),
        ("warn,orderly=louder", "cannot read RUST_LOG"),
        ("orderly[span]=info", "cannot read RUST_LOG"),
    ] {
        let done = orderly().arg("check").env("RUST_LOG", wrong).assert().code(78);
        assert!(stderr(&done).contains(text), "{wrong}: {}", stderr(&done));
    }
    for right in ["", "info", "INFO", "warn,orderly=debug,sled=info", "hyper", "off", "3"] {
        orderly().arg("check").env("RUST_LOG", right).assert().code(0);
    }
}

#[test]
fn a_missing_file_is_a_configuration_error() {
    let done = orderly().args(["check", "--config", "/nowhere/orderly.toml"]).assert().code(78);
    assert!(stderr(&done).contains("/nowhere/orderly.toml"), "{}", stderr(&done));
}

#[test]
fn a_probable_mistake_in_a_unit_is_a_warning() {
    let done = orderly().arg("check").env("ORDERLY_CARTS__EXPIRE_AFTER", "365s").assert().code(0);
    let told = stderr(&done);
    assert!(told.starts_with("warning: carts.expire_after: "), "{told}");
    assert!(stdout(&done).contains("expire_after = \"6m 5s\""), "{}", stdout(&done));
}

#[test]
fn a_pattern_that_matches_no_event_is_an_error() {
    let done =
        orderly().arg("check").env("ORDERLY_EVENTS__PUBLISH", "[\"order.payd\"]").assert().code(78);
    let told = stderr(&done);
    assert!(told.contains("events.publish: \"order.payd\" matches no type of event"), "{told}");
    assert!(told.contains("did you mean \"order.paid\"?"), "{told}");
}

/// What `check --connect` says, by the name of what it tried.
fn tried(assert: &Assert, what: &str) -> String {
    let told = stderr(assert);
    let line = told.lines().find_map(|line| line.strip_prefix(&format!("{what}: ")));
    line.unwrap_or_else(|| panic!("{what} is missing in: {told}")).to_owned()
}

#[test]
fn what_can_be_tried_without_a_broker_is_tried() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("deep/store");
    let connect = |create: &str| {
        let mut command = orderly();
        command
            .args(["check", "--connect"])
            .env("ORDERLY_BROKER__URL", "memory:")
            .env("ORDERLY_STORE__CREATE", create)
            .env("ORDERLY_STORE__PATH", &store);
        command
    };
    let done = connect("new").assert().code(0);
    assert_eq!(tried(&done, "broker"), "ok, the broker is inside the process");
    assert!(tried(&done, "store").contains("`orderly serve` makes it"), "{}", stderr(&done));
    assert_eq!(tried(&done, "webhook"), "ok, the channel is not used");
    assert!(!store.exists(), "nothing was made");
    assert!(stdout(&done).contains("[broker]"), "the configuration is printed too");

    let done = connect("never").assert().code(78);
    assert!(tried(&done, "store").starts_with("FAILED: there is no store at "));

    // a file in the way
    fs::write(folder.path().join("deep"), "").expect("a file");
    let done = connect("new").assert().code(74);
    assert!(tried(&done, "store").starts_with("FAILED: "), "{}", stderr(&done));
    assert_eq!(tried(&done, "broker"), "ok, the broker is inside the process", "all are tried");
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    orderly().arg("chekc").assert().code(2);
    orderly().assert().code(2);
    orderly().arg("--help").assert().code(0);
    let done = orderly().arg("--version").assert().code(0);
    assert_eq!(stdout(&done), format!("orderly {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_reader_that_closes_the_pipe_is_no_error() {
    use std::process::{Command, Stdio};

    let program = assert_cmd::cargo::cargo_bin("orderly");
    let mut child = Command::new(program)
        .arg("check")
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("it ends");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn a_file_of_certificates_without_one_ends_with_78_and_an_empty_virtual_host_is_warned_of() {
    let (_directory, path) = file("no certificate");
    let failed = orderly()
        .arg("check")
        .env("ORDERLY_BROKER__CA_FILE", &path)
        .env("ORDERLY_BROKER__URL", "amqps://mq.example.com/prod")
        .assert()
        .code(78);
    let said = stderr(&failed);
    assert!(said.contains("broker.ca_file") && said.contains("has no certificate"), "{said}");

    let url = "amqp://guest:guest@127.0.0.1:5672/";
    let done = orderly().arg("check").env("ORDERLY_BROKER__URL", url).assert().code(0);
    let said = stderr(&done);
    assert!(said.contains("broker.url") && said.contains("the virtual host is empty"), "{said}");
}

#[test]
fn a_wrong_argument_is_told_in_plain_words() {
    let whole = "must be a whole number, such as 100";
    let address = "must be an IP address with a port, such as 127.0.0.1:8080";
    for (arguments, said) in [
        (["demo", "--orders", "1.5"], whole),
        (["demo", "--seed", "many"], whole),
        (["demo", "--bind", "localhost"], address),
        (["demo", "--bind", "8080"], address),
        (["dead", "list", "--limit=x"], whole),
    ] {
        let failed = orderly().args(arguments).assert().code(2);
        let told = stderr(&failed);
        let first = told.lines().next().unwrap_or_default();
        assert!(first.starts_with("error: invalid value") && first.ends_with(said), "{told}");
    }
}

//! The adapters of `examples/providers/` over a real `RabbitMQ` with this program, against fakes of the providers' APIs.
//!
//! The tests are in Python (`examples/providers/tests`). This runs them, the providers beside each other.

#[path = "support/rabbit.rs"]
mod rabbit;

use assert_cmd::cargo::cargo_bin;
use rabbit::shared_url;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names another Python.
const PYTHON_VARIABLE: &str = "ORDERLY_TEST_PYTHON";

/// Debian's own comes first: its packages include pika, and another Python that comes first on the path may lack it.
const PYTHONS: [&str; 2] = ["/usr/bin/python3", "python3"];

/// Exits with 0 if this Python can run an adapter.
const IS_FIT: &str = "import pika, sys; sys.exit(sys.version_info < (3, 11))";

/// A Python that can run an adapter.
fn python() -> PathBuf {
    let is_fit = |python: &PathBuf| {
        let output = Command::new(python).args(["-c", IS_FIT]).output();
        output.is_ok_and(|output| output.status.success())
    };
    let chosen = std::env::var_os(PYTHON_VARIABLE).map(PathBuf::from);
    let mut pythons = chosen.into_iter().chain(PYTHONS.map(PathBuf::from));
    pythons.find(is_fit).unwrap_or_else(|| {
        panic!("no Python 3.11 with pika in {PYTHONS:?}: run scripts/install-packages, or name one in {PYTHON_VARIABLE}")
    })
}

/// Runs one file of the Python tests with a broker, and shows what it said if it failed.
fn run(tests: &str, broker: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/providers/tests");
    let output = Command::new(python())
        .args(["-m", "unittest", "--verbose", tests])
        .current_dir(folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("ORDERLY_TEST_AMQP", broker)
        .env("ORDERLY_TEST_BIN", cargo_bin("orderly"))
        .output()
        .expect("Python runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tests} failed:\n{said}");
    let ran = said.lines().find(|line| line.starts_with("Ran ")).expect("the number of tests");
    assert!(!ran.starts_with("Ran 0 "), "{tests} has no tests");
}

#[test]
fn the_adapters_share_money_keys_and_times() {
    run("test_adapter", "");
}

#[test]
fn stripe() {
    run("test_stripe", &shared_url());
}

#[test]
fn adyen() {
    run("test_adyen", &shared_url());
}

#[test]
fn mollie() {
    run("test_mollie", &shared_url());
}

#[test]
fn paypal() {
    run("test_paypal", &shared_url());
}

//! The log of a process. The test starts itself again as the process that logs.

use std::process::{Command, Output};

use orderly::config::LogFormat;
use orderly::telemetry;
use serde_json::Value;
use tracing::{debug, info};

/// The variable with the format, set in the process that logs.
const FORMAT: &str = "ORDERLY_TEST_LOG_FORMAT";

/// The code of the process that logs; does nothing in a normal run of the tests.
#[test]
fn logging_process() {
    let format = match std::env::var(FORMAT).as_deref() {
        Ok("json") => LogFormat::Json,
        Ok(_) => LogFormat::Text,
        Err(_) => return,
    };
    if let Err(error) = telemetry::init(format, telemetry::SERVE) {
        eprintln!("refused: {error}");
        return;
    }
    debug!("below the threshold");
    info!(order_id = "o-1", verdict = "applied", "command applied");
    let panicked = std::thread::Builder::new()
        .name("worker".to_owned())
        .spawn(|| panic!("out of {}", "stock"))
        .map(std::thread::JoinHandle::join);
    assert!(panicked.expect("a thread").is_err());
}

fn logged(format: &str, rust_log: Option<&str>) -> (Output, String) {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "logging_process", "--nocapture"]).env(FORMAT, format);
    match rust_log {
        Some(filter) => command.env("RUST_LOG", filter),
        None => command.env_remove("RUST_LOG"),
    };
    let output = command.output().expect("it runs");
    let log = String::from_utf8(output.stderr.clone()).expect("UTF-8");
    (output, log)
}

#[test]
fn json_logs_one_object_a_line_to_standard_error_also_for_a_panic() {
    let (output, log) = logged("json", None);
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert_eq!(lines[0]["order_id"], "o-1");
    assert_eq!(lines[0]["message"], "command applied");
    assert_eq!(lines[1]["thread"], "worker");
    assert_eq!(lines[1]["panic"], "out of stock");
    assert!(lines[1]["at"].as_str().is_some_and(|at| at.contains("telemetry.rs")), "{log}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("command applied"));
}

#[test]
fn text_in_a_file_has_no_colours() {
    let (_, log) = logged("text", None);
    let line = log.lines().next().unwrap_or_default();
    assert!(line.contains("command applied") && line.contains("order_id=\"o-1\""), "{log}");
    assert!(!log.contains('\u{1b}'), "{log}");
    assert!(!log.contains("below the threshold"), "{log}");
}

#[test]
fn rust_log_chooses_the_levels() {
    let (_, log) = logged("text", Some("debug"));
    assert!(log.contains("below the threshold"), "{log}");
    let (_, log) = logged("text", Some("telemetry=louder"));
    assert!(log.starts_with("refused: cannot read RUST_LOG"), "{log}");
}

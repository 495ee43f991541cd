//! The log of a processor, as JSON.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use crate::processor::Processor;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// A processor that logs JSON to a file, as much as `serve` logs by itself.
pub(crate) fn logged(url: &str, namespace: &str) -> (Processor, PathBuf) {
    let processor = Processor::new(url, namespace).with("ORDERLY_LOG__FORMAT", "json");
    let path = processor.directory.path().join("log");
    (processor.logging_to(path.clone()).with("RUST_LOG", ""), path)
}

/// The lines of a log, each a JSON object.
pub(crate) fn lines(path: &Path) -> Vec<Map<String, Value>> {
    let text = std::fs::read_to_string(path).expect("a log");
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines.map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

pub(crate) fn messages(lines: &[Map<String, Value>]) -> Vec<&str> {
    lines.iter().filter_map(|line| line.get("message")?.as_str()).collect()
}

/// The lines of a log about a degraded reason.
pub(crate) fn told(log: &Path, reason: &str) -> Vec<Map<String, Value>> {
    let about = |line: &Map<_, _>| line.get("reason").is_some_and(|found| found == reason);
    lines(log).into_iter().filter(about).collect()
}

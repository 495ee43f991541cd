//! The examples of docs/messages.md are commands, one of each type; docs/reasons.md has every reason.

use orderly_domain::command::{Command, Kind};
use orderly_domain::verdict::{Reason, Verdict};
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn every_example_is_a_command_and_every_command_has_one() {
    let page = include_str!("../docs/messages.md");
    let block = page.split("```jsonl\n").nth(1).expect("a block").split("```").next();
    let mut seen = BTreeSet::new();
    for line in block.expect("its end").lines() {
        let example: serde_json::Value = serde_json::from_str(line).expect(line);
        let name = example["type"].as_str().expect(line);
        let kind = Kind::from_name(name).expect(line);
        let parsed = Command::parse(kind, example["data"].to_string().as_bytes());
        assert!(parsed.is_ok(), "{line}: {parsed:?}");
        seen.insert(kind.as_str());
    }
    let all: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(seen, all);
}

#[test]
fn every_reason_has_a_row_that_says_what_to_do() {
    let page = include_str!("../docs/reasons.md").split("\n## Where else").next().expect("a part");
    let rows = page.lines().filter_map(|line| {
        let cells = line.strip_prefix("| `")?.trim_end().strip_suffix('|')?;
        let cells: Vec<_> = cells.split('|').map(str::trim).collect();
        Some((cells[0].trim_end_matches('`'), cells))
    });
    let rows: BTreeMap<_, _> = rows.collect();
    let all: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    let named: BTreeSet<_> = rows.keys().copied().collect();
    assert_eq!(named, all);
    for (reason, cells) in rows {
        let is_parked = Verdict::ALL.iter().any(|verdict| cells[1] == format!("`{verdict}`"));
        assert_eq!(cells.len(), 4, "{reason}");
        assert!(!is_parked || !cells[3].is_empty(), "{reason}");
    }
}

//! The examples of docs/messages.md are commands, one of each type.

use orderly_domain::command::{Command, Kind};
use std::collections::BTreeSet;

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

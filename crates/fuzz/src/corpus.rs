//! The samples: the golden bytes, the examples of the documentation, the files in `corpus/`.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// A file or folder of the workspace.
pub(crate) fn path(of_workspace: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(of_workspace)
}

/// The files that are kept for a target, by their names.
pub(crate) fn kept(target: &str) -> Vec<Vec<u8>> {
    let folder = path("crates/fuzz/corpus").join(target);
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).expect("a file of the corpus can be read")).collect()
}

/// The commands in the documentation of messages: type, id and data.
pub(crate) fn commands() -> Vec<(String, String, String)> {
    let text = fs::read_to_string(path("docs/messages.md")).expect("the documentation is there");
    let lines = text.lines().filter(|line| line.starts_with("{\"type\""));
    let commands = lines.filter_map(|line| {
        let value: Value = serde_json::from_str(line).ok()?;
        let kind = value["type"].as_str()?.to_owned();
        let id = value["id"].as_str()?.to_owned();
        Some((kind, id, value.get("data")?.to_string()))
    });
    let mut commands: Vec<_> = commands.collect();
    assert!(!commands.is_empty(), "docs/messages.md has examples");
    // the rows of the table of hashes: type, hash, data
    let table = path("crates/domain/tests/golden/data_hashes.txt");
    let table = fs::read_to_string(table).expect("the table is there");
    for (number, row) in table.lines().enumerate() {
        let mut words = row.splitn(3, ' ');
        if let (Some(kind), Some(_), Some(data)) = (words.next(), words.next(), words.next()) {
            commands.push((kind.to_owned(), format!("golden-{number}"), data.to_owned()));
        }
    }
    commands
}

/// The golden bytes of all versions of a kind of record of the shop.
pub(crate) fn golden(kind: &str) -> Vec<Vec<u8>> {
    let prefix = kind.replace(' ', "_");
    let mut found = Vec::new();
    for version in 1..=u8::MAX {
        let file = path("crates/domain/tests/golden").join(format!("{prefix}.v{version}"));
        let Ok(text) = fs::read_to_string(file) else { break };
        let bytes = text.lines().filter_map(|line| line.rsplit_once(' '));
        found.extend(
            bytes.map(|(_, bytes)| hex::decode(bytes).expect("golden bytes are hexadecimal")),
        );
    }
    found
}

/// The golden bytes of all versions of a kind of record of the store.
pub(crate) fn golden_of_store(kind: &str) -> Vec<Vec<u8>> {
    let prefix = kind.replace(' ', "-");
    let files = (1..=u8::MAX)
        .map(|version| path("crates/store/tests/golden").join(format!("{prefix}.v{version}.hex")));
    let texts = files.filter_map(|file| fs::read_to_string(file).ok());
    texts
        .map(|text| {
            let digits: String = text.split_ascii_whitespace().collect();
            hex::decode(digits).expect("golden bytes are hexadecimal")
        })
        .collect()
}

/// The lines of a file of the workspace.
pub(crate) fn text(of_workspace: &str) -> String {
    fs::read_to_string(path(of_workspace)).expect("the file is there")
}

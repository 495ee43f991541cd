//! Backups and exports of earlier builds: this build makes a store of each, with all that was in them.
//!
//! `tests/released/backups` has a backup and an export of every released form, each of a store in `tests/released`, which its name
//! has: `backup-1-of-5.8.tar.gz`. A build that writes a new form (`src/backup/manifest.rs`, `src/export/line.rs`) adds them:
//!
//! ```sh
//! ORDERLY_TEST_WRITE_STORE=1 cargo test --test released_backups
//! ```

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;
#[path = "support/stores.rs"]
mod stores;

use processor::Processor;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use stores::{contents, done, files, number, store, text, unpack};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/released")
}

/// A folder with the unpacked store of a format.
fn unpacked(format: &str) -> Processor {
    let processor = Processor::new("memory:", "released");
    unpack(&folder().join(format!("store-{format}.tar.gz")), processor.directory.path());
    processor
}

/// What an archive has, the version of its form, and the format of the store that it was made of.
fn parts(archive: &Path) -> (&str, u64, &str) {
    let name = archive.file_name().and_then(|name| name.to_str()).expect("UTF-8");
    let (what, rest) = name.split_once('-').expect("what it is");
    let (version, store) = rest.split_once("-of-").expect("the store that it was made of");
    let store = store.strip_suffix(".tar.gz").or(store.strip_suffix(".jsonl.gz"));
    (what, version.parse().expect("a version"), store.expect("an archive"))
}

/// The versions of the forms that this build writes: of a backup, and of an export.
fn current() -> [(String, u64); 2] {
    let processor = unpacked("5.8");
    let backup = processor.directory.path().join("backup");
    done(&store(&processor, &["backup", text(&backup)]));
    let manifest = fs::read(backup.join("manifest.json")).expect("a manifest");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    let export = store(&processor, &["export"]).stdout;
    let first = export.split(|byte| *byte == b'\n').next().expect("a line");
    let first: Value = serde_json::from_slice(first).expect("JSON");
    [
        ("backup".to_owned(), number(&manifest["version"])),
        ("export".to_owned(), number(&first["stored"]["version"])),
    ]
}

/// Runs a command of the shell in a folder.
fn shell(folder: &Path, script: &str) {
    let status = Command::new("sh").args(["-ec", script]).current_dir(folder).status();
    assert!(status.expect("a shell runs").success(), "{script}");
}

/// Adds a backup and an export by this build, of the newest store.
fn write() {
    let format = "5.8";
    let processor = unpacked(format);
    let place = processor.directory.path();
    done(&store(&processor, &["backup", text(&place.join("backup"))]));
    done(&store(&processor, &["export", text(&place.join("export.jsonl"))]));
    let [(_, backup), (_, export)] = current();
    let to = folder().join("backups");
    fs::create_dir_all(&to).expect("made");
    let to = to.display();
    shell(place, &format!("tar -czf '{to}/backup-{backup}-of-{format}.tar.gz' backup"));
    shell(place, &format!("gzip -9nc export.jsonl > '{to}/export-{export}-of-{format}.jsonl.gz'"));
}

#[test]
fn backups_and_exports_of_earlier_builds_make_the_store_that_they_are_of() {
    if std::env::var_os("ORDERLY_TEST_WRITE_STORE").is_some() {
        write();
    }
    let mut found = BTreeSet::new();
    for archive in files(&folder().join("backups")) {
        let (what, version, format) = parts(&archive);
        let processor = unpacked(format);
        let place = processor.directory.path();
        let made = place.join("made");
        let told = match what {
            "backup" => {
                unpack(&archive, place);
                let backup = place.join("backup");
                done(&store(&processor, &["verify", text(&backup)]));
                done(&store(&processor, &["restore", text(&backup), "--store", text(&made)]))
            }
            "export" => {
                let export = place.join("export.jsonl");
                shell(place, &format!("gzip -dc '{}' > export.jsonl", archive.display()));
                done(&store(&processor, &["import", text(&export), "--store", text(&made)]))
            }
            other => panic!("{other} is neither a backup nor an export"),
        };
        assert_eq!(told["audit"]["balanced"], true, "{}: {told}", archive.display());
        let expected = contents(&processor, &processor.store());
        assert!(contents(&processor, &made) == expected, "{}", archive.display());
        found.insert((what.to_owned(), version));
    }
    for current in current() {
        assert!(found.contains(&current), "there is none of {current:?}: see the top of this file");
    }
}

//! Configuration files, exports, backups, the mark.

use super::{Form, Target};
use crate::corpus;
use orderly::backup::{Backup, tar};
use orderly::config::Config;
use orderly::export;
use orderly::mark::Mark;
use orderly_store::{Incarnations, Seq};
use sha2::{Digest as _, Sha256};
use std::ffi::OsString;
use std::fs;
use tempfile::TempDir;

pub(super) fn targets() -> Vec<Target> {
    vec![configuration(), environment(), archive(), backup(), lines(), mark()]
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A configuration file. One that is accepted can be printed, and is the same when it is read again.
fn configuration() -> Target {
    let whole = corpus::text("config/orderly.toml");
    let mut samples = vec![whole.clone().into_bytes()];
    // each section with its values in force
    let set: Vec<_> = whole.lines().map(|line| line.trim_start_matches('#').trim()).collect();
    let set = set.join("\n");
    samples.extend(set.split("\n[").map(|section| format!("[{section}").into_bytes()));
    samples.push(b"[orders]\nhold_for = \"15m\"\n[store]\npath = \"x\"\n".to_vec());
    let folder = folder();
    Target::new("config.file", Form::Text, 1, samples, move |input| {
        let path = folder.path().join("orderly.toml");
        fs::write(&path, input).expect("a temporary file");
        match Config::load(Some(&path), []) {
            Ok(config) => {
                config.warnings();
                assert!(config.to_toml().is_ok(), "what was read can be printed");
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    })
}

/// Environment variables, one a line.
fn environment() -> Target {
    let samples = [
        "ORDERLY_BROKER__URL=amqp://guest:guest@127.0.0.1:5672/%2f\nORDERLY_INTAKE__STALL_AFTER=1s",
        "ORDERLY_STORE__PATH=store\nORDERLY_LOG__FORMAT=json\nORDERLY_NOTIFICATIONS__CHANNELS=[\"amqp\", \"webhook\"]",
        "ORDERLY_ORDERS__HOLD_FOR=15m\nORDERLY_ADMIN__BIND=127.0.0.1:0\nORDERLY_TELEMETRY__SAMPLE=0.5",
    ];
    let samples = samples.map(|text| text.as_bytes().to_vec()).to_vec();
    Target::new("config.environment", Form::Text, 1, samples, |input| {
        let text = String::from_utf8_lossy(input);
        let variables = text.lines().filter_map(|line| line.split_once('='));
        let variables =
            variables.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        if let Err(error) = Config::load(None, variables) {
            assert!(!error.to_string().is_empty());
        }
    })
}

/// The stream of a backup, in two pieces.
fn archive() -> Target {
    let file =
        orderly::backup::File { name: "pages-1".to_owned(), content: vec![7_u8; 700].into() };
    let packed = tar::pack(&file, orderly_domain::time::Timestamp::EPOCH);
    let sample = [packed.concat(), tar::end().to_vec()].concat();
    Target::new("backup.tar", Form::Bytes, 20, vec![sample], |input| {
        let mut unpacker = tar::Unpacker::default();
        let (first, second) = input.split_at(input.len() / 2);
        for piece in [first, second] {
            unpacker.push(piece);
            while let Ok(Some(file)) = unpacker.next_file() {
                assert!(file.content.len() <= input.len());
            }
        }
        let _ = unpacker.end();
    })
}

/// The two files that say what is in a backup, with a line of equals signs between them.
fn backup() -> Target {
    const BETWEEN: &str = "\n====\n";
    let manifest = concat!(
        r#"{"version":1,"orderly":"0.1.0","namespace":"shop","incarnation":"0190a0a0-0000-7000-8000-000000000000","#,
        r#""store_format":"6.12","end_sequence":7,"began_at":"2026-01-31T12:00:00Z","ended_at":"2026-01-31T12:00:01Z","#,
        r#""files":[{"name":"meta-1","bytes":3,"records":1}]}"#,
    );
    let other = "0".repeat(64);
    let sample = format!("{manifest}{BETWEEN}SUM  manifest.json\n{other}  meta-1\n");
    let folder = folder();
    Target::new("backup.folder", Form::Json, 1, vec![sample.into_bytes()], move |input| {
        let mark = BETWEEN.as_bytes();
        let at = input.windows(mark.len()).position(|window| window == mark);
        let (manifest, sums) = match at {
            Some(at) => (&input[..at], &input[at + mark.len()..]),
            None => (input, &b""[..]),
        };
        fs::write(folder.path().join("manifest.json"), manifest).expect("a temporary file");
        // the right sum, so that what the manifest says is read
        let sum = hex::encode(Sha256::digest(manifest));
        let sums = String::from_utf8_lossy(sums).replace("SUM", &sum);
        fs::write(folder.path().join("SHA256SUMS"), sums).expect("a temporary file");
        fs::write(folder.path().join("meta-1"), b"abc").expect("a temporary file");
        if let Ok(backup) = Backup::open(folder.path()) {
            let _ = backup.verify(|_| ());
        }
    })
}

/// Lines of an export.
fn lines() -> Target {
    let samples = [
        r#"{"kind":"store","stored":{"of":"store","version":1,"namespace":"shop","incarnation":"0190a0a0-0000-7000-8000-000000000000","later_incarnations":[[3,"0190a0a0-0000-7000-8000-000000000001"]],"format":[6,12],"bucket_span":324000000000,"next_sequence":9,"clock":7,"fired":5,"published_below":9,"ordinals":[1,2,3,0,0,0,0,0,0,0,0,0,0,0,0,0],"counters":[1,-2]}}"#,
        r#"{"kind":"order","stored":{"of":"entity","table":1,"ordinal":2,"history":7,"parts":[[0,"AQID"],[2,""]]}}"#,
        r#"{"kind":"name","stored":{"of":"name","table":1,"hash":"000102030405060708090a0b0c0d0e0f","ordinal":2}}"#,
        r#"{"kind":"identity","stored":{"of":"identity","hash":"000102030405060708090a0b0c0d0e0f","data":"0001020304050607","sequence":3,"since":4}}"#,
        r#"{"kind":"posting","stored":{"of":"posting","list":"0001020304050607","rank":-5,"ordinal":1}}"#,
        r#"{"kind":"timer","stored":{"of":"timer","due":1,"table":2,"ordinal":3,"purpose":4}}"#,
        r#"{"kind":"unit","stored":{"of":"unit","bytes":"BgECAwQ="}}"#,
        r#"{"kind":"end","stored":{"of":"end","lines":7,"sha256":"00"}}"#,
    ];
    let samples = samples.map(|line| line.as_bytes().to_vec()).to_vec();
    Target::new("export.line", Form::Json, 20, samples, |input| {
        let _ = export::check_line(input);
    })
}

fn mark() -> Target {
    let sample = concat!(
        r#"{"incarnation":"0190a0a0-0000-7000-8000-000000000000","sequence":7,"path":"/var/lib/orderly","host":"a","#,
        r#""at":"2026-01-31T12:00:00Z","earlier":[{"incarnation":"0190a0a0-0000-7000-8000-000000000001","sequence":3}]}"#,
    );
    Target::new("mark", Form::Json, 40, vec![sample.as_bytes().to_vec()], |input| {
        let Ok(mark) = serde_json::from_slice::<Mark>(input) else { return };
        let _ = mark.compare(&Incarnations::new(mark.seen.incarnation), Seq(5));
        let seen = mark.seen;
        let next = mark.then(seen);
        let written = serde_json::to_vec(&next).expect("a mark is JSON");
        assert_eq!(serde_json::from_slice::<Mark>(&written).expect("a mark"), next);
    })
}

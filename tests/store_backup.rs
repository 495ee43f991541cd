//! `orderly store backup` and `orderly store restore`: of a processor under load, of a stopped store, of stores of earlier
//! builds, and with backups that are damaged or not complete.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;
#[path = "support/stores.rs"]
mod stores;

use processor::Processor;
use producer::{Got, Producer, stock};
use rabbit::{namespace, shared_url};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use stores::{
    answers, contents, copy, done, files, number, released, said, stopped, store, story, text,
    unpack,
};

/// Restores a backup into a folder, and returns what was told of it.
fn restore(processor: &Processor, backup: &Path, into: &Path) -> Value {
    done(&store(processor, &["restore", text(backup), "--store", text(into)]))
}

/// Checks that no id stands for two events.
fn check_ids(events: &[Got]) {
    let mut seen: BTreeMap<&str, &Value> = BTreeMap::new();
    for event in events {
        let first = *seen.entry(&event.id).or_insert(&event.body);
        assert_eq!(first, &event.body, "two events have the id {}", event.id);
    }
}

fn sequence(event: &Got) -> u64 {
    event.body["sequence"].as_str().expect("a sequence").parse().expect("a number")
}

/// A backup of a processor under load, after which the processor is killed: the restored store has everything up to the end of
/// the backup, goes on from there, and no event id is used twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_is_restored_and_goes_on() {
    const BEFORE: u32 = 2_000;
    const MEANWHILE: u32 = 4_000;
    const ORDERS: u32 = 4_500;
    let (url, namespace) = (shared_url(), namespace("backup"));
    // many checkpoints while the backup is made
    let mut processor = Processor::new(&url, &namespace)
        .with("ORDERLY_STORE__CHECKPOINT_EVERY", "100ms")
        .with("ORDERLY_STORE__CHECKPOINT_BYTES", "1MiB")
        .with("ORDERLY_STORE__BACKUP_RATE", "2MiB")
        .with("ORDERLY_EVENTS__PUBLISH", "[\"#\"]");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let queue = producer.bind_classic("events", "#").await;
    producer.publish(&[stock("tea", 1_000_000), stock("milk", 1_000_000)]).await;
    producer.publish(&story(0..BEFORE)).await;
    processor.wait(|processor| processor.metric("orderly_orders{", "paid") > 500.0);

    // When the store is backed up while orders come
    let load = {
        let (url, namespace) = (url.clone(), namespace.clone());
        tokio::spawn(async move {
            let producer = Producer::new(&url, &namespace).await;
            for from in (BEFORE..MEANWHILE).step_by(50) {
                producer.publish(&story(from..from + 50)).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
    };
    let backup = processor.directory.path().join("backup");
    let told = done(&store(&processor, &["backup", text(&backup)]));
    assert_eq!((&told["namespace"], &told["backup"]), (&json!(namespace), &json!(backup)));
    let end = number(&told["end_sequence"]);
    load.await.expect("the load is published");
    producer.publish(&story(MEANWHILE..ORDERS)).await;
    processor.wait(|processor| {
        processor.metric("orderly_orders{", "paid") > f64::from(ORDERS) - 0.5
            && processor.metric("orderly_outbox_pending", "") < 0.5
    });
    processor.kill();
    let mut events = producer.drain(&queue).await;
    assert!(events.iter().any(|event| sequence(event) < end), "the backup has something");
    assert!(events.iter().any(|event| sequence(event) > end), "and something came after it");

    // Then the restored store has what was done up to the end of the backup
    let restored = processor.directory.path().join("restored");
    let told = restore(&processor, &backup, &restored);
    assert_eq!(told["audit"]["balanced"], true, "{told}");
    assert_eq!(number(&told["next_sequence"]), end);
    let known = |kind: &str| -> BTreeSet<&str> {
        let done = events.iter().filter(|event| event.routing_key == kind && sequence(event) < end);
        done.map(|event| event.body["subject"].as_str().expect("an order")).collect()
    };
    let (placed, paid) = (known("order.placed"), known("order.paid"));
    assert!(placed.len() > 500 && placed.len() < ORDERS as usize, "{}", placed.len());
    assert_eq!(told["audit"]["counts"]["orders"], placed.len());
    assert_eq!(told["audit"]["counts"]["statuses"]["paid"], paid.len());
    let amended = known("order.amended");
    let orders: Vec<_> = contents(&processor, &restored)
        .into_iter()
        .filter(|line| line["kind"] == "order")
        .map(|mut line| line["order"].take())
        .collect();
    let with = |is: &dyn Fn(&Value) -> bool| -> BTreeSet<&str> {
        let found = orders.iter().filter(|order| is(order));
        found.map(|order| order["order_id"].as_str().expect("an id")).collect()
    };
    assert_eq!(with(&|_| true), placed);
    assert_eq!(with(&|order| order["status"] == "paid"), paid);
    let is_amended =
        |order: &Value| order["customer"]["id"].as_str().is_some_and(|id| id.starts_with("u-"));
    assert_eq!(with(&is_amended), amended);
    let known = placed.len() + paid.len() + amended.len() + 2;

    // And a processor on it goes on: what comes again is a duplicate, what is not known is processed
    let mut processor = processor.with("ORDERLY_STORE__PATH", text(&restored));
    processor.start();
    let mut again = vec![stock("tea", 1_000_000), stock("milk", 1_000_000)];
    again.extend(story(0..ORDERS));
    producer.publish(&again).await;
    processor.wait(|processor| {
        processor.metric("orderly_commands_total{", "") > again.len() as f64 - 0.5
            && processor.metric("orderly_outbox_pending", "") < 0.5
    });
    let duplicates = processor.metric("orderly_commands_total{", "verdict=\"duplicate\"");
    assert!((duplicates - known as f64).abs() < 0.5, "{duplicates} of {known}");
    let audit = processor.get("/api/audit").expect("an audit");
    assert_eq!(audit["balanced"], true, "{audit}");
    assert_eq!(audit["counts"]["statuses"]["paid"], ORDERS);
    assert_eq!(audit["counts"]["paid"]["EUR"], ORDERS * 1000);
    assert_eq!(audit["counts"]["on_hand"], 2_000_000 - u64::from(ORDERS) * 3);
    assert_eq!(processor.stop().code(), Some(0));

    // And no id stands for two events, before and after
    let new = producer.drain(&queue).await;
    let first =
        events.first().and_then(|event| event.id.rsplit_once('-')).expect("an id").0.to_owned();
    let anew = |event: &&Got| !event.id.starts_with(&first);
    assert!(new.iter().any(|event| anew(&event)), "it has events of its own");
    let highest = events.iter().map(sequence).max();
    assert!(new.iter().filter(anew).map(sequence).min() > highest, "sequences grow");
    events.extend(new);
    check_ids(&events);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_store_answers_as_the_one_that_was_backed_up() {
    // Given a store that is stopped, and a backup of it
    let (processor, before) = stopped("answers").await;
    let backup = processor.directory.path().join("backup");
    let stats = processor.store_command("stats");
    let told = done(&store(&processor, &["backup", text(&backup)]));
    assert_eq!(told["end_sequence"], stats["next_sequence"]);
    assert_eq!(told["incarnation"], stats["incarnation"]);
    assert_eq!(processor.store_command("stats"), stats, "a backup changes nothing");

    // which other programs can check
    let check = ["--check", "--strict", "--quiet", "SHA256SUMS"];
    let check = Command::new("sha256sum").args(check).current_dir(&backup).status();
    assert!(check.expect("sha256sum runs").success());
    let verified = done(&store(&processor, &["verify", text(&backup)]));
    for same in ["namespace", "incarnation", "end_sequence", "files", "bytes"] {
        assert_eq!(verified[same], told[same], "{same}");
    }

    // When it is restored in another folder, then that store has the same and an incarnation of its own
    let restored = processor.directory.path().join("restored");
    let told = restore(&processor, &backup, &restored);
    assert_ne!(told["incarnation"], stats["incarnation"]);
    assert_eq!(contents(&processor, &restored), contents(&processor, &processor.store()));
    let mut processor = processor.with("ORDERLY_STORE__PATH", text(&restored));
    let after = processor.store_command("stats");
    for same in [
        "namespace",
        "next_sequence",
        "first_sequence",
        "published_below",
        "orders",
        "skus",
        "identities",
        "parked",
    ] {
        assert_eq!(after[same], stats[same], "{same}");
    }
    processor.start();
    let orders = u32::try_from(number(&stats["orders"])).expect("a small number");
    assert_eq!(answers(&processor, orders), before);
    assert_eq!(processor.stop().code(), Some(0));

    // And nothing is restored over it, nor is a backup written over another one
    for arguments in [
        ["restore", text(&backup), "--store", text(&restored)],
        ["backup", text(&backup), "--store", text(&restored)],
    ] {
        let refused = store(&processor, &arguments);
        assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
        assert!(said(&refused).contains("there is something at"), "{}", said(&refused));
    }
    assert_eq!(processor.store_command("stats")["orders"], stats["orders"]);

    // And a shop of another namespace is warned: its processor would not take the store
    let elsewhere = processor.directory.path().join("elsewhere");
    let mut command =
        processor.command(&["store", "restore", text(&backup), "--store", text(&elsewhere)]);
    let warned = command.env("ORDERLY_BROKER__NAMESPACE", "another").output().expect("it runs");
    assert!(warned.status.success(), "{}", said(&warned));
    let namespace = told["namespace"].as_str().expect("a name");
    let wanted =
        format!("belongs to the namespace {namespace:?}, and broker.namespace is \"another\"");
    assert!(said(&warned).contains(&wanted), "{}", said(&warned));
}

/// A byte that changed in any file is found, and the file is named. So is a file that is missing.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_backup_is_refused_by_the_name_of_the_file() {
    let (processor, _) = stopped("damaged").await;
    let backup = processor.directory.path().join("backup");
    done(&store(&processor, &["backup", text(&backup)]));
    let all = files(&backup);
    let names: BTreeSet<_> = all.iter().map(|file| file.file_name().expect("a name")).collect();
    for tree in ["meta", "pages", "index", "timers", "journal"] {
        assert!(names.contains(format!("{tree}-000001").as_ref() as &std::ffi::OsStr), "{names:?}");
    }
    let damaged = processor.directory.path().join("damaged");
    let restored = processor.directory.path().join("restored");
    let refuse = |file: &Path, damage: &dyn Fn(&Path)| {
        copy(&backup, &damaged);
        let name = file.file_name().expect("a name");
        damage(&damaged.join(name));
        let refused = store(&processor, &["restore", text(&damaged), "--store", text(&restored)]);
        let said = self::said(&refused);
        assert_eq!(refused.status.code(), Some(74), "{name:?}: {said}");
        assert!(!restored.exists(), "{name:?}: there is a store");
        // `store verify` finds the same
        let found = store(&processor, &["verify", text(&damaged)]);
        assert_eq!(found.status.code(), Some(74), "{name:?}: {}", self::said(&found));
        let cause =
            |said: &str| said.rsplit_once(": the backup ").map(|(_, cause)| cause.to_owned());
        assert_eq!(cause(&self::said(&found)), cause(&said), "{name:?}");
        let left = files(processor.directory.path());
        assert!(!left.iter().any(|path| text(path).contains("restoring")), "{left:?}");
        fs::remove_dir_all(&damaged).expect("it is removed");
        said
    };
    for file in &all {
        let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
        let length = fs::metadata(file).expect("a file").len();
        for at in [0, 1, length / 2, length - 1] {
            let flip = |path: &Path| {
                let mut bytes = fs::read(path).expect("a file");
                bytes[usize::try_from(at).expect("a place")] ^= 0x20;
                fs::write(path, bytes).expect("it is written");
            };
            let said = refuse(file, &flip);
            // a changed checksum names the file that it is of
            let named = |file: &PathBuf| {
                said.contains(text(&damaged.join(file.file_name().expect("a name"))))
            };
            let of_another = name == "SHA256SUMS" && all.iter().any(named);
            assert!(said.contains(&format!("{name} ")) || of_another, "{name} at {at}: {said}");
        }
        let cut = |path: &Path| {
            let bytes = fs::read(path).expect("a file");
            fs::write(path, &bytes[..bytes.len() / 2]).expect("it is written");
        };
        refuse(file, &cut);
        let said = refuse(file, &|path| fs::remove_file(path).expect("it is removed"));
        assert!(said.contains(name), "{name} is missing: {said}");
    }
    // a checksum does not help against a file of another backup, or one too many
    let more = |path: &Path| copy(path, &path.with_file_name("pages-000002"));
    let with_sum = |path: &Path| {
        more(path);
        let sums = path.with_file_name("SHA256SUMS");
        let lines = fs::read_to_string(&sums).expect("the checksums");
        let line = lines.lines().find(|line| line.ends_with("pages-000001")).expect("its line");
        fs::write(&sums, format!("{lines}{}\n", line.replace("000001", "000002")))
            .expect("written");
    };
    let pages = all.iter().find(|file| file.ends_with("pages-000001")).expect("pages");
    assert!(refuse(pages, &with_sum).contains("pages-000002"));
    // And the backup itself is whole
    assert_eq!(restore(&processor, &backup, &restored)["audit"]["balanced"], true);
}

/// A processor that dies while it is backed up leaves no backup, and what it left is not in the way of the next one.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_interrupted_is_none() {
    let (url, namespace) = (shared_url(), namespace("interrupted"));
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("log");
    let mut processor = Processor::new(&url, &namespace)
        .logging_to(log.clone())
        .with("RUST_LOG", "info")
        .with("ORDERLY_STORE__BACKUP_RATE", "64KiB")
        .with("ORDERLY_STORE__CHECKPOINT_EVERY", "100ms");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    producer.publish(&[stock("tea", 1_000_000), stock("milk", 1_000_000)]).await;
    producer.publish(&story(0..500)).await;
    processor.wait(|processor| processor.metric("orderly_orders{", "paid") > 499.5);
    let backup = processor.directory.path().join("backup");
    let partial = processor.directory.path().join("backup.partial");
    let begin = |processor: &Processor| {
        let mut command = processor.command(&["store", "backup", text(&backup)]);
        command.env("ORDERLY_ADMIN__BIND", format!("127.0.0.1:{}", processor.port()));
        let mut child =
            command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
        while !fs::read_to_string(&log).expect("the log").contains("backup begun") {
            assert!(child.try_wait().expect("its state").is_none(), "it ended early");
            std::thread::sleep(Duration::from_millis(5));
        }
        child
    };

    // When a second backup begins meanwhile, then it is refused
    let first = begin(&processor);
    let other = processor.directory.path().join("other");
    let refused = store(&processor, &["backup", text(&other)]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("another backup is under way"), "{}", said(&refused));
    assert!(!other.exists() && partial.exists());
    // And when the processor dies, then there is no backup
    processor.kill();
    let output = first.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("broke off"), "{}", said(&output));
    assert!(!backup.exists() && !partial.exists());
    // And the store is sound
    let audit = processor.verify();
    assert_eq!(
        (&audit["balanced"], &audit["counts"]["statuses"]["paid"]),
        (&json!(true), &json!(500))
    );

    // And when the one who asked for it dies, then what is left is refused
    processor.start();
    let mut second = begin(&processor);
    second.kill().expect("it is killed");
    second.wait().expect("it is dead");
    assert!(partial.exists() && !backup.exists());
    for left in [&partial, &partial.join("new")] {
        let into = processor.directory.path().join("restored");
        let refused = store(&processor, &["restore", text(left), "--store", text(&into)]);
        assert_eq!(refused.status.code(), Some(74));
        assert!(said(&refused).contains("is not complete"), "{}", said(&refused));
    }
    // And the next one takes its place, here of the stopped store
    assert_eq!(processor.stop().code(), Some(0));
    let told = done(&store(
        &processor.with("ORDERLY_STORE__BACKUP_RATE", "1GiB"),
        &["backup", text(&backup)],
    ));
    assert!(number(&told["files"]) > 4, "{told}");
    assert!(!partial.exists());
}

/// What cannot be written where it should be is told, and nothing is left of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_leaves_nothing_half() {
    // Given a processor, a backup of it, and a folder that is not empty
    let (mut processor, _) = stopped("places").await;
    let folder = processor.directory.path().to_owned();
    let (backup, full) = (folder.join("backup"), folder.join("full"));
    let (missing, second, restored) =
        (folder.join("missing/one"), folder.join("second"), folder.join("restored"));
    fs::create_dir(&full).expect("made");
    fs::write(full.join("file"), "something").expect("written");
    processor.start();
    done(&store(&processor, &["backup", text(&backup)]));
    let before = files(&folder);
    let refuse = |processor: &Processor, arguments: &[&str], code: i32| {
        let refused = store(processor, arguments);
        assert_eq!(refused.status.code(), Some(code), "{arguments:?}: {}", said(&refused));
        assert_eq!(said(&refused).lines().count(), 1, "one line: {}", said(&refused));
        assert_eq!(files(&folder), before, "{arguments:?}");
        said(&refused)
    };

    // When the folder is not empty, or is to be made in one that is missing
    for place in [&full, &missing] {
        for arguments in
            [&["backup", text(place)][..], &["restore", text(&backup), "--store", text(place)]]
        {
            let said = refuse(&processor, arguments, 1);
            let expected =
                if place == &full { "there is something at" } else { "there is no folder" };
            assert!(
                said.contains(expected) && said.contains("missing") == (place == &missing),
                "{said}"
            );
        }
    }
    assert_eq!(files(&full), [full.join("file")]);

    // And when the disk is full
    let processor = processor.with_files_up_to(64 << 10);
    let said = refuse(&processor, &["backup", text(&second)], 1);
    assert!(said.contains("cannot write") && said.contains("File too large"), "{said}");
    let said = refuse(&processor, &["restore", text(&backup), "--store", text(&restored)], 74);
    assert!(said.contains("disk failed") && said.contains("File too large"), "{said}");

    // Then a slash at the end of a name changes nothing
    let processor = processor.with_files_up_to(1 << 40);
    fs::create_dir(&second).expect("made");
    done(&store(&processor, &["backup", &format!("{}/", text(&second))]));
    assert_eq!(restore(&processor, &second, &restored)["audit"]["balanced"], true);
}

/// Backups are made of stores of earlier builds as they are, and restored with this build.
#[test]
fn stores_of_earlier_builds_are_backed_up_as_they_are() {
    let mut formats = BTreeSet::new();
    for archive in released() {
        let processor = Processor::new("memory:", "released");
        let folder = processor.directory.path();
        unpack(&archive, folder);
        let before = processor.store_command("stats");
        let backup = folder.join("backup");
        done(&store(&processor, &["backup", text(&backup)]));
        assert_eq!(processor.store_command("stats"), before, "{}", archive.display());
        let manifest = fs::read(backup.join("manifest.json")).expect("a manifest");
        let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
        assert_eq!(manifest["store_format"], before["format"]);
        formats.insert(before["format"].to_string());

        let restored = folder.join("restored");
        assert_eq!(restore(&processor, &backup, &restored)["audit"]["balanced"], true);
        let of_store = contents(&processor, &processor.store());
        assert!(contents(&processor, &restored) == of_store, "{}", archive.display());
    }
    assert!(formats.len() > 3, "{formats:?}");
}

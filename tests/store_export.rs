//! `orderly store export` and `orderly store import`: a store made of an export is as the one that was exported, and what was
//! changed or cut is refused.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;
#[path = "support/stores.rs"]
mod stores;

use processor::Processor;
use producer::{Producer, stock};
use rabbit::shared_url;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use stores::{
    answers, contents, done, files, number, released, said, stopped, store, story, text, unpack,
};

fn lines(export: &Path) -> Vec<Value> {
    let text = fs::read_to_string(export).expect("an export in UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The lines without what differs from one export to the next.
fn comparable(mut lines: Vec<Value>) -> Vec<Value> {
    lines.pop().expect("the last line");
    let first = lines[0].as_object_mut().expect("an object");
    first.remove("exported_at").expect("a time");
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_store_answers_as_the_one_that_was_exported() {
    // Given a store that is stopped, and an export of it
    let (processor, before) = stopped("export").await;
    let folder = processor.directory.path().to_owned();
    let (export, imported) = (folder.join("shop.jsonl"), folder.join("imported"));
    let stats = processor.store_command("stats");
    let told = done(&store(&processor, &["export", text(&export)]));
    let all = lines(&export);
    assert_eq!(told, json!({ "export": export, "lines": all.len() }));
    assert_eq!(processor.store_command("stats"), stats, "an export changes nothing");

    // which is the same on standard output
    let printed = store(&processor, &["export"]);
    assert!(printed.status.success() && printed.stderr.is_empty(), "{}", said(&printed));
    let again = folder.join("again.jsonl");
    fs::write(&again, &printed.stdout).expect("it is written");
    assert_eq!(comparable(lines(&again)), comparable(all.clone()));

    // and has what the API shows
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for line in &all {
        *kinds.entry(line["kind"].as_str().expect("a kind")).or_default() += 1;
        if line["kind"] == "order" {
            let mut order = line["order"].clone();
            let id = order["order_id"].as_str().expect("an id").to_owned();
            let notifications = order.as_object_mut().expect("an object").remove("notifications");
            assert_eq!(order, before[&format!("/api/orders/{id}")]);
            let told = &before[&format!("/api/notifications?order_id={id}")]["items"];
            assert_eq!(notifications.as_ref(), Some(told));
        }
    }
    assert_eq!((kinds["order"], kinds["stock"], kinds["parked"]), (30, 2, 1), "{kinds:?}");
    assert_eq!((kinds["store"], kinds["end"]), (1, 1), "{kinds:?}");
    let cause = |line: &&Value| line["timeline"][0]["command_id"] == "place-o-00007";
    let unit = all.iter().find(cause).expect("the unit of a command");
    assert_eq!(unit["timeline"][2]["kind"], "order.placed", "{unit}");

    // When it is imported, from a file and from standard input
    let told = done(&store(&processor, &["import", text(&export), "--store", text(&imported)]));
    assert_eq!(told["audit"]["balanced"], true, "{told}");
    assert_eq!(told["next_sequence"], stats["next_sequence"]);
    assert_ne!(told["incarnation"], stats["incarnation"]);
    let second = folder.join("second");
    let mut import = processor.command(&["store", "import", "-", "--store", text(&second)]);
    let input = fs::File::open(&export).expect("the export");
    let output = import.stdin(Stdio::from(input)).output().expect("orderly runs");
    assert_eq!(done(&output)["audit"], told["audit"]);

    // Then the new store has the same
    assert_eq!(contents(&processor, &imported), contents(&processor, &processor.store()));
    let mut processor = processor.with("ORDERLY_STORE__PATH", text(&imported));
    let after = processor.store_command("stats");
    let same =
        ["namespace", "next_sequence", "first_sequence", "published_below", "orders", "carts"];
    for same in same.into_iter().chain(["skus", "identities", "parked", "parked_bytes", "format"]) {
        assert_eq!(after[same], stats[same], "{same}");
    }
    processor.start();
    assert_eq!(answers(&processor, 30), before);

    // and knows the commands that it has seen
    let producer = Producer::new(&shared_url(), &processor.namespace).await;
    producer.publish(&[stock("tea", 1_000), stock("milk", 1_000)]).await;
    producer.publish(&story(0..31)).await;
    let is = |processor: &Processor, labels: &str, wanted: f64| {
        (processor.metric("orderly_commands_total{", labels) - wanted).abs() < 0.5
    };
    processor.wait(|processor| {
        // o-00030 is placed, paid and amended
        is(processor, "type=\"order.place\",verdict=\"applied\"", 1.0)
            && is(processor, "type=\"payment.callback\",verdict=\"applied\"", 1.0)
            && is(processor, "type=\"order.amend\",verdict=\"applied\"", 1.0)
            && is(processor, "verdict=\"duplicate\"", 72.0)
    });
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["balanced"], true);

    // And nothing is imported over it
    let refused = store(&processor, &["import", text(&export), "--store", text(&imported)]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("there is something at"), "{}", said(&refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_was_changed_or_cut_is_refused() {
    let (processor, _) = stopped("changed").await;
    let folder = processor.directory.path().to_owned();
    let (export, changed) = (folder.join("shop.jsonl"), folder.join("changed.jsonl"));
    let imported = folder.join("imported");
    done(&store(&processor, &["export", text(&export)]));
    let whole = fs::read_to_string(&export).expect("an export");
    let all: Vec<&str> = whole.lines().collect();
    let refuse = |content: String, code: i32| {
        fs::write(&changed, content).expect("it is written");
        let refused = store(&processor, &["import", text(&changed), "--store", text(&imported)]);
        let said = said(&refused);
        assert_eq!(refused.status.code(), Some(code), "{said}");
        assert!(!imported.exists(), "there is a store");
        let left = files(&folder);
        assert!(!left.iter().any(|path| text(path).contains("importing")), "{left:?}");
        said
    };
    let joined = |lines: &[&str]| lines.join("\n") + "\n";
    let last = all.len() - 1;
    let middle = last / 2;
    // a number in what people read, too: nobody should believe a changed export
    let edited = whole.replacen("\"on_hand\":", "\"on_hand\":1", 1);
    assert_ne!(edited, whole);
    assert!(refuse(edited, 74).contains("the export was changed"));
    let mut swapped = all.clone();
    swapped.swap(last - 1, last - 2);
    refuse(joined(&swapped), 74);
    let mut fewer = all.clone();
    fewer.remove(middle);
    refuse(joined(&fewer), 74);
    let mut more = all.clone();
    more.insert(middle, all[middle]);
    refuse(joined(&more), 74);
    assert!(refuse(joined(&all[..last]), 74).contains("is not complete"));
    assert!(refuse(whole[..whole.len() / 2].to_owned(), 74).contains("line "));
    assert!(refuse(joined(&all[1..]), 74).contains("line 1 is not one of an export"));
    assert!(refuse(String::new(), 74).contains("is not complete"));
    assert!(refuse("{}\n".to_owned(), 74).contains("line 1"));
    let newer = whole.replacen("\"version\":1", "\"version\":2", 1);
    assert_ne!(newer, whole);
    assert!(refuse(newer, 78).contains("a newer build"));
    // And the export itself is whole
    done(&store(&processor, &["import", text(&export), "--store", text(&imported)]));
}

/// Stores of earlier builds are exported as they are, and imported as stores of this build.
#[test]
fn stores_of_earlier_builds_are_exported_and_imported() {
    let archives = released();
    for archive in &archives {
        let processor = Processor::new("memory:", "released");
        let folder = processor.directory.path();
        unpack(archive, folder);
        let before = processor.store_command("stats");
        let (export, imported) = (folder.join("shop.jsonl"), folder.join("imported"));
        done(&store(&processor, &["export", text(&export)]));
        assert_eq!(processor.store_command("stats"), before, "{}", archive.display());
        let told = done(&store(&processor, &["import", text(&export), "--store", text(&imported)]));
        assert_eq!(told["audit"]["balanced"], true, "{}: {told}", archive.display());
        assert_eq!(number(&told["next_sequence"]), number(&before["next_sequence"]));
        let of_store = contents(&processor, &processor.store());
        assert!(contents(&processor, &imported) == of_store, "{}", archive.display());
    }
    assert!(archives.len() > 3, "{archives:?}");
}

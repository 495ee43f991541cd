//! `orderly publish` and `orderly dead` as a person uses them: their messages and exit codes.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin;
use orderly_actors::clock::{Clock, SystemClock};
use processor::Processor;
use producer::Producer;
use rabbit::{namespace, shared_url};
use serde_json::{Value, json};
use std::time::Duration;

struct Shell {
    url: String,
    namespace: String,
}

impl Shell {
    /// Runs `orderly`. Returns its exit code and its output on standard error.
    fn run(&self, arguments: &[&str], input: &str) -> (Option<i32>, String) {
        let (code, _, said) = self.run_whole(arguments, input);
        (code, said)
    }

    /// The same with the lines on standard output, which are JSON, in between.
    fn run_whole(&self, arguments: &[&str], input: &str) -> (Option<i32>, Vec<Value>, String) {
        let output = Command::new(cargo_bin("orderly"))
            .env("ORDERLY_BROKER__URL", &self.url)
            .env("ORDERLY_BROKER__NAMESPACE", &self.namespace)
            .args(arguments)
            .write_stdin(input)
            .output()
            .expect("orderly runs");
        let lines = String::from_utf8_lossy(&output.stdout);
        let lines = lines.lines().map(|line| serde_json::from_str(line).expect("a line of JSON"));
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        (output.status.code(), lines.collect(), said)
    }
}

const LINE: &str = r#"{"type":"stock.set","id":"1","data":{"sku":"tea","on_hand":5}}"#;

#[test]
fn without_the_exchange_and_the_queue_the_commands_name_what_is_missing() {
    let shell = Shell { url: shared_url(), namespace: namespace("undeclared") };
    let exchange = format!("{}.commands", shell.namespace);

    let (code, said) = shell.run(&["publish"], LINE);
    assert_eq!(code, Some(1));
    assert!(said.contains(&format!("the exchange {exchange} does not exist")), "{said}");
    assert!(said.contains("orderly serve") && said.contains("nothing is published"), "{said}");
    assert!(!said.contains("the connection broke") && said.lines().count() == 1, "{said}");

    let (code, said) = shell.run(&["dead", "list"], "");
    assert_eq!(code, Some(1));
    assert!(said.contains(&format!("queue {}.dead does not exist", shell.namespace)), "{said}");
}

#[test]
fn a_failure_is_reported_once_with_the_number_of_published_commands() {
    let shell = Shell { url: shared_url(), namespace: namespace("says") };
    let mut processor = Processor::new(&shell.url, &shell.namespace).with("RUST_LOG", "off");
    processor.start();

    let (code, said) = shell.run(&["publish"], &format!("{LINE}\n"));
    assert_eq!((code, said.as_str()), (Some(0), "published 1 commands"));

    let broken = format!("{LINE}\n{{\"type\":\"stock.set\" 1}}");
    let (code, said) = shell.run(&["publish", "-"], &broken);
    assert_eq!(code, Some(1));
    let wanted = "orderly: nothing is published: the input is wrong: line 2, column 21: \
                  not JSON: a comma or a closing brace is expected here";
    assert_eq!(said, wanted);
    let (code, said) = shell.run(&["publish", "--no-check", "-"], &broken);
    assert_eq!(code, Some(1));
    let wanted = "orderly: 1 commands are published, then the input is wrong: line 2, column 21: \
                  not JSON: a comma or a closing brace is expected here";
    assert_eq!(said, wanted);

    let (code, said) = shell.run(&["publish", "--type", "stock.set", "--id", "2"], "{");
    assert_eq!(code, Some(1));
    assert!(
        said.ends_with("the document, line 1, column 1: not JSON: it ends within an object"),
        "{said}"
    );

    let (code, _) = shell.run(&["publish", "--id", "2"], "{}");
    assert_eq!(code, Some(2), "an id is for one document");
    assert_eq!(processor.stop().code(), Some(0));
}

/// A command of `kind` with this id and data, as a line of JSON.
fn line(kind: &str, id: &str, data: &Value) -> String {
    format!("{}\n", json!({"type": kind, "id": id, "data": data}))
}

fn counted(sku: &str) -> Value {
    json!({"sku": sku, "on_hand": 5})
}

#[test]
fn nothing_is_published_of_an_input_that_the_processor_would_refuse() {
    let shell = Shell { url: shared_url(), namespace: namespace("checks") };
    let mut processor = Processor::new(&shell.url, &shell.namespace).with("RUST_LOG", "off");
    processor.start();
    let good = line("stock.set", "good", &counted("tea"));
    let with = |more: &str| {
        format!(r#"{{"type":"stock.set","id":"2","data":{{"sku":"a","on_hand":1}},{more}}}"#)
    };
    let rows = [
        (line("stock.sett", "2", &counted("tea")), "type: there is no command \"stock.sett\""),
        (line("stock.set", "2", &json!({"sku": "tea", "on_hand": 7.5})), "on_hand: must be"),
        (line("stock.set", "2", &json!({"sku": "tea"})), "on_hand: is required"),
        (line("cart.clear", "2", &json!({"cart_id": "a b"})), "cart_id: must be"),
        (line("stock.set", "2", &json!({"sku": "x".repeat(70_000)})), "are allowed"),
        (with(r#""deadline":"tomorrow""#), "deadline: must be"),
        (with(r#""trace":"00-1""#), "trace: must be a traceparent"),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    for (wrong, said_of_it) in rows {
        // from a pipe
        let (code, said) = shell.run(&["publish"], &format!("{good}{wrong}"));
        assert_eq!(code, Some(1), "{wrong}");
        let wanted = "orderly: nothing is published: the input is wrong: line 2: ";
        assert!(said.starts_with(wanted) && said.contains(said_of_it), "{wrong}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        // and from a file
        let file = folder.path().join("commands.jsonl");
        std::fs::write(&file, format!("{good}{wrong}")).expect("a file");
        let (code, again) = shell.run(&["publish", file.to_str().expect("UTF-8")], "");
        assert_eq!((code, again), (Some(1), said));
    }
    let (code, said) =
        shell.run(&["publish", "--type", "stock.set"], r#"{"sku":"tea","on_hand":7.5}"#);
    assert_eq!(code, Some(1));
    assert!(
        said.starts_with(
            "orderly: nothing is published: the input is wrong: the document: on_hand: "
        ),
        "{said}"
    );
    let (code, said) = shell.run(&["publish", "--type", "stock.sett"], r#"{"sku":"tea"}"#);
    assert!(code == Some(1) && said.contains("there is no command \"stock.sett\""), "{said}");

    // a command behind all of these: nothing came before it
    let (code, verdicts, _) =
        shell.run_whole(&["publish", "--wait"], &line("stock.set", "last", &counted("milk")));
    assert_eq!((code, verdicts.len()), (Some(0), 1));
    assert!(processor.get("/api/stock/tea").is_none());
    assert_eq!(processor.get("/api/parked").expect("a list")["items"], json!([]));

    // without a check it is the processor that refuses
    let wrong = line("stock.set", "2", &json!({"sku": "tea", "on_hand": 7.5}));
    let (code, verdicts, said) =
        shell.run_whole(&["publish", "--no-check", "--wait"], &format!("{good}{wrong}"));
    assert_eq!(code, Some(1));
    let verdicts: Vec<_> = verdicts.iter().map(|verdict| &verdict["verdict"]).collect();
    assert_eq!(verdicts, ["applied", "invalid"]);
    assert!(said.contains("published 2 commands"), "{said}");
    assert!(said.ends_with("verdicts: 1 applied, 1 invalid"), "{said}");
    assert_eq!(processor.stop().code(), Some(0));
}

#[test]
fn waiting_prints_every_verdict_and_fails_unless_all_are_applied_or_duplicate() {
    let shell = Shell { url: shared_url(), namespace: namespace("waits") };
    let mut processor = Processor::new(&shell.url, &shell.namespace).with("RUST_LOG", "off");
    processor.start();
    let many: String = (0..1_300)
        .map(|n| line("stock.set", &format!("c-{n}"), &counted(&format!("s-{n}"))))
        .collect();

    let (code, verdicts, said) = shell.run_whole(&["publish", "--wait"], &many);
    assert_eq!((code, verdicts.len()), (Some(0), 1_300), "{said}");
    assert!(verdicts.iter().all(|verdict| verdict["verdict"] == "applied"));
    assert_eq!(verdicts[7]["command_id"], "c-7");
    assert_eq!(said, "published 1300 commands\nverdicts: 1300 applied");

    // the same again, one of them twice
    let again = format!("{}{LINE}\n{LINE}\n", line("stock.set", "c-0", &counted("s-0")));
    let (code, verdicts, said) = shell.run_whole(&["publish", "--wait"], &again);
    let seen: Vec<_> = verdicts.iter().map(|verdict| &verdict["verdict"]).collect();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(seen, ["duplicate", "applied", "duplicate"]);

    let refused = line("order.cancel", "c-x", &json!({"order_id": "none"}));
    let (code, verdicts, said) = shell.run_whole(&["publish", "--wait"], &refused);
    assert_eq!((code, &verdicts[0]["reason"]), (Some(1), &json!("order_not_found")), "{said}");
    assert!(said.ends_with("verdicts: 1 rejected"), "{said}");

    let document = json!({"sku": "tea", "delta": 1}).to_string();
    let arguments = ["publish", "--type", "stock.adjust", "--id", "c-y", "--wait"];
    let (code, verdicts, _) = shell.run_whole(&arguments, &document);
    assert_eq!((code, &verdicts[0]["command_id"]), (Some(0), &json!("c-y")));

    let (code, said) = shell.run(&["publish", "--wait"], &line_with_reply("c-z", "answers"));
    assert!(code == Some(1) && said.contains("reply_to: cannot be given with --wait"), "{said}");
    assert_eq!(shell.run(&["publish", "--timeout", "1s"], "").0, Some(2), "it belongs to --wait");
    assert_eq!(processor.stop().code(), Some(0));

    // nobody answers
    let clock = SystemClock::default();
    let began = clock.monotonic();
    let (code, verdicts, said) =
        shell.run_whole(&["publish", "--wait", "--timeout", "500ms"], &format!("{LINE}\n{LINE}\n"));
    assert_eq!((code, verdicts.len()), (Some(1), 0), "{said}");
    assert!(said.contains("no verdict on 2 of 2 commands, such as \"1\", for 500ms"), "{said}");
    let took = clock.monotonic().saturating_sub(began);
    assert!(took < Duration::from_secs(10), "{took:?}");
}

fn line_with_reply(id: &str, queue: &str) -> String {
    let data = counted("tea");
    format!("{}\n", json!({"type": "stock.set", "id": id, "data": data, "reply_to": queue}))
}

#[test]
fn a_line_carries_its_deadline_its_trace_and_the_queue_for_its_verdict() {
    let shell = Shell { url: shared_url(), namespace: namespace("carries") };
    let mut processor = Processor::new(&shell.url, &shell.namespace)
        .with("RUST_LOG", "off")
        .with("ORDERLY_EVENTS__PUBLISH", "[\"#\"]");
    processor.start();
    rabbit::runtime().block_on(async {
        let producer = Producer::new(&shell.url, &shell.namespace).await;
        let answers = producer.reply_queue().await;
        let events = producer.bind("events", "stock.changed").await;
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let traced = json!({
            "type": "stock.set", "id": "t-1", "data": counted("tea"), "reply_to": answers,
            "trace": trace, "deadline": "2199-01-01T00:00:00Z",
        });
        let late = |id: &str, deadline: Value| {
            json!({
                "type": "stock.set", "id": id, "data": counted("milk"), "reply_to": answers,
                "deadline": deadline,
            })
        };
        let input = [traced, late("t-2", json!("2001-01-01T00:00:00Z")), late("t-3", json!(1))];
        let input = input.map(|line| line.to_string()).join("\n");
        let (code, said) = shell.run(&["publish"], &input);
        assert_eq!(code, Some(0), "{said}");

        for (id, verdict, reason) in [
            ("t-1", "applied", Value::Null),
            ("t-2", "invalid", json!("deadline")),
            ("t-3", "invalid", json!("deadline")),
        ] {
            let got = producer.take(&answers).await;
            assert_eq!(got.body["command_id"], id);
            assert_eq!((&got.body["verdict"], &got.body["reason"]), (&json!(verdict), &reason));
            assert_eq!(got.correlation_id.as_deref(), Some(id));
        }
        let event = producer.take(&events).await;
        assert_eq!(event.body["subject"], "tea");
        let parent = event.traceparent.expect("the event continues the trace");
        assert_eq!(parent.split('-').nth(1), trace.split('-').nth(1));
    });
    assert_eq!(processor.stop().code(), Some(0));
}

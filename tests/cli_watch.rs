//! `orderly watch`: one picture for scripts, and pictures in a terminal until q or Ctrl-C.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use assert_cmd::cargo::cargo_bin;
use processor::Processor;
use producer::{Producer, Sent, captured, place, stock};
use rabbit::{namespace, shared_url};
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

fn watch(processor: &Processor, arguments: &[&str]) -> Output {
    let from = format!("http://127.0.0.1:{}", processor.port());
    let arguments = [&["watch", "--url", &from], arguments].concat();
    processor.command(&arguments).output().expect("orderly runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_gets_one_picture() {
    let (url, namespace) = (shared_url(), namespace("watch"));
    let mut processor = Processor::new(&url, &namespace);
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    producer.publish(&[stock("tea", 10), place("o-1", &[("tea", 2, 500)])]).await;
    producer.publish(&[captured("o-1", 1000), place("o-2", &[("tea", 1, 500)])]).await;
    producer.publish(&[Sent::new("order.place", "broken", &json!({}))]).await;
    processor.wait(|processor| processor.metric("orderly_parked{", "") > 0.5);

    let output = watch(&processor, &["--once", "--every", "200ms"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(said(&output), "");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(!text.contains('\x1b'), "no control characters: {text:?}");
    let line = |first: &str| -> Vec<&str> {
        let line = text.lines().find(|line| line.starts_with(first));
        line.unwrap_or_else(|| panic!("{first} in\n{text}")).split_whitespace().collect()
    };
    // the outcomes of notifications may add to the four commands
    let applied: u64 = line("applied")[2].parse().expect("a number");
    let metric = processor.metric("orderly_commands_total{", "verdict=\"applied\"");
    assert!(applied >= 4 && applied as f64 <= metric, "{applied} of {metric}");
    assert_eq!(line("invalid")[..3], ["invalid", "0.0", "1"]);
    assert_eq!(line("parked").join(" "), "parked validation 1");
    for part in [
        "awaiting payment               1",
        "paid                           1",
        "connected, 0 reconnects",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
    // notifications have no queue here, which a person should see
    assert!(text.lines().nth(1).is_some_and(|line| line.starts_with("ready")), "{text}");

    // Without a terminal there is nothing to draw on, and without a processor nothing to draw
    let refused = watch(&processor, &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("--once"), "{}", said(&refused));
    processor.kill();
    let refused = watch(&processor, &["--once"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("does not answer"), "{}", said(&refused));
}

/// A terminal of 80 columns and 24 lines, in which the command runs.
struct InTerminal {
    child: Child,
}

impl InTerminal {
    fn start(processor: &Processor) -> Self {
        let orderly = cargo_bin("orderly");
        // what the settings of the terminal are before and after; Ctrl-C goes to the shell, too
        let line = format!(
            "trap : INT; stty cols 80 rows 24; stty -g; {} watch --every 100ms --url http://127.0.0.1:{}; echo \"ended $?\"; stty -g",
            orderly.display(),
            processor.port()
        );
        let child = Command::new("script")
            .args(["-qfec", &line, "/dev/null"])
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script (util-linux) runs");
        Self { child }
    }

    /// Types a key once pictures come, and returns everything that was drawn.
    fn type_key(mut self, key: &[u8]) -> String {
        let mut out = self.child.stdout.take().expect("its output");
        let mut text = Vec::new();
        let mut buffer = [0; 4096];
        let mut typed = false;
        loop {
            let read = out.read(&mut buffer).expect("its output");
            if read == 0 {
                break;
            }
            text.extend_from_slice(&buffer[..read]);
            let pictures = text.windows(3).filter(|bytes| *bytes == b"\x1b[H").count();
            if pictures >= 3 && !typed {
                typed = true;
                let stdin = self.child.stdin.as_mut().expect("its input");
                stdin.write_all(key).and_then(|()| stdin.flush()).expect("it is typed");
            }
        }
        self.child.wait().expect("it ends");
        String::from_utf8(text).expect("UTF-8")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_drawn_until_q_or_ctrl_c() {
    let (url, namespace) = (shared_url(), namespace("watchlive"));
    let mut processor = Processor::new(&url, &namespace);
    processor.start();
    for key in [&b"q"[..], b"\x03"] {
        let text = InTerminal::start(&processor).type_key(key);
        let (before, rest) = text.split_once("\r\n").expect("the settings before");
        assert!(rest.contains("COMMANDS") && rest.contains("awaiting payment"), "{text}");
        // the pictures fit: none has a line that is longer than the terminal, or more lines
        let pictures: Vec<_> = rest.split("\x1b[H").skip(1).collect();
        assert!(pictures.len() >= 3, "{text}");
        for picture in &pictures[..pictures.len() - 1] {
            let lines: Vec<_> = picture.split("\r\n").collect();
            assert!(lines.len() <= 24, "{picture}");
            let long =
                |line: &&str| line.replace("\x1b[K", "").replace("\x1b[J", "").chars().count() > 80;
            assert!(!lines.iter().any(long), "{picture}");
        }
        // and the terminal is as it was, with a cursor
        let (_, end) = rest.rsplit_once("\x1b[?25h").expect("the cursor is shown again");
        let mut end = end.lines().map(str::trim).filter(|line| !line.is_empty());
        assert_eq!(end.next(), Some("ended 0"), "{text}");
        assert_eq!(end.next(), Some(before.trim()), "{text}");
    }

    // And when the processor dies, then it says so, and goes on
    let watching = InTerminal::start(&processor);
    tokio::time::sleep(Duration::from_millis(300)).await;
    processor.kill();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let text = watching.type_key(b"q");
    assert!(text.contains("NO ANSWER") && text.contains("ended 0"), "{text}");
}

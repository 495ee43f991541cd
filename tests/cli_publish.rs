//! `orderly publish` and `orderly dead` as a person uses them: their messages and exit codes.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/rabbit.rs"]
mod rabbit;

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin;
use processor::Processor;
use rabbit::{namespace, shared_url};

struct Shell {
    url: String,
    namespace: String,
}

impl Shell {
    /// Runs `orderly`. Returns its exit code and its output on standard error.
    fn run(&self, arguments: &[&str], input: &str) -> (Option<i32>, String) {
        let output = Command::new(cargo_bin("orderly"))
            .env("ORDERLY_BROKER__URL", &self.url)
            .env("ORDERLY_BROKER__NAMESPACE", &self.namespace)
            .args(arguments)
            .write_stdin(input)
            .output()
            .expect("orderly runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).trim().to_owned())
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

    let (code, said) =
        shell.run(&["publish", "-"], &format!("{LINE}\n{{\"type\":\"stock.set\" 1}}"));
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

//! Lines and documents, right and wrong.

use super::*;
use orderly_broker::{HeaderValue, Names};

fn read(text: &str) -> Vec<Result<CommandInput, Error>> {
    lines(text.as_bytes(), DEFAULT_SOURCE, |_| Ok(())).collect()
}

fn refused(text: &str) -> (u64, Refusal) {
    match read(text).pop() {
        Some(Err(Error::Line { number, source })) => (number, source),
        other => panic!("expected a refused line, got {other:?}"),
    }
}

#[test]
fn every_line_is_a_command_with_its_data_untouched() {
    let text = "{\"type\":\"stock.set\",\"id\":\"1\",\"data\":{ \"on_hand\": 1.50 }}\n\n\
                {\"id\":\"2\",\"source\":\"shop\",\"data\":7,\"type\":\"x\"}\r\n";
    let commands: Vec<CommandInput> =
        read(text).into_iter().collect::<Result<_, _>>().expect("valid");
    let seen: Vec<_> = commands
        .iter()
        .map(|command| (&*command.kind, &*command.id, &*command.source, command.data.get()))
        .collect();
    let wanted = [("stock.set", "1", "unknown", "{ \"on_hand\": 1.50 }"), ("x", "2", "shop", "7")];
    assert_eq!(seen, wanted);
}

#[test]
fn a_source_that_is_null_is_absent() {
    let line = r#"{"type":"a","id":"1","source":null,"data":{"x":null}}"#;
    let command = read(line).pop().expect("a line").expect("valid");
    assert_eq!((&*command.source, command.data.get()), ("unknown", r#"{"x":null}"#));
}

#[test]
fn nothing_in_is_nothing_out() {
    assert!(read("").is_empty());
    assert!(read("\n  \n").is_empty());
}

#[test]
fn a_wrong_line_ends_it_and_is_named() {
    let good = "{\"type\":\"a\",\"id\":\"1\",\"data\":1}\n";
    let text = format!("{good}\n{{\"type\":\"a\",\"id\":\"2\"}}\n{good}");
    let all = read(&text);
    assert_eq!(all.len(), 2, "nothing after the error: {all:?}");
    let (number, refusal) = refused(&text);
    assert_eq!(number, 3);
    assert!(matches!(refusal, Refusal::Shape(_)), "{refusal:?}");
}

/// An error and its causes, as the command line shows them.
fn shown(error: Error) -> String {
    format!("{:#}", anyhow::Error::new(error))
}

/// A row: the second line, and what is said of it. The place in the input is said once.
#[test]
fn what_is_wrong_with_a_line_is_said_with_its_number() {
    let rows = [
        (
            "{\"type\":\"a\" 7}",
            "line 2, column 13: not JSON: a comma or a closing brace is expected here",
        ),
        ("{\"type\":\"a\"", "line 2, column 11: not JSON: it ends within an object"),
        (
            "nonsense",
            "line 2, column 2: not JSON: this is none of true, false and null (a text must be in double quotes)",
        ),
        (
            "{\"type\":\"a\",\"data\":1}",
            "line 2: not a command: id: is required. Every line has its own id; --id is for one document with --type",
        ),
        ("{\"id\":\"1\",\"data\":1}", "line 2: not a command: type: is required"),
        ("{\"type\":\"a\",\"id\":\"1\"}", "line 2: not a command: data: is required"),
        ("{\"type\":null,\"id\":\"1\",\"data\":1}", "line 2: not a command: type: is required"),
        (
            "{\"type\":\"a\",\"id\":null,\"data\":1}",
            "line 2: not a command: id: is required. Every line has its own id; --id is for one document with --type",
        ),
        ("{\"type\":\"a\",\"id\":\"1\",\"data\":null}", "line 2: not a command: data: is required"),
        (
            "{\"type\":5,\"id\":\"1\",\"data\":1}",
            "line 2: not a command: type: must be a string, not 5",
        ),
        (
            "{\"type\":\"a\",\"id\":\"1\",\"soruce\":\"s\",\"data\":0}",
            "line 2: not a command: soruce: is none of type, id, source, deadline, reply_to, trace, data",
        ),
        ("[\"a\",\"1\",null,{}]", "line 2: not a command: it must be an object, not a list"),
        (
            "{\"type\":\"a\",\"id\":\"\",\"data\":0}",
            "line 2: `id` must be 1 to 255 bytes of printable ASCII",
        ),
    ];
    for (line, said) in rows {
        let text = format!("{{\"type\":\"a\",\"id\":\"1\",\"data\":1}}\n{line}\n");
        let error = read(&text).pop().expect("an error").expect_err(line);
        assert_eq!(shown(error), said);
    }
    let error = document("{\n  1}".as_bytes(), "a", "1", "s", |_| Ok(())).expect_err("no JSON");
    assert_eq!(
        shown(error),
        "the document, line 2, column 3: not JSON: the name of a field is expected here, in double quotes"
    );
}

#[test]
fn a_byte_order_mark_in_front_is_no_part_of_the_input() {
    let text = "\u{feff}{\"type\":\"a\",\"id\":\"1\",\"data\":1}\n";
    assert!(read(text).pop().expect("a line").is_ok());
    assert!(read("\u{feff}\n").is_empty());
    let command = document("\u{feff}{}".as_bytes(), "a", "1", "s", |_| Ok(())).expect("valid");
    assert_eq!(command.data.get(), "{}", "what is published has none");
    let (number, _) = refused(&format!("{}{text}", text.trim_start_matches('\u{feff}')));
    assert_eq!(number, 2, "only in front of the whole input");
}

#[test]
fn names_are_printable_and_not_too_long() {
    let line = |kind: &str, id: &str, source: &str| {
        format!(r#"{{"type":"{kind}","id":"{id}","source":"{source}","data":0}}"#)
    };
    let long = "x".repeat(256);
    let cases = [
        (line("", "1", "s"), "type"),
        (line("a", "", "s"), "id"),
        (line("a", &long, "s"), "id"),
        (line("a", "1", "naïve"), "source"),
        (line("a", "1", r"\u0007"), "source"),
    ];
    for (text, wanted) in cases {
        let (_, refusal) = refused(&text);
        assert!(matches!(refusal, Refusal::Name { field } if field == wanted), "{text}");
    }
    assert!(read(&line("a", &long[1..], "s"))[0].is_ok());
}

#[test]
fn an_endless_line_is_not_read_to_its_end() {
    let endless = io::BufReader::new(io::repeat(b'x'));
    let first = lines(endless, DEFAULT_SOURCE, |_| Ok(())).next();
    let too_large =
        matches!(first, Some(Err(Error::Line { number: 1, source: Refusal::TooLarge })));
    assert!(too_large, "{first:?}");
    let refused = document(io::repeat(b' '), "a", "1", "s", |_| Ok(())).expect_err("endless");
    assert!(matches!(refused, Error::Document(Refusal::TooLarge)), "{refused:?}");
}

#[test]
fn a_document_is_the_data_of_one_command() {
    let text = "{\n  \"order_id\": \"o-1\"\n}\n";
    let command =
        document(text.as_bytes(), "order.cancel", "c-1", "shop", |_| Ok(())).expect("valid");
    assert_eq!((&*command.kind, &*command.id, &*command.source), ("order.cancel", "c-1", "shop"));
    assert_eq!(command.data.get(), text.trim());
    for text in ["", "{", "{} {}"] {
        let refused = document(text.as_bytes(), "a", "1", "s", |_| Ok(())).expect_err(text);
        assert!(matches!(refused, Error::Document(Refusal::Syntax { .. })), "{refused:?}");
    }
}

#[test]
fn a_line_may_have_a_deadline_a_queue_for_the_verdict_and_a_trace() {
    let line = |more: &str| format!(r#"{{"type":"a","id":"1","data":1,{more}}}"#);
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let text = line(&format!(
        r#""deadline":"2026-01-31T12:00:00Z","reply_to":"answers","trace":"{trace}""#
    ));
    let command = read(&text).pop().expect("a line").expect("valid");
    let message = command.message(&Names::new("shop"));
    let properties = &message.properties;
    assert_eq!(properties.deadline, Some(HeaderValue::from("2026-01-31T12:00:00Z")));
    assert_eq!(properties.traceparent.as_deref(), Some(trace));
    let reply = (properties.reply_to.as_deref(), properties.correlation_id.as_deref());
    assert_eq!(reply, (Some("answers"), Some("1")));

    let seconds = read(&line(r#""deadline":1769860800"#)).pop().expect("a line").expect("valid");
    assert_eq!(seconds.deadline, Some(HeaderValue::Integer(1_769_860_800)));
    let none = read(&line(r#""deadline":null,"reply_to":null,"trace":null"#));
    let none = none.into_iter().next().expect("a line").expect("valid");
    assert_eq!((none.deadline, none.reply_to, none.trace), (None, None, None));

    for (wrong, field) in [
        (r#""deadline":1.5"#, "deadline"),
        (r#""deadline":true"#, "deadline"),
        (r#""trace":7"#, "trace"),
        (r#""reply_to":[]"#, "reply_to"),
    ] {
        let (_, refusal) = refused(&line(wrong));
        assert!(refusal.to_string().contains(&format!("{field}: must be")), "{refusal}");
    }
    let (_, refusal) = refused(&line(r#""reply_to":"""#));
    assert!(matches!(refusal, Refusal::Name { field: "reply_to" }), "{refusal:?}");
}

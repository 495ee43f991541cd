//! What is said of wrong values.

use super::*;

#[test]
fn a_number_without_a_unit_is_an_error_that_names_its_key() {
    let scratch = Scratch::new();
    let text = "[orders]\nhold_for = 900\n[intake]\nmax_command_size = 65536\n\
                [broker]\nretry_delays = [\"1s\", 30]\n";
    let file = scratch.file("o.toml", text);
    let told: Vec<String> =
        problems(Some(&file), &[]).iter().map(|problem| format!("{problem}")).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].starts_with("broker.retry_delays: element 1"), "{told:?}");
    assert!(told[1].starts_with("intake.max_command_size: "), "{told:?}");
    assert!(told[2].starts_with("orders.hold_for: "), "{told:?}");
    assert!(told.iter().all(|told| told.contains("with its unit")), "{told:?}");

    let problem = the_problem(&[("ORDERLY_CARTS__EXPIRE_AFTER", "365")]);
    assert_eq!(problem.key, "carts.expire_after");
    assert!(problem.source.contains("ORDERLY_CARTS__EXPIRE_AFTER"), "{problem}");
    assert!(problem.what.contains("with its unit"), "{problem}");
}

#[test]
fn values_out_of_range_are_errors() {
    let cases = [
        ("ORDERLY_BROKER__PREFETCH", "0"),
        ("ORDERLY_BROKER__PREFETCH", "65536"),
        ("ORDERLY_BROKER__PREFETCH", "many"),
        ("ORDERLY_BROKER__URL", "http://localhost"),
        ("ORDERLY_BROKER__NAMESPACE", ""),
        ("ORDERLY_BROKER__NAMESPACE", "my shop"),
        ("ORDERLY_BROKER__NAMESPACE", "amq.orders"),
        ("ORDERLY_BROKER__RETRY_DELAYS", "[]"),
        ("ORDERLY_BROKER__RETRY_DELAYS", "[\"5m\", \"30s\"]"),
        ("ORDERLY_BROKER__RETRY_DELAYS", "[\"1s\", \"1s\"]"),
        ("ORDERLY_BROKER__RETRY_DELAYS", "[\"0s\"]"),
        ("ORDERLY_BROKER__RETRY_DELAYS", "[\"50d\"]"),
        ("ORDERLY_BROKER__RETRY_DELAYS", "\"1s\""),
        ("ORDERLY_BROKER__TOPOLOGY", "guess"),
        ("ORDERLY_BROKER__CA_FILE", "/nowhere/ca.pem"),
        ("ORDERLY_STORE__PATH", ""),
        ("ORDERLY_STORE__HISTORY_RETENTION", "29d"),
        ("ORDERLY_STORE__CACHE", "1KiB"),
        ("ORDERLY_ADMIN__BIND", "localhost"),
        ("ORDERLY_ADMIN__BIND", "0.0.0.0:8080"),
        ("ORDERLY_ADMIN__TOKEN", "two words"),
        ("ORDERLY_ORDERS__HOLD_CAP", "14m"),
        ("ORDERLY_ORDERS__HOLD_FOR", "0s"),
        ("ORDERLY_ORDERS__WAITING_MAX", "0"),
        ("ORDERLY_INTAKE__MAX_COMMAND_SIZE", "2MiB"),
        ("ORDERLY_EVENTS__PUBLISH", "[\"order*\"]"),
        ("ORDERLY_EVENTS__PUBLISH", "order.*"),
        ("ORDERLY_NOTIFICATIONS__CHANNELS", "[\"pigeon\"]"),
        ("ORDERLY_LOG__FORMAT", "xml"),
        ("ORDERLY_TELEMETRY__OTLP_ENDPOINT", "localhost:4318"),
        ("ORDERLY_TELEMETRY__SAMPLE_RATIO", "1.5"),
    ];
    for (name, value) in cases {
        let problem = the_problem(&[(name, value)]);
        let key = name["ORDERLY_".len()..].to_lowercase().replace("__", ".");
        let named = problem.key == key || problem.key == "admin.token";
        assert!(named, "{name}={value}: {problem}");
    }
}

#[test]
fn an_error_about_a_secret_of_the_wrong_type_names_what_it_found_without_repeating_it() {
    let scratch = Scratch::new();
    let file = scratch.file("o.toml", "[admin]\ntoken = 4711\n[broker]\nurl = [\"s3cret\"]\n");
    let told: Vec<String> = problems(Some(&file), &[]).iter().map(Problem::to_string).collect();
    assert!(told[0].starts_with("admin.token: must be a text in quotes, not a number"), "{told:?}");
    assert!(told[1].starts_with("broker.url: must be a text in quotes, not a list"), "{told:?}");
    assert!(told.iter().all(|told| !told.contains("4711") && !told.contains("s3cret")), "{told:?}");
}

/// Every key gets values of every type, from the environment and from a file. No text shows how values are read.
#[test]
fn a_wrong_value_is_told_in_the_words_of_the_file() {
    const OF_A_PARSER: [&str; 22] = [
        "expected", "found", "invalid", "u8", "u16", "u32", "u64", "usize", "nonzero", "unsigned",
        "signed", "float", "sequence", " map", "struct", "enum ", "variant", "literal", "syntax",
        "socket", "TOML", "0000002",
    ];
    const VALUES: [&str; 9] = [
        "true",
        "-1",
        "1.1",
        "0.1",
        "71234567890",
        "\"nonsense\"",
        "[1.1, true]",
        "[[]]",
        "{ a = 1 }",
    ];
    let scratch = Scratch::new();
    let mut told = BTreeSet::new();
    for key in keys().keys() {
        let name = format!("ORDERLY_{}", key.to_uppercase().replace('.', "__"));
        for value in VALUES {
            // a text stands without quotes in a variable
            let variable = (name.as_str(), value.trim_matches('"'));
            if let Err(Error::Invalid(problems)) = Config::load(None, environment(&[variable])) {
                told.extend(problems);
            }
            let (section, key) = key.rsplit_once('.').expect("a section");
            let file = scratch.file("o.toml", &format!("[{section}]\n{key} = {value}\n"));
            if let Err(Error::Invalid(problems)) = Config::load(Some(&file), []) {
                told.extend(problems);
            }
        }
    }
    assert!(told.len() > 300, "{}", told.len());
    for problem in told {
        for word in OF_A_PARSER {
            assert!(!problem.what.contains(word), "{word:?}: {problem}");
        }
    }
}

#[test]
fn a_wrong_value_is_told_with_what_it_must_be_and_what_it_is() {
    let rows = [
        ("ORDERLY_BROKER__PREFETCH", "0", "must be a whole number from 1 to 65535, not 0"),
        ("ORDERLY_BROKER__PREFETCH", "1.1", "must be a whole number from 1 to 65535, not 1.1"),
        ("ORDERLY_BROKER__PREFETCH", "many", "must be a number, such as 2000, not \"many\""),
        ("ORDERLY_BROKER__PREFETCH", "", "must be a number, such as 2000, not \"\""),
        (
            "ORDERLY_BROKER__TOPOLOGY",
            "guess",
            "must be one of \"declare\", \"verify\", not \"guess\"",
        ),
        (
            "ORDERLY_EVENTS__PUBLISH",
            "order.*",
            "must be a list, such as [\"a\", \"b\"], not \"order.*\"",
        ),
        ("ORDERLY_EVENTS__PUBLISH", "7", "must be a list in brackets, not 7"),
        (
            "ORDERLY_NOTIFICATIONS__CHANNELS",
            "[\"pigeon\"]",
            "element 0: must be one of \"amqp\", \"webhook\", not \"pigeon\"",
        ),
        (
            "ORDERLY_ADMIN__BIND",
            "localhost",
            "must be an IP address with a port in quotes, such as \"127.0.0.1:8080\" or \"[::1]:8080\", not \"localhost\"",
        ),
        ("ORDERLY_BROKER__URL", "localhost", "not a URL: it does not begin with a scheme"),
    ];
    for (name, value, wanted) in rows {
        assert_eq!(the_problem(&[(name, value)]).what, wanted, "{name}={value}");
    }
}

#[test]
fn a_pattern_that_matches_no_type_of_event_is_an_error() {
    let rows = [
        ("[\"ordr.*\"]", "\"ordr.*\" matches no type of event; did you mean \"order.*\"?"),
        (
            "[\"#\", \"order.payed\"]",
            "\"order.payed\" matches no type of event; did you mean \"order.paid\"?",
        ),
        (
            "[\"shipment.sent\"]",
            "\"shipment.sent\" matches no type of event; events are about order, payment, stock, cart, notification, command",
        ),
        ("[\"order\"]", "\"order\" matches no type of event; did you mean \"order.*\"?"),
    ];
    for (value, wanted) in rows {
        let problem = the_problem(&[("ORDERLY_EVENTS__PUBLISH", value)]);
        assert_eq!((problem.key.as_str(), problem.what.as_str()), ("events.publish", wanted));
    }
    for right in ["[\"#\"]", "[\"*.paid\"]", "[\"order.#\", \"stock.low\"]", "[\"#.parked\"]"] {
        loaded(&[("ORDERLY_EVENTS__PUBLISH", right)]);
    }
}

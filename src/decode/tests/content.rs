//! JSON that is not the body itself: in Base64, or behind a byte order mark.

use super::*;

#[test]
fn the_data_of_a_structured_event_may_be_base64() {
    let inbound = DECODER.decode(&in_base64(DATA.as_bytes()));
    let expected = Command::parse(Kind::OrderComplete, DATA.as_bytes());
    assert_eq!(inbound.command, expected);
    let detail = "order_id: is required".to_owned();
    assert_eq!(problem(&in_base64(b"{}")), (Reason::Validation, detail));
    let detail = "not JSON: it is not UTF-8 (line 1, column 1)".to_owned();
    assert_eq!(problem(&in_base64(b"\xff\xd8")), (Reason::Malformed, detail));
}

#[rstest]
#[case(r#""data_base64":"e30=","data":{}"#, "data_base64: must not be there beside data")]
#[case(r#""data_base64":"e30""#, "data_base64: must be Base64 (RFC 4648, padded), and is not")]
#[case(r#""data_base64":"e3 0=""#, "data_base64: must be Base64 (RFC 4648, padded), and is not")]
#[case(r#""data_base64":{}"#, "data_base64: must be a string, not an object")]
#[case(r#""data_base64":null"#, "data: is required")]
fn data_in_base64_that_cannot_be_read_are_malformed(#[case] data: &str, #[case] detail: &str) {
    let event =
        format!(r#"{{"specversion":"1.0","id":"m","source":"s","type":"order.cancel",{data}}}"#);
    assert_eq!(problem(&cloud_event(&event)), (Reason::Malformed, detail.to_owned()));
}

#[test]
fn a_byte_order_mark_is_accepted() {
    let mark = "\u{feff}";
    let event = r#"{"specversion":"1.0","id":"m","source":"s","type":"order.complete","data":{"order_id":"o"}}"#;
    for message in [
        plain("order.complete", Some("m"), &format!("{mark}{DATA}")),
        cloud_event(&format!("{mark}{event}")),
        in_base64(format!("{mark}{DATA}").as_bytes()),
        Message { body: format!("{mark}{DATA}").into(), ..binary() },
    ] {
        let inbound = DECODER.decode(&message);
        assert!(inbound.command.is_ok(), "{:?}", inbound.command);
        assert_eq!(inbound.raw.body, message.body, "what is parked are the bytes that came");
    }
    let alone = plain("order.complete", Some("m"), mark);
    assert_eq!(problem(&alone).1, "not JSON: it is empty (line 1, column 1)");
    let twice = plain("order.complete", Some("m"), &format!("{mark}{mark}{DATA}"));
    assert_eq!(problem(&twice).0, Reason::Malformed);
}

/// What a parked message is about is read from the JSON in it, also where the body is not that JSON itself.
#[test]
fn an_invalid_message_keeps_the_json_that_was_read() {
    let data = r#"{"order_id":7,"provider":"acme","event_id":"e-1"}"#;
    for message in [
        plain("payment.callback", Some("m"), &format!("\u{feff}{data}")),
        in_base64(data.as_bytes()),
    ] {
        let inbound = DECODER.decode(&message);
        assert!(inbound.command.is_err());
        let content = inbound.content.expect("the body is not the JSON itself");
        assert_eq!(Subject::read(&content), Subject::read(data.as_bytes()));
    }
    let inbound = DECODER.decode(&plain("order.complete", Some("m"), "{}"));
    assert_eq!(inbound.content, None, "the body itself is the JSON");
}

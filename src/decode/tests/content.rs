//! JSON that is not the body itself: compressed, in Base64, or behind a byte order mark.

use super::*;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;

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
        assert_eq!(data_of(&inbound.raw), data.as_bytes());
    }
    let inbound = DECODER.decode(&plain("order.complete", Some("m"), "{}"));
    assert_eq!(data_of(&inbound.raw), "{}", "the body itself is the JSON");
}

fn gzip(content: &[u8], level: Compression) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(content).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn encoded(message: Message, encoding: &str, body: Vec<u8>) -> Message {
    let mut message = Message { body: body.into(), ..message };
    message.properties.content_encoding = Some(encoding.to_owned());
    message
}

fn compressed(message: Message) -> Message {
    let body = gzip(&message.body, Compression::default());
    encoded(message, "gzip", body)
}

#[test]
fn a_compressed_body_is_read_in_every_form() {
    let event = r#"{"specversion":"1.0","id":"m","source":"s","type":"order.complete","data":{"order_id":"o"}}"#;
    for message in [
        plain("order.complete", Some("m"), DATA),
        plain("order.complete", Some("m"), &format!("\u{feff}{DATA}")),
        cloud_event(event),
        in_base64(DATA.as_bytes()),
        Message { body: DATA.into(), ..binary() },
    ] {
        let expected = DECODER.decode(&message).command;
        assert!(expected.is_ok(), "{expected:?}");
        let sent = compressed(message);
        let inbound = DECODER.decode(&sent);
        assert_eq!(inbound.command, expected);
        assert_eq!(inbound.raw.body, sent.body, "what is parked are the bytes that came");
        assert_eq!(inbound.raw.content_encoding.as_deref(), Some("gzip"));
    }
}

#[rstest]
#[case("GZIP")]
#[case(" gzip ")]
fn the_name_of_an_encoding_has_no_case(#[case] encoding: &str) {
    let body = gzip(DATA.as_bytes(), Compression::best());
    let message = encoded(plain("order.complete", Some("m"), ""), encoding, body);
    assert!(DECODER.decode(&message).command.is_ok());
}

#[rstest]
#[case("")]
#[case("identity")]
#[case("Identity")]
fn a_body_without_encoding_is_read_as_it_is(#[case] encoding: &str) {
    let message = encoded(plain("order.complete", Some("m"), ""), encoding, DATA.into());
    let inbound = DECODER.decode(&message);
    assert!(inbound.command.is_ok());
    assert_eq!(data_of(&inbound.raw), DATA);
}

#[test]
fn two_gzip_members_are_one_content() {
    let (first, second) = DATA.split_at(7);
    let body = [first, second].map(|part| gzip(part.as_bytes(), Compression::fast())).concat();
    let message = encoded(plain("order.complete", Some("m"), ""), "gzip", body);
    assert!(DECODER.decode(&message).command.is_ok());
}

#[rstest]
#[case("br", "\"br\"")]
#[case("deflate", "\"deflate\"")]
#[case("gzip, gzip", "\"gzip, gzip\"")]
#[case("utf-8", "\"utf-8\"")]
fn another_encoding_is_malformed_and_named(#[case] encoding: &str, #[case] found: &str) {
    let message = encoded(plain("order.complete", Some("m"), ""), encoding, DATA.into());
    let detail = format!("content_encoding: must be gzip or identity, not {found}");
    assert_eq!(problem(&message), (Reason::Malformed, detail));
    let id = DECODER.decode(&message).id;
    assert_eq!(id.as_ref().map(CommandId::as_str), Some("m"), "it shows its sender");
}

#[test]
fn a_body_that_is_no_gzip_is_malformed() {
    let whole = gzip(DATA.as_bytes(), Compression::default());
    let mut damaged = whole.clone();
    damaged[12] ^= 0xff;
    let mut wrong_sum = whole.clone();
    wrong_sum[whole.len() - 6] ^= 0xff;
    let behind = [&whole[..], b"garbage"].concat();
    let detail = "content_encoding: the body is not gzip, or it is damaged or cut";
    for body in [
        DATA.as_bytes().to_vec(),
        damaged,
        wrong_sum,
        behind,
        whole[..whole.len() - 3].to_vec(),
        whole[..5].to_vec(),
    ] {
        let message = encoded(plain("order.complete", Some("m"), ""), "gzip", body);
        assert_eq!(problem(&message), (Reason::Malformed, detail.to_owned()));
    }
    let nothing = encoded(plain("order.complete", Some("m"), ""), "gzip", Vec::new());
    assert_eq!(problem(&nothing).0, Reason::Malformed);
}

/// The limit is 1024 bytes.
#[test]
fn the_limit_is_that_of_the_decompressed_body() {
    let largest = format!("{DATA:1024}");
    for level in [Compression::none(), Compression::best()] {
        let fits = encoded(
            plain("order.complete", Some("m"), ""),
            "gzip",
            gzip(largest.as_bytes(), level),
        );
        assert!(DECODER.decode(&fits).command.is_ok());
        let larger = gzip(format!("{largest} ").as_bytes(), level);
        let larger = encoded(plain("order.complete", Some("m"), ""), "gzip", larger);
        let detail = "the decompressed body has more than 1024 bytes, which are the most allowed";
        assert_eq!(problem(&larger), (Reason::TooLarge, detail.to_owned()));
    }
    // a body that would decompress to a thousand times its size is not decompressed to its end
    let bomb = gzip(&vec![b' '; 1 << 20], Compression::best());
    assert!(bomb.len() < 1100, "{}", bomb.len());
    let content = super::super::content::readable(&bomb, Some("gzip"), 1024);
    assert_eq!(content.expect_err("is too large").reason, Reason::TooLarge);
    let bomb = encoded(plain("order.complete", Some("m"), ""), "gzip", bomb);
    assert_eq!(problem(&bomb).0, Reason::TooLarge);
    // a compressed body that cannot be within the limit is not decompressed at all
    let many = gzip(b"", Compression::fast()).repeat(200);
    let many = encoded(plain("order.complete", Some("m"), ""), "gzip", many);
    let (reason, detail) = problem(&many);
    assert_eq!(reason, Reason::TooLarge);
    assert!(detail.starts_with("the body has "), "{detail}");
}

#[test]
fn the_subject_of_a_compressed_message_can_be_read() {
    let data = r#"{"order_id":7,"provider":"acme","event_id":"e-1"}"#;
    let inbound = DECODER.decode(&compressed(plain("payment.callback", Some("m"), data)));
    assert!(inbound.command.is_err());
    assert_eq!(Subject::read(&data_of(&inbound.raw)), Subject::read(data.as_bytes()));
}

/// What an invalid message names is read from bytes that are cut, too long, or not what they say.
#[test]
fn the_data_are_read_as_far_as_possible() {
    let data = format!(r#"{{"order_id":"o-1","note":"{}"}}"#, "x".repeat(5_000));
    let whole = gzip(data.as_bytes(), Compression::none());
    let of = |body: &[u8], content_type: Option<&str>, encoding: Option<&str>| {
        let raw = Raw {
            body: Bytes::copy_from_slice(body),
            content_type: content_type.map(str::to_owned),
            content_encoding: encoding.map(str::to_owned),
        };
        Subject::read(&data_of(&raw)).order_id.map(|id| id.to_string())
    };
    let read = Some("o-1".to_owned());
    assert_eq!(of(&whole, None, Some("gzip")), read, "larger than a command may be");
    assert_eq!(of(&whole[..4_000], None, Some(" GZIP")), read, "cut");
    assert_eq!(of(data.as_bytes(), None, Some("br")), read, "not encoded as it says");
    assert_eq!(of(b"\xef\xbb\xbf{\"order_id\": \"o-1\"}", None, None), read, "a byte order mark");
    let event = |data: &str| format!(r#"{{"specversion": 1, "id": 7, "data_base64": "{data}"}}"#);
    let encoded = STANDARD.encode(&data);
    let structured = Some("application/cloudevents+json; charset=utf-8");
    assert_eq!(
        of(event(&encoded).as_bytes(), structured, None),
        read,
        "an envelope of wrong types"
    );
    assert_eq!(of(event("%").as_bytes(), structured, None), None);
    assert_eq!(of(b"", structured, Some("gzip")), None);
    let bomb = gzip(&vec![b' '; 64 << 20], Compression::best());
    let raw =
        Raw { body: bomb.into(), content_encoding: Some("gzip".to_owned()), ..Raw::default() };
    assert_eq!(data_of(&raw).len(), MAX_WHOLE_BODY);
}

/// The trace of a structured event that is no command is read like its data.
#[test]
fn the_trace_of_an_invalid_event_is_read_as_far_as_possible() {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let event = |rest: &str| format!(r#"{{"specversion":"1.0","traceparent":"{trace}",{rest}"#);
    let large = event(&format!(r#""note":"{}"}}"#, "x".repeat(5_000)));
    let cut = gzip(large.as_bytes(), Compression::none())[..4_000].to_vec();
    for (message, what) in [
        (cloud_event(&event(r#""id":7}"#)), "an attribute of a wrong type"),
        (cloud_event(&event(r#""id":"m","data":{"order_id":"o-"#)), "cut"),
        (cloud_event(&large), "larger than a command may be"),
        (compressed(cloud_event(&event(r#""id":[]}"#))), "compressed"),
        (encoded(cloud_event(""), "gzip", cut), "compressed and cut"),
        (encoded(cloud_event(""), "br", event("}").into_bytes()), "not encoded as it says"),
    ] {
        let inbound = DECODER.decode(&message);
        assert!(inbound.command.is_err(), "{what}");
        assert_eq!(inbound.trace, TraceParent::parse(trace), "{what}");
    }
    let mut with_header = cloud_event(&event("}"));
    with_header.properties.traceparent = Some(trace.replace("0af7", "1af7"));
    assert_eq!(
        DECODER.decode(&with_header).trace,
        TraceParent::parse(&trace.replace("0af7", "1af7"))
    );
    // the data of a plain message name no trace
    let data = event(r#""order_id":7}"#);
    let inbound = DECODER.decode(&plain("order.complete", Some("m"), &data));
    assert!(inbound.command.is_err() && inbound.trace.is_none());
}

#[test]
fn the_text_of_a_body_is_what_a_person_reads() {
    let compressed = gzip(DATA.as_bytes(), Compression::default());
    assert_eq!(text_of(&compressed, Some("gzip"), 1024).as_deref(), Some(DATA));
    assert_eq!(text_of(&compressed, None, 1024), None);
    assert_eq!(text_of(DATA.as_bytes(), None, 1024).as_deref(), Some(DATA));
    assert_eq!(text_of(b"\xff", None, 1024), None);
    assert_eq!(text_of(&compressed[..9], Some("gzip"), 1024), None);
}

#[test]
fn fields_that_are_not_known_come_with_the_command() {
    for message in [
        plain("order.complete", Some("m"), r#"{"order_id":"o","color":"red"}"#),
        in_base64(br#"{"order_id":"o","color":"red"}"#),
        Message { body: r#"{"order_id":"o","color":"red"}"#.into(), ..binary() },
    ] {
        let inbound = DECODER.decode(&message);
        assert_eq!(inbound.ignored.texts().collect::<Vec<_>>(), ["color"]);
    }
}

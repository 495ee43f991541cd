//! Deadlines and timestamps.

use super::*;

#[rstest]
#[case(HeaderValue::from(NEW_YEAR))]
#[case(HeaderValue::from("2026-01-01T01:00:00+01:00"))]
#[case(HeaderValue::from("1767225600"))]
#[case(HeaderValue::from("1767225600000"))]
#[case(HeaderValue::Timestamp(1_767_225_600))]
#[case(HeaderValue::Timestamp(1_767_225_600_000))]
#[case(HeaderValue::Integer(1_767_225_600))]
#[case(HeaderValue::Integer(1_767_225_600_000))]
fn a_deadline_is_a_time_in_every_sensible_type(#[case] deadline: HeaderValue) {
    let data = r#"{"specversion":"1.0","id":"m","source":"s","type":"order.complete","data":{"order_id":"o"}}"#;
    for mut message in [plain("order.complete", Some("m"), DATA), cloud_event(data), binary()] {
        message.properties.deadline = Some(deadline.clone());
        let inbound = DECODER.decode(&message);
        assert!(inbound.command.is_ok(), "{:?}", inbound.command);
        assert_eq!(inbound.deadline, Timestamp::parse(NEW_YEAR).ok());
    }
}

#[rstest]
#[case(HeaderValue::from(""), "\"\"")]
#[case(HeaderValue::from("2026-01-01"), "\"2026-01-01\"")]
#[case(HeaderValue::from("-1"), "\"-1\"")]
#[case(HeaderValue::from("1767225600.5"), "\"1767225600.5\"")]
#[case(HeaderValue::from("99999999999999999999"), "\"99999999999999999999\"")]
#[case(HeaderValue::Integer(-1), "-1")]
#[case(HeaderValue::Integer(1_767_225_600_000_000), "1767225600000000")]
#[case(HeaderValue::Timestamp(u64::MAX), "the AMQP timestamp 18446744073709551615")]
#[case(HeaderValue::Other("true or false"), "true or false")]
#[case(HeaderValue::Other("a number with a decimal point"), "a number with a decimal point")]
fn a_deadline_of_another_type_is_invalid_and_named(
    #[case] deadline: HeaderValue,
    #[case] found: &str,
) {
    let event = r#"{"specversion":"1.0","id":"m-1","source":"s","type":"order.complete","data":{"order_id":"o"}}"#;
    for mut message in [plain("order.complete", Some("m-1"), DATA), cloud_event(event), binary()] {
        message.properties.deadline = Some(deadline.clone());
        let (reason, detail) = problem(&message);
        assert_eq!(reason, Reason::Validation);
        assert!(detail.starts_with("deadline: must be an RFC 3339 time"), "{detail}");
        assert!(detail.ends_with(&format!(", not {found}")), "{detail}");
        let id = DECODER.decode(&message).id;
        assert_eq!(id.as_ref().map(CommandId::as_str), Some("m-1"), "it shows its sender");
    }
}

#[test]
fn a_timestamp_in_milliseconds_is_told_apart_from_seconds() {
    let mut message = plain("order.complete", Some("m"), DATA);
    for (timestamp, expected) in [
        (1_767_225_600, NEW_YEAR),
        (1_767_225_600_000, NEW_YEAR),
        (1_767_225_600_250, "2026-01-01T00:00:00.25Z"),
    ] {
        message.properties.timestamp = Some(timestamp);
        let inbound = DECODER.decode(&message);
        assert!(inbound.command.is_ok());
        assert_eq!(inbound.time, Timestamp::parse(expected).ok(), "{timestamp}");
    }
    message.properties.timestamp = Some(1_767_225_600_000_000);
    let expected =
        "timestamp: must be seconds or milliseconds since 1970, not 1767225600000000".to_owned();
    assert_eq!(problem(&message), (Reason::Validation, expected));
}

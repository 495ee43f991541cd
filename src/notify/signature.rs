//! How a receiver knows that a webhook is ours: HMAC-SHA256 under a secret that both know, over the
//! time and the body as it is sent. The time is signed so that an old request cannot be sent again
//! as a new one.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt::Write as _;

/// The header with the time of the attempt: seconds since 1970 in decimal.
pub const TIMESTAMP_HEADER: &str = "orderly-timestamp";
/// The header with the signature: `v1=` and 64 lower-case hexadecimal digits.
pub const SIGNATURE_HEADER: &str = "orderly-signature";

/// The value of [`SIGNATURE_HEADER`]: HMAC-SHA256 over the decimal timestamp, a full stop, and the
/// bytes of the body.
pub fn sign(secret: &[u8], timestamp: u64, body: &[u8]) -> String {
    let mac = mac(secret, timestamp, body);
    let mut text = String::from("v1=");
    for byte in mac.finalize().into_bytes() {
        let _ = write!(text, "{byte:02x}"); // writing to a string cannot fail
    }
    text
}

/// Whether a signature is ours, in constant time: what a receiver written in Rust does.
pub fn is_ours(secret: &[u8], timestamp: u64, body: &[u8], signature: &str) -> bool {
    let Some(digits) = signature.strip_prefix("v1=") else {
        return false;
    };
    let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(byte).collect();
    bytes.is_some_and(|bytes| mac(secret, timestamp, body).verify_slice(&bytes).is_ok())
}

fn mac(secret: &[u8], timestamp: u64, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key may have any length");
    mac.update(timestamp.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}

fn byte(digits: &[u8]) -> Option<u8> {
    let digit =
        |digit: &u8| char::from(*digit).to_digit(16).filter(|_| !digit.is_ascii_uppercase());
    match digits {
        [high, low] => u8::try_from(digit(high)? << 4 | digit(low)?).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with OpenSSL: `printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret`.
    const KNOWN: &str = "v1=49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686";

    #[test]
    fn a_signature_is_the_one_that_others_compute() {
        assert_eq!(sign(b"secret", 1_700_000_000, br#"{"a":1}"#), KNOWN);
    }

    #[test]
    fn the_documented_one_is_ours() {
        let page = include_str!("../../docs/webhooks.md");
        let value = |name: &str| {
            let row = page.lines().find_map(|line| line.strip_prefix(&format!("| {name} | `")));
            row.and_then(|row| row.strip_suffix("` |")).expect("it is documented")
        };
        let timestamp = value("`orderly-timestamp`").parse().expect("seconds");
        let signature = value("`orderly-signature`");
        assert!(is_ours(b"0123456789abcdef", timestamp, value("body").as_bytes(), signature));
    }

    #[test]
    fn only_the_same_secret_time_and_body_have_the_same_signature() {
        let ours = |secret: &[u8], time, body: &[u8], signature: &str| {
            is_ours(secret, time, body, signature)
        };
        let body = br#"{"a":1}"#;
        assert!(ours(b"secret", 1_700_000_000, body, KNOWN));
        assert!(!ours(b"Secret", 1_700_000_000, body, KNOWN));
        assert!(!ours(b"secret", 1_700_000_001, body, KNOWN));
        assert!(!ours(b"secret", 1_700_000_000, br#"{"a":2}"#, KNOWN));
        for wrong in ["", "v1=", "v1=00", "v2=00", &KNOWN[3..], &KNOWN.to_uppercase()] {
            assert!(!ours(b"secret", 1_700_000_000, body, wrong), "{wrong}");
        }
    }
}

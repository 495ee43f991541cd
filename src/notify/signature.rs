//! The signature of a webhook request: HMAC-SHA256, under a secret that both sides know, over the time and the body. The
//! receiver can tell that orderly sent the request. The time is signed so that an old request cannot pass for a new one.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The header with the time of the attempt: seconds since 1970 in decimal.
pub const TIMESTAMP_HEADER: &str = "orderly-timestamp";
/// The header with the signature: `v1=` and 64 lower-case hexadecimal digits.
pub const SIGNATURE_HEADER: &str = "orderly-signature";

/// The value of [`SIGNATURE_HEADER`]: HMAC-SHA256 over the decimal timestamp, a full stop, and the
/// bytes of the body.
pub fn sign(secret: &[u8], timestamp: u64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key may have any length");
    mac.update(timestamp.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    format!("v1={}", hex::encode(mac.finalize().into_bytes()))
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
    fn the_documented_example_has_the_right_signature() {
        let page = include_str!("../../docs/webhooks.md");
        let value = |name: &str| {
            let row = page.lines().find_map(|line| line.strip_prefix(&format!("| {name} | `")));
            row.and_then(|row| row.strip_suffix("` |")).expect("it is documented")
        };
        let timestamp = value("`orderly-timestamp`").parse().expect("seconds");
        let signature = value("`orderly-signature`");
        assert_eq!(sign(b"0123456789abcdef", timestamp, value("body").as_bytes()), signature);
    }

    #[test]
    fn another_secret_time_or_body_has_another_signature() {
        let body = br#"{"a":1}"#;
        assert_ne!(sign(b"Secret", 1_700_000_000, body), KNOWN);
        assert_ne!(sign(b"secret", 1_700_000_001, body), KNOWN);
        assert_ne!(sign(b"secret", 1_700_000_000, br#"{"a":2}"#), KNOWN);
    }
}

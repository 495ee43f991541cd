//! The file of certificates, and the virtual host.

use super::super::{Config, Problem};
use rstest::rstest;
use std::ffi::OsString;

const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/tls/ca.pem");

fn load(variables: &[(&str, &str)]) -> Result<Config, Vec<Problem>> {
    let variables =
        variables.iter().map(|(name, value)| (OsString::from(*name), OsString::from(*value)));
    Config::load(None, variables).map_err(|error| match error {
        super::super::Error::Invalid(problems) => problems,
        other => panic!("{other}"),
    })
}

fn with_ca_file(path: &str) -> Result<Config, Vec<Problem>> {
    load(&[
        ("ORDERLY_BROKER__URL", "amqps://shop:s3cret@mq.example.com/prod"),
        ("ORDERLY_BROKER__CA_FILE", path),
    ])
}

#[test]
fn a_file_with_a_certificate_is_valid() {
    let config = with_ca_file(AUTHORITY).expect("valid");
    assert_eq!(config.broker.ca_file().and_then(std::path::Path::to_str), Some(AUTHORITY));
    assert_eq!(config.warnings(), []);
}

#[rstest]
#[case::empty("", "has no certificate")]
#[case::another_text("trust me\n", "has no certificate")]
#[case::only_a_key(
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----\n",
    "has no certificate"
)]
#[case::cut("-----BEGIN CERTIFICATE-----\nMIIB\n", "is no text of certificates")]
#[case::no_base64(
    "-----BEGIN CERTIFICATE-----\n§§§\n-----END CERTIFICATE-----\n",
    "is no text of certificates"
)]
#[case::no_certificate_in_it(
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "certificate 1 in the file cannot be used"
)]
fn a_file_without_a_certificate_is_refused(#[case] text: &str, #[case] said: &str) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("ca.pem");
    std::fs::write(&path, text).expect("a file in a temporary directory");
    let path = path.to_str().expect("UTF-8");
    let problems = with_ca_file(path).expect_err("is refused");
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    assert_eq!(problem.key, "broker.ca_file");
    assert!(problem.what.contains(path) && problem.what.contains(said), "{problem}");
}

#[test]
fn a_file_that_cannot_be_read_is_refused() {
    for path in ["/nowhere/ca.pem", "/"] {
        let problems = with_ca_file(path).expect_err("is refused");
        assert_eq!(problems[0].key, "broker.ca_file");
        assert!(problems[0].what.contains("cannot be read"), "{problems:?}");
    }
}

#[rstest]
#[case("amqp://guest:guest@127.0.0.1:5672/", true)]
#[case("amqp://[::1]:5672/", true)]
#[case("amqp://127.0.0.1", false)]
#[case("amqp://127.0.0.1/%2f", false)]
#[case("memory:", false)]
fn an_empty_virtual_host_is_doubted(#[case] url: &str, #[case] doubted: bool) {
    let warnings = load(&[("ORDERLY_BROKER__URL", url)]).expect("valid").warnings();
    let found = warnings.iter().any(|warning| {
        warning.key == "broker.url" && warning.doubt.contains("the virtual host is empty")
    });
    assert_eq!(found, doubted, "{warnings:?}");
}

//! Traces for OpenTelemetry.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use url::Url;

use super::report::Report;
use super::wrong_value::told_of_url;

/// The variables of OpenTelemetry with the endpoint: the first for traces, as it is; the second for all signals.
const VARIABLES: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
/// The path of traces below the endpoint for all signals.
const TRACES: &str = "v1/traces";

/// Section `telemetry`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// The endpoint of a collector for OTLP over HTTP, without `/v1/traces`. Empty: none, unless OpenTelemetry's own variables
    /// name one.
    pub otlp_endpoint: String,
    /// The share of commands without a trace that begin one.
    pub sample_ratio: Ratio,
}

impl Telemetry {
    pub(super) fn check(&self, report: &mut Report) {
        if let Err(problem) = check_endpoint(&self.otlp_endpoint) {
            report.require(false, "telemetry.otlp_endpoint", problem);
        }
    }

    /// Where traces are sent to. `variable` gives the variables of the environment. None: nowhere.
    pub fn traces_url(&self, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
        let given = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let [of_traces, of_all] = VARIABLES.map(|name| variable(name).and_then(given));
        if !self.otlp_endpoint.is_empty() {
            return Some(below(&self.otlp_endpoint));
        }
        of_traces.or_else(|| of_all.map(|base| below(&base)))
    }
}

fn below(base: &str) -> String {
    format!("{}/{TRACES}", base.trim_end_matches('/'))
}

fn check_endpoint(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Ok(());
    }
    let url = Url::parse(text).map_err(|error| format!("not a URL: {}", told_of_url(error)))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("the scheme of the endpoint is `http` or `https`".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err("the endpoint has no user, no password and no query".to_owned());
    }
    Ok(())
}

/// A share from 0 to 1, to a millionth.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ratio(u32);

impl Ratio {
    const WHOLE: u32 = 1_000_000;

    /// How many of a million.
    pub const fn per_million(self) -> u32 {
        self.0
    }

    fn new(share: f64) -> Option<Self> {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to a million"
        )]
        let part =
            (0.0..=1.0).contains(&share).then(|| (share * f64::from(Self::WHOLE)).round() as u32);
        part.map(Self)
    }

    fn share(self) -> f64 {
        f64::from(self.0) / f64::from(Self::WHOLE)
    }
}

impl Default for Ratio {
    fn default() -> Self {
        Self(Self::WHOLE)
    }
}

impl fmt::Debug for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.share().fmt(f)
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.share())
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let share = f64::deserialize(deserializer)?;
        Self::new(share).ok_or_else(|| de::Error::custom("a share is a number from 0 to 1"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(endpoint: &str) -> Telemetry {
        Telemetry { otlp_endpoint: endpoint.to_owned(), ..Telemetry::default() }
    }

    #[test]
    fn the_endpoint_is_the_configured_one_or_that_of_the_environment() {
        let none = |_: &str| None;
        let both = |name: &str| {
            Some(
                if name.contains("TRACES") { "http://t:1/x" } else { "http://all:4318/" }
                    .to_owned(),
            )
        };
        let all = |name: &str| both(name).filter(|_| !name.contains("TRACES"));
        let empty = |_: &str| Some(" ".to_owned());
        assert_eq!(of("").traces_url(none), None);
        assert_eq!(of("").traces_url(empty), None);
        assert_eq!(of("").traces_url(both).as_deref(), Some("http://t:1/x"), "as it is");
        assert_eq!(of("").traces_url(all).as_deref(), Some("http://all:4318/v1/traces"));
        let own = of("http://own:4318").traces_url(both);
        assert_eq!(own.as_deref(), Some("http://own:4318/v1/traces"));
    }

    #[test]
    fn an_endpoint_is_a_url_of_http_without_secrets() {
        for good in ["", "http://localhost:4318", "https://collector.example.org/otlp"] {
            assert_eq!(check_endpoint(good), Ok(()), "{good}");
        }
        for bad in ["localhost:4318", "grpc://x:4317", "http://me:s3cret@x", "http://x/?key=s3cret"]
        {
            let problem = check_endpoint(bad).expect_err(bad);
            assert!(!problem.contains("s3cret"), "{problem}");
        }
    }

    #[test]
    fn a_ratio_is_from_0_to_1() {
        assert_eq!(Ratio::new(0.25).map(Ratio::per_million), Some(250_000));
        assert_eq!(Ratio::new(1.0), Some(Ratio::default()));
        assert_eq!(Ratio::new(0.0).map(Ratio::per_million), Some(0));
        for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Ratio::new(bad), None, "{bad}");
        }
    }
}

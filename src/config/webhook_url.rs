//! The URL of a webhook. Its query may hold a key: only [`WebhookUrl::expose`] shows the query.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use url::{Host, Url};

use super::secret::{MASK, secret_text};
use super::wrong_value::told_of_url;

/// The URL of a webhook. An empty one means that none is set.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct WebhookUrl(Option<Url>);

/// Why a text is not a [`WebhookUrl`]. No variant repeats the text, which may hold a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookUrlError {
    /// The text is not a URL.
    #[error("not a URL: {}", told_of_url(*.0))]
    Malformed(url::ParseError),
    /// The scheme is not that of HTTP.
    #[error("the scheme of a webhook's URL is `https` or `http`")]
    Scheme,
    /// The URL has a user or a password. A request has a signature instead.
    #[error("a webhook's URL has no user and no password: requests are signed")]
    Userinfo,
}

impl WebhookUrl {
    /// The URL with its query, for the request. Empty when none is set.
    pub fn expose(&self) -> &str {
        self.0.as_ref().map_or("", Url::as_str)
    }

    /// Scheme, host and port, for people: path and query may hold a key.
    pub fn origin(&self) -> String {
        self.0.as_ref().map_or_else(String::new, |url| url.origin().ascii_serialization())
    }

    /// Whether no URL is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether requests are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.0.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    /// Whether requests stay on this machine.
    pub fn is_local(&self) -> bool {
        match self.0.as_ref().and_then(Url::host) {
            None => true,
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
        }
    }
}

impl FromStr for WebhookUrl {
    type Err = WebhookUrlError;

    fn from_str(text: &str) -> Result<Self, WebhookUrlError> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let mut url = Url::parse(text).map_err(WebhookUrlError::Malformed)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(WebhookUrlError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(WebhookUrlError::Userinfo);
        }
        url.set_fragment(None);
        Ok(Self(Some(url)))
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => Ok(()),
            Some(url) if url.query().is_none() => f.write_str(url.as_str()),
            Some(url) => {
                let mut shown = url.clone();
                shown.set_query(Some(MASK));
                f.write_str(shown.as_str())
            }
        }
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl Serialize for WebhookUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WebhookUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        secret_text(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_key_in_the_query_is_exposed_and_never_printed() {
        let text = "https://shop.example.com/hooks?key=s3cret";
        let url: WebhookUrl = text.parse().expect("a URL");
        assert_eq!(url.expose(), text);
        assert_eq!(url.origin(), "https://shop.example.com");
        let json = serde_json::to_string(&url).expect("a text is JSON");
        for printed in [url.to_string(), format!("{url:?}"), json] {
            assert!(printed.contains("https://shop.example.com/hooks?***"), "{printed}");
            assert!(!printed.contains("s3cret"), "{printed}");
        }
    }

    #[rstest]
    #[case("http://localhost:8000/hook", true, false)]
    #[case("http://127.0.0.1/hook", true, false)]
    #[case("http://[::1]/hook", true, false)]
    #[case("https://shop.example.com/", false, true)]
    #[case("http://10.0.0.7/", false, false)]
    fn a_url_is_known_to_be_local_and_to_be_encrypted(
        #[case] url: WebhookUrl,
        #[case] local: bool,
        #[case] encrypted: bool,
    ) {
        assert_eq!((url.is_local(), url.is_encrypted()), (local, encrypted), "{url}");
    }

    #[rstest]
    #[case("ftp://shop.example.com/", WebhookUrlError::Scheme)]
    #[case("https://me:s3cret@shop.example.com/", WebhookUrlError::Userinfo)]
    #[case("https://me@shop.example.com/", WebhookUrlError::Userinfo)]
    #[case("shop.example.com", WebhookUrlError::Malformed(url::ParseError::RelativeUrlWithoutBase))]
    fn a_text_that_is_not_the_url_of_a_webhook_is_refused(
        #[case] text: &str,
        #[case] wanted: WebhookUrlError,
    ) {
        assert_eq!(text.parse::<WebhookUrl>(), Err(wanted));
        assert!(!wanted.to_string().contains("s3cret"));
    }
}

//! Which step of a request failed: what a person has to look at.

use hyper_util::client::legacy;
use orderly_domain::notification::Failure;
use std::error::Error;
use std::io;

/// How `hyper-util` begins the error of a name that was not resolved. Its type is private.
const UNRESOLVED: &str = "dns error";

/// The failure, and what the library says about it where that helps.
pub(super) fn cause(error: &legacy::Error) -> (Failure, Option<String>) {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    for cause in causes {
        if let Some(error) = tls(cause) {
            return (Failure::Tls, Some(format!("{}: {error}", Failure::Tls)));
        }
        if cause.to_string() == UNRESOLVED {
            return (Failure::Unresolved, None);
        }
        match cause.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => return (Failure::Refused, None),
            Some(io::ErrorKind::TimedOut) => return (Failure::Timeout, None),
            Some(_) | None => {}
        }
    }
    (if error.is_connect() { Failure::NoConnection } else { Failure::Broken }, None)
}

/// The error of TLS, if it is one. It is wrapped in errors of input and output, which do not give it as their source.
fn tls<'a>(mut cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    loop {
        if let Some(error) = cause.downcast_ref() {
            return Some(error);
        }
        cause = cause.downcast_ref::<io::Error>()?.get_ref()?;
    }
}

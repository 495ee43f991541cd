//! The values of arguments. An error says what the value should be; `clap` names the argument and repeats the value.

use std::net::SocketAddr;
use std::str::FromStr;

/// Reads a whole number that is not negative.
///
/// # Errors
///
/// The text is no such number, or one that is too large.
pub(super) fn count<T: FromStr>(text: &str) -> Result<T, &'static str> {
    text.parse().map_err(|_| "must be a whole number, such as 100")
}

/// Reads an IP address with a port.
///
/// # Errors
///
/// The text is another one.
pub(super) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "must be an IP address with a port, such as 127.0.0.1:8080")
}

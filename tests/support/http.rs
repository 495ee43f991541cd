//! HTTP as it is on the wire: any method, and every byte of the answer.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An answer, read until the server closed the connection.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The names are in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The problem document, after a check of what every such document has.
    pub(crate) fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let document = self.json();
        assert_eq!(document["status"], status, "{document}");
        assert_eq!(document["type"], "about:blank", "{document}");
        assert!(document["title"].is_string() && document["detail"].is_string(), "{document}");
        document
    }
}

/// Reads to the end of an answer. A stream of events has none: of one the first event is enough.
fn read(connection: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    let mut part = [0; 16 << 10];
    loop {
        let length = connection.read(&mut part).expect("an answer and its end");
        answer.extend_from_slice(&part[..length]);
        let has = |text: &[u8]| answer.windows(text.len()).any(|part| part == text);
        if length == 0 || (has(b"text/event-stream") && has(b"\n\n")) {
            return answer;
        }
    }
}

/// Sends one request on a connection of its own.
pub(crate) fn ask(address: SocketAddr, method: &str, target: &str) -> Answer {
    ask_with(address, method, target, &[], "")
}

/// The same with headers and a body.
pub(crate) fn ask_with(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let line = |(name, value): &(&str, &str)| format!("{name}: {value}\r\n");
    let headers: String = headers.iter().map(line).collect();
    let length = match body.len() {
        0 => String::new(),
        length => line(&("content-length", &length.to_string())),
    };
    let request = format!(
        "{method} {target} HTTP/1.1\r\nhost: {address}\r\n{headers}{length}connection: close\r\n\r\n{body}"
    );
    let mut connection = TcpStream::connect(address).expect("a connection");
    connection.set_read_timeout(Some(Duration::from_secs(30))).expect("a limit");
    connection.write_all(request.as_bytes()).expect("it is sent");
    let answer = read(&mut connection);
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head");
    let head = std::str::from_utf8(&answer[..end]).expect("UTF-8");
    let body = match std::str::from_utf8(&answer[end + 4..]) {
        Ok(body) => body.to_owned(),
        // an archive is no text
        Err(_) if head.contains("application/x-tar") => String::new(),
        Err(error) => panic!("{error}: {head}"),
    };
    let (line, headers) = head.split_once("\r\n").unwrap_or((head, ""));
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let headers = headers.lines().filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    Answer { status: status.expect("a status"), headers: headers.collect(), body }
}

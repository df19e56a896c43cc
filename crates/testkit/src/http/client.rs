//! A client for tests with one connection a request, so that broken connections show.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value as Json;

/// An answer as it came over the wire.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// Whether the body has the length that its header promised.
    pub complete: bool,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.body))
    }
}

/// Sends a request to `http://address`; `None` when the server is gone or the connection broke before an answer.
pub(crate) fn send(
    base: &str,
    method: &str,
    path: &str,
    headers: &[(&str, String)],
    body: Option<&str>,
) -> Option<Answer> {
    let host = base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).ok()?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&[name, ": ", value, "\r\n"].concat());
    }
    let body = body.unwrap_or_default();
    if !body.is_empty() {
        head.push_str(&["Content-Length: ", &body.len().to_string(), "\r\n"].concat());
    }
    stream.write_all([&head, "\r\n", body].concat().as_bytes()).ok()?;
    let mut bytes = Vec::new();
    // A connection that breaks ends the body where it is.
    let _ended = stream.read_to_end(&mut bytes);
    parse(&String::from_utf8_lossy(&bytes))
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let promised = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let complete = promised.is_none_or(|promised: usize| promised == body.len());
    Some(Answer { status, headers, body: body.to_owned(), complete })
}

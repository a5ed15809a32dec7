//! One request over a fresh connection: all that comparing REST answers needs.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// The largest answer that is read.
const ANSWER_BYTES_MAX: u64 = 16 << 20;
/// How long one read or write may take.
const TIMEOUT: Duration = Duration::from_secs(100);

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Header lines with lower-case names, in order.
    pub headers: Vec<(String, String)>,
    /// The body, with chunks joined.
    pub body: String,
}

impl Answer {
    /// The first header of that lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A request; its path goes out as it is written here, wrong escapes included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Header lines besides `Host`, `Accept`, `Connection` and `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<String>,
}

impl Request {
    /// A request without a body.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// A GET.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a JSON body, which may be broken.
    #[must_use]
    pub fn json(self, body: impl ToString) -> Self {
        self.header("Content-Type", "application/json").text(body)
    }

    /// With a body of no stated type.
    #[must_use]
    pub fn text(mut self, body: impl ToString) -> Self {
        self.body = Some(body.to_string());
        self
    }

    fn head(&self, port: u16) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        head.push_str(&format!("Host: 127.0.0.1:{port}\r\nConnection: close\r\n"));
        if !self.headers.iter().any(|(name, _)| name == "Accept") {
            head.push_str("Accept: */*\r\n");
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = &self.body {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        head
    }
}

/// GETs `path` from a loopback port.
///
/// # Errors
/// When nobody listens there, or the answer is not HTTP/1.1.
pub fn get(port: u16, path: &str) -> io::Result<Answer> {
    send(port, &Request::get(path))
}

/// Sends a request to a loopback port and reads the whole answer.
///
/// # Errors
/// As [`get`].
pub fn send(port: u16, request: &Request) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut bytes = request.head(port).into_bytes();
    bytes.extend_from_slice(request.body.as_deref().unwrap_or_default().as_bytes());
    // A server may answer before it has read the whole body, and close: what counts is its answer.
    let written = stream.write_all(&bytes);
    let mut bytes = Vec::new();
    let read = stream.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    if let Some(answer) = parse(&text) {
        return Ok(answer);
    }
    written.and(read)?;
    Err(io::Error::other(format!("not an HTTP answer: {text}")))
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let chunked = headers
        .iter()
        .any(|(n, v)| n == "transfer-encoding" && v == "chunked");
    let body = if chunked {
        join_chunks(body)?
    } else {
        body.to_owned()
    };
    Some(Answer {
        status,
        headers,
        body,
    })
}

fn join_chunks(mut text: &str) -> Option<String> {
    let mut body = String::new();
    loop {
        let (size, rest) = text.split_once("\r\n")?;
        let size = usize::from_str_radix(size.split(';').next()?, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.push_str(rest.get(..size)?);
        text = rest.get(size..)?.strip_prefix("\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined_and_headers_found() {
        let answer = parse(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n",
        )
        .unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.body, "{\"a\":1}");
    }
}

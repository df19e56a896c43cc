//! As much of HTTP/1.1 as it takes to know where a message ends. Messages are passed on byte by byte as they came.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

/// Heads that are longer are no HTTP.
const MAX_HEAD: usize = 1 << 20;

/// A request or an answer.
#[derive(Debug, Default)]
pub(super) struct Message {
    /// From the first line to the empty line, included.
    pub(super) head: Vec<u8>,
    /// The body as it is on the wire, chunk sizes included.
    pub(super) body: Vec<u8>,
    /// Whether the connection goes on after it.
    pub(super) keeps: bool,
}

impl Message {
    /// The parts of the first line.
    pub(super) fn start_line(&self) -> impl Iterator<Item = String> {
        let line = self.head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        String::from_utf8_lossy(line).split(' ').map(str::to_owned).collect::<Vec<_>>().into_iter()
    }

    fn header(&self, name: &str) -> Option<String> {
        let head = String::from_utf8_lossy(&self.head).into_owned();
        head.split("\r\n").skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }

    fn says(&self, name: &str, value: &str) -> bool {
        self.header(name).is_some_and(|found| found.to_ascii_lowercase().contains(value))
    }
}

/// Reads a request; none when the connection ended before one began.
pub(super) async fn request(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Message>> {
    let mut message = Message { head: head(input).await?, ..Message::default() };
    if message.head.is_empty() {
        return Ok(None);
    }
    message.keeps = !message.says("connection", "close");
    body(input, &mut message, false).await?;
    Ok(Some(message))
}

/// Reads the answer to a request with this method. Informational answers are skipped.
pub(super) async fn answer(input: &mut (impl AsyncBufRead + Unpin), method: &str) -> io::Result<Message> {
    loop {
        let mut message = Message { head: head(input).await?, ..Message::default() };
        if message.head.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        message.keeps = !message.says("connection", "close");
        let status = message.start_line().nth(1).unwrap_or_default();
        if status.starts_with('1') {
            continue;
        }
        if method != "HEAD" && status != "204" && status != "304" {
            body(input, &mut message, true).await?;
        }
        return Ok(message);
    }
}

async fn head(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if input.read_until(b'\n', &mut head).await? == 0 {
            return if head.is_empty() { Ok(head) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        if head.len() > MAX_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(head)
}

/// Reads the body. That of an answer without a length ends with the connection; one that ends too early is passed on so.
async fn body(input: &mut (impl AsyncBufRead + Unpin), message: &mut Message, is_answer: bool) -> io::Result<()> {
    if message.says("transfer-encoding", "chunked") {
        return chunks(input, message).await;
    }
    match message.header("content-length").map(|length| length.parse::<u64>()) {
        Some(Ok(length)) => {
            let read = input.take(length).read_to_end(&mut message.body).await?;
            message.keeps &= read as u64 == length;
        }
        Some(Err(_)) => return Err(io::ErrorKind::InvalidData.into()),
        None if is_answer => {
            input.read_to_end(&mut message.body).await?;
            message.keeps = false;
        }
        None => {}
    }
    Ok(())
}

async fn chunks(input: &mut (impl AsyncBufRead + Unpin), message: &mut Message) -> io::Result<()> {
    loop {
        let start = message.body.len();
        // An answer that breaks off here is passed on as far as it came.
        if input.read_until(b'\n', &mut message.body).await.unwrap_or(0) == 0 {
            message.keeps = false;
            return Ok(());
        }
        let line = String::from_utf8_lossy(&message.body[start..]).into_owned();
        let size = line.trim().split(';').next().unwrap_or_default();
        let size = u64::from_str_radix(size, 16).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        if size == 0 {
            // Trailers, if any, end with an empty line.
            loop {
                let start = message.body.len();
                if input.read_until(b'\n', &mut message.body).await? == 0 || &message.body[start..] == b"\r\n" {
                    return Ok(());
                }
            }
        }
        let read = input.take(size + 2).read_to_end(&mut message.body).await.unwrap_or(0);
        if read as u64 != size + 2 {
            message.keeps = false;
            return Ok(());
        }
    }
}

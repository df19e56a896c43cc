//! Connections: requests in, faults and answers out.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::http::{self, Message};
use super::{FaultKind, Shared};

/// Takes connections for ever.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>, running: CancellationToken) {
    loop {
        // Errors of accepting concern one connection; the next one may be fine.
        if let Ok((stream, _)) = listener.accept().await {
            let connection = serve(stream, Arc::clone(&shared));
            tokio::spawn(running.clone().run_until_cancelled_owned(connection));
        }
    }
}

/// How a request ended for its connection.
enum End {
    /// The next one may come.
    Goes,
    /// The connection is closed as it should be.
    Closes,
    /// The connection is reset.
    Resets,
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let mut client = BufReader::new(stream);
    let mut upstream = None;
    let end = loop {
        match exchange(&mut client, &mut upstream, &shared).await {
            Ok(End::Goes) => {}
            Ok(end) => break end,
            // The system behind the proxy went away: so does the proxy.
            Err(_) => break End::Resets,
        }
    };
    if matches!(end, End::Resets) {
        // Without lingering, closing is a reset.
        let _ = client.get_ref().set_zero_linger();
    }
}

async fn exchange(
    client: &mut BufReader<TcpStream>,
    upstream: &mut Option<BufReader<TcpStream>>,
    shared: &Shared,
) -> io::Result<End> {
    let Some(request) = http::request(client).await? else { return Ok(End::Closes) };
    let mut line = request.start_line();
    let (method, path) = (line.next().unwrap_or_default(), line.next().unwrap_or_default());
    let kind = shared.decide(&method, &path, &request.body);
    match kind {
        Some(FaultKind::ResetBefore) => return Ok(End::Resets),
        Some(FaultKind::TooManyRequests { retry_after }) => {
            return refuse(client, request.keeps, 429, retry_after).await;
        }
        Some(FaultKind::ServerError { status, done: false }) => {
            return refuse(client, request.keeps, status, None).await;
        }
        Some(FaultKind::Echo { status }) => return echo(client, &request, status).await,
        Some(FaultKind::Latency(wait)) => pause(wait).await,
        Some(
            FaultKind::ServerError { done: true, .. } | FaultKind::ResetAfter | FaultKind::CutBody | FaultKind::Stall,
        )
        | None => {}
    }
    let answer = pass_on(upstream, shared, &request, &method).await?;
    if !answer.keeps {
        *upstream = None;
    }
    match kind {
        Some(FaultKind::ResetAfter) => Ok(End::Resets),
        Some(FaultKind::ServerError { status, .. }) => refuse(client, request.keeps, status, None).await,
        Some(FaultKind::CutBody) => {
            client.write_all(&half(&answer)).await?;
            client.shutdown().await?;
            Ok(End::Closes)
        }
        Some(FaultKind::Stall) => {
            client.write_all(&half(&answer)).await?;
            // Until the client has had enough.
            let mut nothing = [0; 1024];
            while client.read(&mut nothing).await? > 0 {}
            Ok(End::Closes)
        }
        Some(
            FaultKind::Latency(_) | FaultKind::TooManyRequests { .. } | FaultKind::Echo { .. } | FaultKind::ResetBefore,
        )
        | None => {
            client.write_all(&[&answer.head[..], &answer.body].concat()).await?;
            Ok(if answer.keeps && request.keeps { End::Goes } else { End::Closes })
        }
    }
}

/// Hands a request to the system and reads its answer to the end, on the connection of before if there is one.
async fn pass_on(
    upstream: &mut Option<BufReader<TcpStream>>,
    shared: &Shared,
    request: &Message,
    method: &str,
) -> io::Result<Message> {
    let connection = match upstream {
        Some(connection) => connection,
        None => {
            let stream = TcpStream::connect(&shared.upstream).await?;
            stream.set_nodelay(true)?;
            upstream.insert(BufReader::new(stream))
        }
    };
    connection.write_all(&request.head).await?;
    connection.write_all(&request.body).await?;
    http::answer(connection, method).await
}

/// The answer up to the middle of its body, or of its head when it has hardly any.
fn half(answer: &Message) -> Vec<u8> {
    if answer.body.len() < 2 {
        return answer.head[..answer.head.len() / 2].to_vec();
    }
    [&answer.head[..], &answer.body[..answer.body.len() / 2]].concat()
}

/// Refuses a request and says it back. What says who asks comes first, as only the beginning of a refusal may be shown.
async fn echo(client: &mut BufReader<TcpStream>, request: &Message, status: u16) -> io::Result<End> {
    let head = String::from_utf8_lossy(&request.head).into_owned();
    let (mut common, mut own) = (Vec::new(), Vec::new());
    for line in head.split("\r\n").skip(1).filter(|line| !line.is_empty()) {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        let is_common = ["host", "accept", "accept-encoding", "content-length", "content-type", "user-agent"];
        if is_common.contains(&&*name) { common.push(line) } else { own.push(line) }
    }
    own.extend(common);
    let said = format!("not for {} {}", own.join("; "), String::from_utf8_lossy(&request.body));
    let body = serde_json::json!({"error": said, "detail": said}).to_string();
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} Refused\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    client.write_all(answer.as_bytes()).await?;
    Ok(if request.keeps { End::Goes } else { End::Closes })
}

async fn refuse(
    client: &mut BufReader<TcpStream>,
    keeps: bool,
    status: u16,
    retry_after: Option<u64>,
) -> io::Result<End> {
    let reason = match status {
        401 => "Unauthorized",
        403 => "Forbidden",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        _ => "Service Unavailable",
    };
    let retry_after = retry_after.map(|seconds| format!("Retry-After: {seconds}\r\n")).unwrap_or_default();
    let body = format!("<html><head><title>{status} {reason}</title></head></html>");
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n{retry_after}\r\n{body}"
    );
    client.write_all(answer.as_bytes()).await?;
    Ok(if keeps { End::Goes } else { End::Closes })
}

async fn pause(wait: Duration) {
    tokio::time::sleep(wait).await;
}

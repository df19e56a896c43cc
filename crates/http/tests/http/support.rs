//! Clients with short waits, and a server that sends any bytes it is told to.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use syncline_http::{
    BaseUrl, Client, ClientSettings, Credential, Error, HttpSettings, Proxy, RetrySettings, TlsSettings,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use wiremock::{Mock, MockServer, Respond, matchers};

/// Settings for a test server: no waits worth mentioning, no proxy of the machine.
pub fn settings(url: &str) -> ClientSettings {
    ClientSettings {
        url: BaseUrl::parse(url).unwrap(),
        tls: TlsSettings::default(),
        http: HttpSettings {
            proxy: Proxy::Off,
            retry: RetrySettings { base_delay_ms: 1, ..RetrySettings::default() },
            ..HttpSettings::default()
        },
    }
}

pub fn client(url: &str) -> Client {
    Client::new(&settings(url), Credential::none()).unwrap()
}

/// A server that answers everything in one way.
pub async fn server(answer: impl Respond + 'static) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(matchers::any()).respond_with(answer).mount(&server).await;
    server
}

/// How many requests a server got.
pub async fn received(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

/// The error's kind and status as the core sees them, and its report.
pub fn core(error: Error) -> (syncline_core::ErrorKind, syncline_core::ErrorStatus, String) {
    let error = syncline_core::Error::from(error);
    (error.kind(), error.status(), error.report())
}

/// What the raw server does after its bytes.
#[derive(Clone, Copy)]
pub enum Then {
    Close,
    Reset,
    Hang,
}

/// A server that reads a request's head and sends scripted bytes, one script per connection, the last one for ever.
pub struct Raw {
    pub url: String,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Raw {
    pub async fn start(scripts: Vec<(Vec<u8>, Then)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            let mut hanging = Vec::new();
            loop {
                let Ok((socket, _)) = listener.accept().await else { return };
                let number = counter.fetch_add(1, Ordering::SeqCst);
                let (bytes, then) = &scripts[number.min(scripts.len() - 1)];
                hanging.extend(play(socket, bytes, *then).await);
            }
        });
        Self { url, connections, task }
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn play(mut socket: TcpStream, bytes: &[u8], then: Then) -> Option<TcpStream> {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match socket.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => head.extend_from_slice(&buffer[..length]),
        }
    }
    socket.write_all(bytes).await.ok()?;
    match then {
        Then::Close => {
            socket.shutdown().await.ok()?;
            None
        }
        Then::Reset => {
            socket.set_zero_linger().ok()?;
            None
        }
        Then::Hang => Some(socket),
    }
}

/// A 200 with headers and a body, as bytes.
pub fn ok(headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{headers}\r\n{body}").into_bytes()
}

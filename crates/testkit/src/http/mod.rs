//! What the simulators share below their routes: listening, connections that break, bodies that end early.

#[cfg(test)]
pub(crate) mod client;
mod connection;
pub(crate) mod query;

use std::io;
use std::net::TcpListener;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{Response, header, response};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use tokio_util::sync::CancellationToken;

pub(crate) use connection::{BreakableListener, Connection};

use crate::watch::{self, Watch};

/// 502 as a proxy in front of a server that is gone.
pub(crate) const BAD_GATEWAY_PAGE: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center>\
    <h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

/// Listens on a port of 127.0.0.1, or on a free one if it is 0; with the address of the server there.
pub(crate) fn listen(port: u16) -> io::Result<(TcpListener, String)> {
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    let base = format!("http://{}", listener.local_addr()?);
    Ok((listener, base))
}

/// A server on a thread of its own. It stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Serving {
    server: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    /// Serves `app` until `server` is cancelled; whoever holds that token may end the server.
    pub(crate) fn start(
        name: &str,
        listener: TcpListener,
        app: Router,
        server: &CancellationToken,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let token = server.clone();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            runtime.block_on(serve(listener, app, token));
            // Ends every connection at once, as a killed server does.
            runtime.shutdown_background();
        })?;
        Ok(Self { server: server.clone(), thread: Some(thread) })
    }

    /// Stops the server: connections break, the port closes.
    pub(crate) fn stop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.server.cancel();
            // A thread that panicked has stopped too.
            let _ended = thread.join();
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn serve(listener: TcpListener, app: Router, server: CancellationToken) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let listener = BreakableListener { listener, server: server.clone() };
    let app = app.into_make_service_with_connect_info::<Connection>();
    tokio::select! {
        _ended = IntoFuture::into_future(axum::serve(listener, app)) => {}
        () = server.cancelled() => {}
    }
}

/// A lock whose content stays usable even if a test failed while it held it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads a request with a body of at most so many bytes, and does the work for it as a watcher wants it.
pub(crate) async fn watched<W>(
    watch: &Watch,
    request: Request,
    largest: usize,
    work: impl FnOnce(Parts, Bytes) -> W,
) -> Response<Body>
where
    W: Future<Output = Response<Body>> + Send + 'static,
{
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, largest).await.unwrap_or_default();
    let (method, url) = (parts.method.to_string(), parts.uri.to_string());
    watch::carry_out(|moment| watch.tell(moment, &method, &url), work(parts, body)).await
}

/// The response with this body, whose connection breaks after the first `cut` bytes.
pub(crate) fn respond(mut response: response::Builder, body: String, cut: Option<usize>) -> Response<Body> {
    let body = Bytes::from(body);
    let body = match cut {
        None => Body::from(body),
        Some(at) => {
            // The length is promised in full, so that the break shows.
            response = response.header(header::CONTENT_LENGTH, body.len().max(at + 1));
            cut_body(&body, at)
        }
    };
    response.body(body).unwrap_or_else(|_| Response::new(Body::empty()))
}

/// The first bytes of a body, then a broken connection.
fn cut_body(body: &Bytes, at: usize) -> Body {
    let part = body.slice(..at.min(body.len()));
    let broken = io::Error::from(io::ErrorKind::ConnectionReset);
    Body::from_stream(stream::iter([Ok(part), Err(broken)]).then(|item| async {
        // Gives the connection a turn to send what it has before the break.
        tokio::task::yield_now().await;
        item
    }))
}

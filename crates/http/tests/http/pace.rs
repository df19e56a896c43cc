//! Requests in flight together.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures::future::join_all;
use syncline_http::{Client, Credential};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::support::settings;

/// What a client with a limit of three reaches when it is given nine requests.
#[tokio::test]
async fn no_more_requests_are_in_flight_than_allowed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let now = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (now_there, most_there) = (Arc::clone(&now), Arc::clone(&most));
    let task = tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let (now, most) = (Arc::clone(&now_there), Arc::clone(&most_there));
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                assert!(socket.read(&mut buffer).await.unwrap() > 0);
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // Whoever else wants to come comes now.
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
                now.fetch_sub(1, Ordering::SeqCst);
                socket.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            });
        }
    });
    let mut settings = settings(&url);
    settings.http.max_concurrent_requests = 3;
    let client = Client::new(&settings, Credential::none()).unwrap();
    for answer in join_all((0..9).map(|_| client.get("x").send())).await {
        answer.unwrap();
    }
    task.abort();
    assert!((1..=3).contains(&most.load(Ordering::SeqCst)));
    assert_eq!(client.stats().requests, 9);
}

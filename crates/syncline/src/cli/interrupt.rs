//! Ctrl-C: the first one cancels, the second one ends the process.

use tokio_util::sync::CancellationToken;

use super::console::Console;

/// The exit code of a process that a person stopped: 128 and the number of the signal.
const INTERRUPTED: i32 = 130;

/// A token that Ctrl-C or a request to terminate cancels.
pub fn cancellation(console: &Console) -> CancellationToken {
    let token = CancellationToken::new();
    let (cancel, console) = (token.clone(), console.clone());
    tokio::spawn(async move {
        if stop_requested().await.is_err() {
            return;
        }
        cancel.cancel();
        console.note("stopping after what is under way; again to stop at once");
        if stop_requested().await.is_ok() {
            std::process::exit(INTERRUPTED);
        }
    });
    token
}

#[cfg(unix)]
async fn stop_requested() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn stop_requested() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

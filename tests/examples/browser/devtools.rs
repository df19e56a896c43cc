//! Chromium, asked by its developer tools protocol over a pipe.
//!
//! `--remote-debugging-pipe` needs no port, no socket and no driver beside the browser: messages are JSON, each ended by a zero
//! byte, in on file descriptor 3 and out on 4. A shell puts them there.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::{Value, json};

/// How long anything may take before it counts as never.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Puts what is piped to where the browser expects it, and becomes the browser.
const EXEC: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#;

/// A browser, ended when it is dropped.
pub struct Browser {
    child: Child,
    /// None once it is told to end.
    to: Option<ChildStdin>,
    from: Receiver<Value>,
    events: VecDeque<Value>,
    last: u64,
}

/// The browser says that something cannot be.
#[derive(Debug)]
pub struct Refusal(pub String);

impl std::fmt::Display for Refusal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

impl Browser {
    /// Starts it without a window, with its profile in a folder.
    pub fn start(program: &Path, profile: &Path) -> Result<Self> {
        let profile = format!("--user-data-dir={}", profile.display());
        let mut child = Command::new("sh")
            .args(["-c", EXEC])
            .arg(program)
            .args(["--headless", "--remote-debugging-pipe", "--no-first-run", "--no-default-browser-check", &profile])
            // The sandbox needs rights that containers do not have; only our own pages are looked at.
            .args(["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"])
            // Nothing is asked but the server of this test.
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-proxy-server",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("`{}` did not start", program.display()))?;
        let to = child.stdin.take().context("a process without its standard input")?;
        let mut said = BufReader::new(child.stdout.take().context("a process without its standard output")?);
        let (hand_over, from) = channel();
        thread::spawn(move || {
            let mut message = Vec::new();
            while said.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                message.pop();
                let Ok(value) = serde_json::from_slice(&message) else { break };
                if hand_over.send(value).is_err() {
                    break;
                }
                message.clear();
            }
        });
        Ok(Self { child, to: Some(to), from, events: VecDeque::new(), last: 0 })
    }

    /// Asks the browser, or one of its pages, and waits for the answer.
    pub fn ask(&mut self, page: Option<&str>, method: &str, parameters: Value) -> Result<Value> {
        self.last += 1;
        let id = self.last;
        let mut message = json!({ "id": id, "method": method, "params": parameters });
        if let Some(page) = page {
            message["sessionId"] = json!(page);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        let to = self.to.as_mut().context("the browser has ended")?;
        to.write_all(&bytes).and_then(|()| to.flush()).context("the browser listens no more")?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut answer = self.next(deadline).with_context(|| format!("no answer to `{method}`"))?;
            if answer["id"] != id {
                self.events.push_back(answer);
                continue;
            }
            if let Some(message) = answer["error"]["message"].as_str() {
                return Err(Refusal(format!("`{method}`: {message}")).into());
            }
            return Ok(answer["result"].take());
        }
    }

    /// The next thing that happens, or that happened while something was asked.
    pub fn event(&mut self, deadline: Instant) -> Result<Value> {
        match self.events.pop_front() {
            Some(event) => Ok(event),
            None => self.next(deadline),
        }
    }

    /// What has happened already.
    pub fn happened(&mut self) -> Vec<Value> {
        self.events.extend(self.from.try_iter());
        self.events.drain(..).collect()
    }

    fn next(&mut self, deadline: Instant) -> Result<Value> {
        match self.from.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(message) => Ok(message),
            Err(RecvTimeoutError::Timeout) => Err(anyhow!("nothing in {} s", PATIENCE.as_secs())),
            Err(RecvTimeoutError::Disconnected) => bail!("the browser has ended"),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends when nobody speaks to it any more, and its helpers with it.
        self.to = None;
        let _ = self.child.wait();
    }
}

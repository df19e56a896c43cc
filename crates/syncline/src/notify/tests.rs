//! Whole messages, over the network, to servers of the tests' own.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use syncline_core::history::{
    Claimed, Endpoint, History, NewRun, Purpose, RunId, RunKind, RunResult, RunSettings, Stop, StopRequest,
    SyncDefinition,
};
use syncline_core::{Error, ErrorKind};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::{Channel, Message, Teller};
use crate::config::ChannelSettings;

/// A history, a server that is told, and a folder for secrets.
struct Lab {
    history: History,
    server: MockServer,
    folder: TempDir,
}

impl Lab {
    async fn new() -> Self {
        let server = MockServer::start().await;
        Self { history: History::in_memory().await.unwrap(), server, folder: tempfile::tempdir().unwrap() }
    }

    /// A channel that posts to the server, which answers so.
    async fn channel(&self, settings: Value, status: u16) -> Channel {
        self.server.reset().await;
        Mock::given(method("POST")).respond_with(ResponseTemplate::new(status)).mount(&self.server).await;
        let url = self.secret("url", &format!("{}/hooks/T0/B0/secret-part", self.server.uri()));
        let mut settings = settings;
        settings["webhook"]["url"] = url;
        channel(settings).unwrap()
    }

    /// A reference to a secret.
    fn secret(&self, name: &str, value: &str) -> Value {
        let path: PathBuf = self.folder.path().join(name);
        std::fs::write(&path, value).unwrap();
        json!(format!("file:{}", path.display()))
    }

    /// Tells what there is to tell now.
    async fn tell(&self, channel: &Channel) -> syncline_core::Result<()> {
        let shown = Url::parse("https://syncline.example/").unwrap();
        let teller = Teller { history: &self.history, holder: "here", shown: Some(&shown) };
        teller.tell_news(channel, &CancellationToken::new()).await.map(drop)
    }

    /// What the server was told since it was asked last.
    async fn heard(&self) -> Vec<Request> {
        let heard = self.server.received_requests().await.unwrap();
        self.server.reset().await;
        Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).mount(&self.server).await;
        heard
    }

    /// A run of a sync that ended so.
    async fn ran(&self, sync: &str, dry: bool, result: RunResult) -> RunId {
        let run = self.made(sync, dry).await;
        let claimed = self.history.claim(run, "worker", Duration::from_mins(1)).await.unwrap();
        let Claimed::Granted(claim) = claimed else { panic!("{claimed:?}") };
        self.history.finish_run(claim, &result).await.unwrap();
        run
    }

    /// A run of a sync that waits for a worker.
    async fn made(&self, sync: &str, dry: bool) -> RunId {
        let definition = SyncDefinition { name: sync.to_owned(), hash: "d".to_owned(), definition: json!({}) };
        let side = |name: &str| Endpoint {
            connector: name.to_owned(),
            connection: name.to_owned(),
            instance: format!("https://{name}.example"),
        };
        let new = NewRun {
            sync: self.history.upsert_sync(&definition).await.unwrap(),
            kind: RunKind::Scheduled,
            dry,
            definition_hash: "d".to_owned(),
            source: side("forward"),
            target: side("netbox"),
            triggered_by: "schedule".to_owned(),
            request: None,
            request_id: None,
            once: false,
            reads_anew: false,
            purpose: Purpose::Sync,
            subject: None,
            options: RunSettings::default(),
            tick: None,
            not_before: None,
            plan: None,
        };
        self.history.begin_run(&new).await.unwrap()
    }
}

fn channel(settings: Value) -> syncline_core::Result<Channel> {
    let settings: ChannelSettings = serde_json::from_value(settings).unwrap();
    Channel::open("noc", &settings)
}

fn failed() -> RunResult {
    RunResult::stopped_by(&Error::new(ErrorKind::Unreachable, "cannot reach `netbox.example`"))
}

fn message() -> Message {
    Message {
        at: DateTime::parse_from_rfc3339("2026-11-21T09:00:00Z").unwrap().into(),
        ..Message::trial("noc", Some(&Url::parse("https://syncline.example/").unwrap()), Utc::now())
    }
}

#[tokio::test]
async fn a_program_is_told_of_what_needs_a_person_and_that_it_is_over() {
    let lab = Lab::new().await;
    lab.ran("before", false, failed()).await;
    let channel = lab.channel(json!({"webhook": {"secret": lab.secret("key", "a secret of the test")}}), 200).await;
    // It is told of what happens from now on.
    lab.tell(&channel).await.unwrap();
    assert_eq!(lab.heard().await.len(), 0);

    lab.ran("lab", false, RunResult::completed()).await;
    lab.ran("lab", true, failed()).await;
    let bad = lab.ran("lab", false, failed()).await;
    lab.tell(&channel).await.unwrap();
    let heard = lab.heard().await;
    let [told] = heard.as_slice() else { panic!("{heard:?}") };
    let body: Value = serde_json::from_slice(&told.body).unwrap();
    assert_eq!((&body["occasions"], &body["run"], &body["sync"]), (&json!(["failed"]), &json!(bad), &json!("lab")));
    assert_eq!(body["url"], format!("https://syncline.example/runs/{bad}"));
    assert_eq!(body["lines"][1], "Why: cannot reach `netbox.example`");
    assert_eq!(told.headers["x-syncline-delivery"], body["id"].to_string().as_str());
    let signature = told.headers["x-hub-signature-256"].to_str().unwrap().strip_prefix("sha256=").unwrap().to_owned();
    let mac = Hmac::<Sha256>::new_from_slice(b"a secret of the test").unwrap().chain_update(&told.body);
    mac.verify_slice(&hex::decode(signature).unwrap()).unwrap();

    // The next good one is news, the one after it is none. Nothing is told twice.
    for _ in 0..2 {
        lab.ran("lab", false, RunResult::completed()).await;
    }
    lab.tell(&channel).await.unwrap();
    let heard: Vec<Value> = lab.heard().await.iter().map(|told| serde_json::from_slice(&told.body).unwrap()).collect();
    assert_eq!(heard.iter().map(|body| &body["occasions"]).collect::<Vec<_>>(), [&json!(["recovered", "clean"])]);
    lab.tell(&channel).await.unwrap();
    assert_eq!(lab.heard().await.len(), 0);
}

#[tokio::test]
async fn a_channel_is_told_of_its_syncs_and_occasions_alone() {
    let lab = Lab::new().await;
    let channel = lab.channel(json!({"webhook": {}, "on": ["clean"], "syncs": ["lab"]}), 200).await;
    lab.tell(&channel).await.unwrap();
    lab.ran("lab", false, failed()).await;
    lab.ran("other", false, RunResult::completed()).await;
    let told = lab.ran("lab", false, RunResult::completed()).await;
    lab.tell(&channel).await.unwrap();
    let heard: Vec<Value> = lab.heard().await.iter().map(|told| serde_json::from_slice(&told.body).unwrap()).collect();
    assert_eq!(heard.iter().map(|body| &body["run"]).collect::<Vec<_>>(), [&json!(told)]);
}

#[tokio::test]
async fn what_is_paused_twice_is_told_once() {
    let lab = Lab::new().await;
    let channel = lab.channel(json!({"webhook": {}}), 200).await;
    lab.tell(&channel).await.unwrap();
    let run = lab.made("lab", false).await;
    for reason in ["lunch", "a long lunch"] {
        let stop = StopRequest { stop: Stop::Pause, by: "kim".to_owned(), reason: reason.to_owned() };
        lab.history.request_stop(run, &stop).await.unwrap();
    }
    lab.tell(&channel).await.unwrap();
    let heard: Vec<Value> = lab.heard().await.iter().map(|told| serde_json::from_slice(&told.body).unwrap()).collect();
    assert_eq!(heard.iter().map(|body| &body["occasions"]).collect::<Vec<_>>(), [&json!(["paused"])]);
    // It goes on, and is paused again: that is news.
    lab.history.resume(run).await.unwrap();
    let stop = StopRequest { stop: Stop::Pause, by: "kim".to_owned(), reason: "tea".to_owned() };
    lab.history.request_stop(run, &stop).await.unwrap();
    lab.tell(&channel).await.unwrap();
    assert_eq!(lab.heard().await.len(), 1);
}

#[tokio::test]
async fn what_is_not_taken_is_told_later_and_in_order() {
    let lab = Lab::new().await;
    let channel = lab.channel(json!({"webhook": {}}), 503).await;
    lab.tell(&channel).await.unwrap();
    let first = lab.ran("one", false, failed()).await;
    let second = lab.ran("two", false, failed()).await;
    let refused = lab.tell(&channel).await.unwrap_err();
    assert_eq!((lab.heard().await.len(), refused.kind()), (1, ErrorKind::Refused));
    assert!(!refused.report().contains("secret-part"), "{}", refused.report());
    lab.tell(&channel).await.unwrap();
    let heard: Vec<Value> = lab.heard().await.iter().map(|told| serde_json::from_slice(&told.body).unwrap()).collect();
    assert_eq!(heard.iter().map(|body| &body["run"]).collect::<Vec<_>>(), [&json!(first), &json!(second)]);
}

#[tokio::test]
async fn another_process_goes_on_when_this_one_ends() {
    let lab = Lab::new().await;
    let channel = lab.channel(json!({"webhook": {}}), 200).await;
    let cancel = CancellationToken::new();
    let teller = |holder| Teller { history: &lab.history, holder, shown: None };
    teller("a").tell_news(&channel, &cancel).await.unwrap();
    lab.ran("lab", false, failed()).await;
    teller("b").tell_news(&channel, &cancel).await.unwrap();
    assert_eq!(lab.heard().await.len(), 0);
    cancel.cancel();
    teller("a").tell(&channel, &cancel).await;
    teller("b").tell_news(&channel, &CancellationToken::new()).await.unwrap();
    assert_eq!(lab.heard().await.len(), 1);
}

#[tokio::test]
async fn a_host_that_is_not_there_is_named_without_its_address() {
    let lab = Lab::new().await;
    let url = lab.secret("url", "http://127.0.0.1:9/hooks/secret-part");
    let error = channel(json!({"webhook": {"url": url}})).unwrap().send(&message()).await.unwrap_err();
    assert_eq!(error.message(), "`127.0.0.1` does not answer");
    assert!(!error.report().contains("secret-part"), "{}", error.report());
}

#[tokio::test]
async fn chats_are_told_in_their_own_way() {
    let lab = Lab::new().await;
    let mut heard = Vec::new();
    for format in ["text", "teams"] {
        let channel = lab.channel(json!({"webhook": {"format": format}}), 200).await;
        channel.send(&message()).await.unwrap();
        heard.extend(lab.heard().await.iter().map(|told| serde_json::from_slice::<Value>(&told.body).unwrap()));
    }
    insta::assert_json_snapshot!(heard);
}

/// A mail server that takes one mail, and gives what was said.
async fn mail_server() -> (u16, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let (read, mut write) = listener.accept().await.unwrap().0.into_split();
        let mut lines = BufReader::new(read).lines();
        let mut said = Vec::new();
        let mut in_mail = false;
        write.write_all(b"220 mail.example\r\n").await.unwrap();
        while let Some(line) = lines.next_line().await.unwrap() {
            let answer: &[u8] = match line.split(' ').next().unwrap() {
                "." => {
                    in_mail = false;
                    b"250 taken\r\n"
                }
                _ if in_mail => b"",
                "EHLO" => b"250-mail.example\r\n250 AUTH PLAIN\r\n",
                "AUTH" => b"235 known\r\n",
                "DATA" => {
                    in_mail = true;
                    b"354 go on\r\n"
                }
                "QUIT" => b"221 bye\r\n",
                _ => b"250 ok\r\n",
            };
            said.push(line);
            write.write_all(answer).await.unwrap();
            if answer.starts_with(b"221") {
                break;
            }
        }
        said
    });
    (port, serving)
}

#[tokio::test]
async fn a_mail_is_sent() {
    let lab = Lab::new().await;
    let (port, serving) = mail_server().await;
    let mail = json!({
        "server": format!("smtp://kim%40example.com@127.0.0.1:{port}"),
        "password": lab.secret("password", "hunter2"),
        "from": "Syncline <syncline@example.com>",
        "to": ["noc@example.com", "NOC two <two@example.com>"],
    });
    let channel = channel(json!({"mail": mail})).unwrap();
    channel.send(&message()).await.unwrap();
    drop(channel);
    let said = serving.await.unwrap();
    for line in [
        // `\0kim@example.com\0hunter2`
        "AUTH PLAIN AGtpbUBleGFtcGxlLmNvbQBodW50ZXIy",
        "MAIL FROM:<syncline@example.com>",
        "RCPT TO:<noc@example.com>",
        "RCPT TO:<two@example.com>",
        "Subject: Syncline reaches `noc`",
        "https://syncline.example/",
    ] {
        assert!(said.iter().any(|said| said.starts_with(line)), "{line}: {said:#?}");
    }
}

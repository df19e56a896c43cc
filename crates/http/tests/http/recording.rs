//! What is recorded, what is not, and what a replay makes of it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::{Value, json};
use syncline_core::ErrorKind;
use syncline_core::connector::ConnectContext;
use syncline_core::event::Side;
use syncline_core::settings::SecretRef;
use syncline_core::surroundings::Surroundings;
use syncline_http::{
    Client, ClientSettings, Credential, Recorder, RecordingError, RecordingHeader, Replay, Secrets, Tape, stand_in,
};
use tempfile::TempDir;
use wiremock::{Request, ResponseTemplate};

use crate::support::{core, received, server, settings};

const TOKEN: &str = "hunter2-hunter2";

fn reference() -> SecretRef {
    SecretRef::Env("TOKEN".to_owned())
}

fn secrets() -> Secrets {
    Secrets::new([(reference(), SecretString::from(TOKEN))], [])
}

fn header() -> RecordingHeader {
    RecordingHeader {
        version: "1.2.3".to_owned(),
        sync: "lab".to_owned(),
        side: Side::Source,
        connector: "example".to_owned(),
        connector_version: "1.2.3".to_owned(),
        connection: "one".to_owned(),
        definition: "abc".to_owned(),
        at: "2026-11-20T08:00:00Z".parse().unwrap(),
    }
}

/// A folder with a place for a recording.
struct Lab {
    folder: TempDir,
}

impl Lab {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("source.ndjson.zst")
    }

    fn recorder(&self) -> Recorder {
        Recorder::create(self.path(), &header(), secrets()).unwrap()
    }

    fn replay(&self) -> Replay {
        Replay::open(self.path(), secrets()).unwrap()
    }

    /// The lines, as `zstdcat` shows them.
    fn lines(&self) -> Vec<Value> {
        let text = zstd::decode_all(std::fs::File::open(self.path()).unwrap()).unwrap();
        String::from_utf8(text).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn client(settings: &ClientSettings, token: &str, tape: Tape) -> Client {
    let surroundings = Surroundings::default().with_way(tape);
    let context = ConnectContext { surroundings, ..ConnectContext::default() };
    Client::for_run(settings, Credential::token(token.into()), &context).unwrap()
}

#[tokio::test]
async fn exchanges_are_recorded_without_secrets() {
    let body = json!({"name": "x", "token": "hunter2", "echo": format!("Token {TOKEN}"), "number": 1.50});
    let answer = ResponseTemplate::new(201).set_body_json(&body).insert_header("set-cookie", "session=hunter2");
    let server = server(answer).await;
    let lab = Lab::new();
    let recorder = lab.recorder();
    let client = client(&settings(&server.uri()), TOKEN, Tape::Record(recorder.clone()));
    let sent = json!({"user": "u", "password": "hunter2"});
    let answer = client.post("users/tokens").query("secret", "hunter2").json(&sent).send().await.unwrap();
    assert_eq!(answer.json::<Value>().unwrap(), body);
    let recorded = recorder.finish().unwrap();
    assert_eq!((recorded.exchanges, recorded.secrets_met), (1, 1), "the echo is told");

    let lines = lab.lines();
    assert!(!format!("{lines:?}").contains("hunter2"));
    assert_eq!(lines[0]["syncline_recording"], 1);
    assert_eq!(lines[0]["sync"], "lab");
    assert_eq!(lines[2], json!({"end": {"exchanges": 1}}));
    let exchange = &lines[1];
    assert_eq!(exchange["request"]["path"], "/users/tokens?secret=%5Bredacted%5D");
    assert_eq!(exchange["request"]["body"], r#"{"password":"[redacted]","user":"u"}"#);
    assert_eq!(exchange["response"]["status"], 201);
    assert_eq!(exchange["response"]["headers"]["set-cookie"], "[redacted]");
    let body: Value = serde_json::from_str(exchange["response"]["body"].as_str().unwrap()).unwrap();
    let echo = format!("Token {}", stand_in(&reference()));
    assert_eq!(body, json!({"name": "x", "token": "[redacted]", "echo": echo, "number": 1.50}));
}

/// An answer that is another one each time.
async fn counting() -> wiremock::MockServer {
    let count = AtomicU64::new(0);
    server(move |_: &Request| ResponseTemplate::new(200).set_body_json(count.fetch_add(1, Ordering::SeqCst))).await
}

#[tokio::test]
async fn a_replay_answers_equal_requests_in_the_order_of_recording() {
    let server = counting().await;
    let lab = Lab::new();
    let recorder = lab.recorder();
    let recording = client(&settings(&server.uri()), TOKEN, Tape::Record(recorder.clone()));
    let ask = async |client: &Client, path: &'static str, query: u8| {
        let answer = client.get(path).query("q", query).send().await;
        answer.map(|answer| answer.json::<u64>().unwrap())
    };
    for (path, query) in [("a", 1), ("b", 1), ("a", 1), ("a", 2)] {
        ask(&recording, path, query).await.unwrap();
    }
    recorder.finish().unwrap();
    let asked = received(&server).await;

    let replay = lab.replay();
    assert_eq!((replay.exchanges(), replay.header()), (4, &header()));
    // Another token, and a file that is not here: neither is needed.
    let mut elsewhere = settings(&server.uri());
    elsewhere.tls.ca_file = Some("/nowhere/ca.pem".into());
    let replaying = client(&elsewhere, &stand_in(&reference()), Tape::Replay(replay.clone()));
    assert_eq!(ask(&replaying, "a", 2).await.unwrap(), 3);
    assert_eq!(ask(&replaying, "a", 1).await.unwrap(), 0);
    assert_eq!(ask(&replaying, "a", 1).await.unwrap(), 2);
    assert_eq!(ask(&replaying, "b", 1).await.unwrap(), 1);
    assert_eq!(replay.missing(), Vec::<String>::new());
    let (kind, _, text) = core(ask(&replaying, "b", 1).await.unwrap_err());
    assert_eq!(kind, ErrorKind::Storage);
    insta::assert_snapshot!(text, @"the recording of the source has `GET /b?q=1` once, and it is asked once more: it was made with another configuration or by another version (1.2.3, 2026-11-20 08:00 UTC); record again with `syncline plan lab --record-to FOLDER`");
    let error = replaying.post("c").json(&json!({"hostids": [1], "token": "x"})).send().await.unwrap_err();
    insta::assert_snapshot!(core(error).2, @r#"the recording of the source does not have `POST /c` with `{"hostids":[1],"token":"[redacted]"}`: it was made with another configuration or by another version (1.2.3, 2026-11-20 08:00 UTC); record again with `syncline plan lab --record-to FOLDER`"#);
    assert_eq!(replay.missing().len(), 2);
    assert_eq!(received(&server).await, asked, "nothing was sent");
}

#[tokio::test]
async fn failures_are_replayed_and_what_was_tried_again_is_there_once() {
    let count = AtomicU64::new(0);
    let server = server(move |request: &Request| match request.url.path() {
        "/again" if count.fetch_add(1, Ordering::SeqCst) == 0 => ResponseTemplate::new(503),
        "/again" => ResponseTemplate::new(200).set_body_string("[7]"),
        "/gone" => ResponseTemplate::new(404).set_body_json(json!({"detail": "no such thing", "key": "x"})),
        _ => ResponseTemplate::new(302).insert_header("location", "https://elsewhere.example/"),
    })
    .await;
    let lab = Lab::new();
    let recorder = lab.recorder();
    let recording = client(&settings(&server.uri()), TOKEN, Tape::Record(recorder.clone()));
    let all = async |client: &Client| {
        let again = client.get("again").send().await.unwrap();
        let gone = client.get("gone").send().await.unwrap_err();
        let moved = client.get("moved").send().await.unwrap_err();
        (again.body().to_vec(), gone.answer().unwrap().status, core(gone).2, core(moved))
    };
    let recorded = all(&recording).await;
    assert_eq!(recorder.finish().unwrap().exchanges, 3);
    let replayed = all(&client(&settings(&server.uri()), TOKEN, Tape::Replay(lab.replay()))).await;
    assert_eq!((&replayed.0, replayed.1), (&recorded.0, recorded.1));
    assert!(replayed.2.contains("no such thing"), "{}", replayed.2);
    assert_eq!(replayed.3.0, recorded.3.0);
    assert!(replayed.3.2.contains("redirects to `https://elsewhere.example`"), "{}", replayed.3.2);
}

/// A long answer is neither held in memory nor on one line, and comes as it was.
#[tokio::test]
async fn long_answers_are_kept_and_given_in_parts() {
    let line = |number: usize| json!({"number": number, "text": "ä€😀".repeat(30)}).to_string();
    let text: String = (0..20_000).flat_map(|number| [line(number), "\n".to_owned()]).collect();
    let server = server(ResponseTemplate::new(200).set_body_raw(text.clone(), "application/x-ndjson")).await;
    let lab = Lab::new();
    let recorder = lab.recorder();
    let read = async |client: &Client| {
        let mut lines = client.get("rows").stream().await.unwrap().lines().unwrap();
        let mut read = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            read.push(line);
        }
        read
    };
    let recorded = read(&client(&settings(&server.uri()), TOKEN, Tape::Record(recorder.clone()))).await;
    recorder.finish().unwrap();
    let lines = lab.lines();
    assert!(lines.len() > 4, "{}", lines.len());
    assert!(lines.iter().all(|line| line.to_string().len() < 2 << 20));
    assert_eq!(lines[1]["part_of"], 1);
    let replaying = client(&settings(&server.uri()), TOKEN, Tape::Replay(lab.replay()));
    assert_eq!(read(&replaying).await, recorded);
    assert_eq!(recorded.len(), 20_000);
}

#[tokio::test]
async fn a_stream_that_was_left_is_cut_where_it_was_left() {
    let text: String =
        (0..200_000).flat_map(|number: u32| ["[".to_owned(), number.to_string(), "]\n".to_owned()]).collect();
    let server = server(ResponseTemplate::new(200).set_body_raw(text, "application/x-ndjson")).await;
    let lab = Lab::new();
    let recorder = lab.recorder();
    let recording = client(&settings(&server.uri()), TOKEN, Tape::Record(recorder.clone()));
    let mut lines = recording.get("rows").stream().await.unwrap().lines().unwrap();
    assert_eq!(lines.next().await.unwrap().unwrap(), "[0]");
    drop(lines);
    recorder.finish().unwrap();
    let replaying = client(&settings(&server.uri()), TOKEN, Tape::Replay(lab.replay()));
    let mut lines = replaying.get("rows").stream().await.unwrap().lines().unwrap();
    assert_eq!(lines.next().await.unwrap().unwrap(), "[0]");
    let error = loop {
        match lines.next().await {
            Ok(line) => assert!(line.is_some(), "what was not read looks like an end"),
            Err(error) => break error,
        }
    };
    assert!(core(error).2.contains("was cut short"));
}

#[tokio::test]
async fn bytes_that_are_no_text_come_back_as_they_were() {
    let bytes: Vec<u8> = (0..=255).cycle().take(3_000).collect();
    let server = server(ResponseTemplate::new(200).set_body_raw(bytes.clone(), "application/octet-stream")).await;
    let lab = Lab::new();
    let recorder = lab.recorder();
    client(&settings(&server.uri()), TOKEN, Tape::Record(recorder.clone())).get("x").send().await.unwrap();
    recorder.finish().unwrap();
    let replaying = client(&settings(&server.uri()), TOKEN, Tape::Replay(lab.replay()));
    assert_eq!(replaying.get("x").send().await.unwrap().body(), bytes);
}

async fn recorded(lab: &Lab) -> Vec<u8> {
    let server = counting().await;
    let recorder = lab.recorder();
    let client = client(&settings(&server.uri()), TOKEN, Tape::Record(recorder.clone()));
    for _ in 0..3 {
        client.get("x").send().await.unwrap();
    }
    recorder.finish().unwrap();
    std::fs::read(lab.path()).unwrap()
}

fn opened(path: &Path) -> Result<Replay, RecordingError> {
    Replay::open(path, secrets())
}

#[tokio::test]
async fn what_is_no_whole_recording_is_told() {
    let lab = Lab::new();
    let whole = recorded(&lab).await;
    assert!(matches!(Recorder::create(lab.path(), &header(), secrets()), Err(RecordingError::Exists { .. })));
    for end in 0..whole.len() {
        std::fs::write(lab.path(), &whole[..end]).unwrap();
        let error = opened(&lab.path()).unwrap_err();
        assert!(
            matches!(error, RecordingError::Cut { .. } | RecordingError::NoRecording { .. }),
            "cut at {end} of {}: {error}",
            whole.len()
        );
    }
    let told = |error: RecordingError| error.to_string().replace(&lab.folder.path().display().to_string(), "FOLDER");
    std::fs::write(lab.path(), &whole[..whole.len() - 10]).unwrap();
    insta::assert_snapshot!(told(opened(&lab.path()).unwrap_err()), @"the recording `FOLDER/source.ndjson.zst` has no end, after 3 exchanges: the run that made it was killed, or the file was cut; record again");
    std::fs::write(lab.path(), "[connections]\n").unwrap();
    insta::assert_snapshot!(told(opened(&lab.path()).unwrap_err()), @"`FOLDER/source.ndjson.zst` is no recording: it does not begin as one does");
    let other = zstd::encode_all(&br#"{"syncline_recording":2,"sync":"lab"}"#[..], 3).unwrap();
    std::fs::write(lab.path(), other).unwrap();
    insta::assert_snapshot!(told(opened(&lab.path()).unwrap_err()), @"`FOLDER/source.ndjson.zst` is a recording in format 2, and this version reads 1: use the version that made it");
    insta::assert_snapshot!(told(opened(&lab.folder.path().join("none")).unwrap_err()), @"there is no recording in `FOLDER/none`: `syncline plan SYNC --record-to FOLDER` makes one");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// No secret of the settings is in any byte of a recording, wherever a system tells it and whatever it is made of, and the same
    /// requests are found again by whoever does not have it.
    #[test]
    fn no_secret_is_in_a_recording(secret in "[a-zA-Z0-9\"\\\\/%&+=é{}<> -]{5}Q[a-zA-Z0-9\"\\\\/%&+=é{}<>-]{6}", page in any::<bool>()) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let told = secret.clone();
            let echo = move |_: &Request| {
                let text = if page {
                    format!("<p>{told}</p>, {}", Value::from(&*told))
                } else {
                    json!({"deep": [{"text": format!("it is {told}!")}], told.clone(): told, "token": told, "json": json!({"a": told}).to_string()}).to_string()
                };
                ResponseTemplate::new(200).set_body_raw(text, if page { "text/plain" } else { "application/json" })
            };
            let server = server(echo).await;
            let lab = Lab::new();
            let given = || Secrets::new([(reference(), SecretString::from(&*secret))], []);
            let recorder = Recorder::create(lab.path(), &header(), given()).unwrap();
            let ask = async |client: &Client, secret: &str| {
                let body = json!({"password": secret, "note": format!("by {secret}"), "list": [secret]});
                let path = syncline_http::Path::from(["a", secret]);
                client.post(path).query("q", secret).query("token", secret).header("x-note", "n").json(&body).send().await.unwrap();
            };
            let credential = || Credential::basic("user", SecretString::from(&*secret));
            let surroundings = Surroundings::default().with_way(Tape::Record(recorder.clone()));
            let context = ConnectContext { surroundings, ..ConnectContext::default() };
            let recording = Client::for_run(&settings(&server.uri()), credential(), &context).unwrap();
            ask(&recording, &secret).await;
            recorder.finish().unwrap();
            let bytes = zstd::decode_all(std::fs::File::open(lab.path()).unwrap()).unwrap();
            let text = String::from_utf8(bytes).unwrap();
            let in_json = Value::from(&*secret).to_string();
            let in_json = in_json.trim_matches('"');
            let twice = Value::from(in_json).to_string();
            let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            for written in [&secret, in_json, twice.trim_matches('"'), &form] {
                assert!(!text.contains(written), "`{written}` is in {text}");
            }
            // Whoever has it, and whoever has not.
            for stands in [secret.clone(), stand_in(&reference())] {
                let known = if stands == secret { given() } else { Secrets::default() };
                let replay = Replay::open(lab.path(), known).unwrap();
                let replaying = client(&settings(&server.uri()), "other-token", Tape::Replay(replay));
                ask(&replaying, &stands).await;
            }
        });
    }
}

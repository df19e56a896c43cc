//! What a recorder writes, and what it does not.

use serde_json::{Value, json};
use syncline_http::{Client, Credential, Recorder};
use wiremock::ResponseTemplate;

use crate::support::{server, settings};

#[tokio::test]
async fn exchanges_are_recorded_without_secrets() {
    let body = json!({"name": "x", "token": "hunter2", "echo": "Token hunter2-hunter2"});
    let answer = ResponseTemplate::new(201).set_body_json(&body).insert_header("set-cookie", "session=hunter2");
    let server = server(answer).await;
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::folder(folder.path().join("new")).unwrap();
    let client = Client::new(&settings(&server.uri()), Credential::token("hunter2-hunter2".into()))
        .unwrap()
        .with_recorder(recorder);
    let sent = json!({"user": "u", "password": "hunter2"});
    let answer = client.post("users/tokens").query("secret", "hunter2").json(&sent).send().await.unwrap();
    assert_eq!(answer.json::<Value>().unwrap(), body);
    drop(answer);
    let mut lines = client.get("x").stream().await.unwrap().lines().unwrap();
    while lines.next().await.unwrap().is_some() {}
    drop(lines);
    let folder = folder.path().join("new");
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["00001-POST-users-tokens-secret--redacted.json", "00002-GET-x.json"]);
    for name in &names {
        assert!(!std::fs::read_to_string(folder.join(name)).unwrap().contains("hunter2"));
    }
    let first: Value = serde_json::from_slice(&std::fs::read(folder.join(&names[0])).unwrap()).unwrap();
    assert_eq!(first["request"]["path"], "/users/tokens?secret=[redacted]");
    assert_eq!(first["request"]["body"], json!({"user": "u", "password": "[redacted]"}));
    assert_eq!(first["response"]["status"], 201);
    assert_eq!(first["response"]["headers"]["set-cookie"], "[redacted]");
    assert_eq!(first["response"]["body"], json!({"name": "x", "token": "[redacted]", "echo": "Token [redacted]"}));
}

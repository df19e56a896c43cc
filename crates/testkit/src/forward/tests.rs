//! The simulated server over real HTTP, read with a client of a few lines that sees how bodies end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::estate::EstateOptions;

struct Reply {
    status: u16,
    head: String,
    body: String,
    /// The body ended as its framing promised.
    whole: bool,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.body))
    }

    fn items(&self) -> Vec<Value> {
        self.json()["items"].as_array().unwrap().clone()
    }

    fn message(&self) -> String {
        self.json()["message"].as_str().unwrap().to_owned()
    }
}

struct Client<'a> {
    sim: &'a ForwardSim,
    secret: String,
    accept: &'static str,
}

impl<'a> Client<'a> {
    fn of(sim: &'a ForwardSim) -> Self {
        Self { sim, secret: sim.secret(), accept: "application/json" }
    }

    async fn get(&self, path: &str) -> io::Result<Reply> {
        self.send("GET", &format!("/api{path}"), "").await
    }

    async fn post(&self, path: &str, body: &Value) -> io::Result<Reply> {
        self.send("POST", &format!("/api{path}"), &body.to_string()).await
    }

    async fn send(&self, method: &str, path: &str, body: &str) -> io::Result<Reply> {
        let credentials = server::base64(format!("{}:{}", self.sim.access_key(), self.secret).as_bytes());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: sim\r\nconnection: close\r\nauthorization: Basic {credentials}\r\naccept: {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.accept,
            body.len()
        );
        let (address, request) = (self.sim.address, format!("{head}{body}"));
        let exchange = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address)?;
            stream.write_all(request.as_bytes())?;
            let mut bytes = Vec::new();
            let end = stream.read_to_end(&mut bytes);
            io::Result::Ok((bytes, end))
        });
        let (bytes, end) = exchange.await??;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            return Err(end.err().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into()));
        };
        let status = head[9..12].parse().unwrap();
        let chunked = head.contains("transfer-encoding: chunked");
        let (body, whole) = if chunked { unchunk(body) } else { (body.to_owned(), true) };
        Ok(Reply { status, head: head.to_owned(), body, whole: whole && end.is_ok() })
    }

    /// A page of the interfaces of the newest Forward snapshot.
    async fn page(&self, options: Value) -> Reply {
        let body = json!({"queryId": self.sim.query_id(Dataset::Interfaces), "parameters": unscoped(), "queryOptions": options});
        self.post("/nqe?networkId=101", &body).await.unwrap()
    }

    /// Submits an execution and polls it to its end; returns its path and last status.
    async fn execute(&self, dataset: Dataset) -> (String, Value) {
        let body = json!({"queryId": self.sim.query_id(dataset), "parameters": unscoped()});
        let submitted = self.post("/networks/101/nqe-executions", &body).await.unwrap().json();
        let key = submitted["executionKey"].as_str().unwrap().replace('/', "%2F");
        let path = format!("/networks/101/nqe-executions/{key}");
        let mut status = submitted;
        for _ in 0..10 {
            if status["status"] == "COMPLETED" {
                break;
            }
            status = self.get(&path).await.unwrap().json();
        }
        (path, status)
    }
}

fn unchunk(mut text: &str) -> (String, bool) {
    let mut body = String::new();
    while let Some((size, rest)) = text.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return (body, true);
        }
        let Some(chunk) = rest.get(..size) else {
            body.push_str(rest);
            break;
        };
        body.push_str(chunk);
        text = rest.get(size + 2..).unwrap_or("");
    }
    (body, false)
}

fn unscoped() -> Value {
    json!({"device_tags_include": [], "device_tags_exclude": [], "sites": []})
}

async fn small() -> ForwardSim {
    ForwardSim::with_estate(Estate::generate(EstateOptions::small())).await.unwrap()
}

#[tokio::test]
async fn credentials_and_routes_are_checked() {
    let sim = small().await;
    let mut client = Client::of(&sim);
    assert_eq!(client.get("/version").await.unwrap().json()["release"], "26.7.0-02");
    let outside = client.send("GET", "/version", "").await.unwrap();
    assert!(outside.status == 200 && outside.head.contains("text/html"));
    let nowhere = client.get("/backups?x=1").await.unwrap();
    assert_eq!((nowhere.status, nowhere.message().as_str()), (404, "No endpoint GET /api/backups."));
    assert_eq!(client.get("/networks/9/snapshots").await.unwrap().status, 404);

    sim.faults(|faults| faults.account_locked = true);
    let locked = client.get("/networks").await.unwrap();
    assert_eq!((locked.status, locked.message().as_str()), (401, "Account is locked"));
    sim.heal();
    sim.faults(|faults| faults.denied = Some(Denial::MissingPermission("NetworkOperation.USE_NQE".to_owned())));
    assert_eq!(client.page(json!({})).await.message(), "Missing permission: NetworkOperation.USE_NQE");
    sim.heal();
    client.secret = "wrong".to_owned();
    assert_eq!(client.get("/networks").await.unwrap().status, 401);
    sim.stop().await;
}

#[tokio::test]
async fn listings_hide_the_real_snapshot_among_others() {
    let sim = small().await;
    let client = Client::of(&sim);
    let rows = client.get("/networks/101/snapshots").await.unwrap().json()["snapshots"].as_array().unwrap().clone();
    assert_eq!(rows.len(), 7);
    let newest = client.get("/networks/101/snapshots/latestProcessed").await.unwrap().json();
    assert_eq!(newest["id"], "1042");
    for row in rows.iter().filter(|row| row["state"] != "PROCESSED") {
        let path = format!("/nqe?networkId=101&snapshotId={}", row["id"].as_str().unwrap());
        let body = json!({"queryId": sim.query_id(Dataset::Sites), "parameters": unscoped()});
        assert!((400..500).contains(&client.post(&path, &body).await.unwrap().status));
    }
    sim.faults(|faults| faults.numeric_ids = true);
    assert!(client.get("/networks").await.unwrap().json()[0]["id"].is_u64());
    sim.add_uncollected_snapshot(Estate::generate(EstateOptions::small()));
    assert_eq!(client.page(json!({})).await.json()["totalNumItems"], 0);
}

#[tokio::test]
async fn requests_are_checked_as_strictly_as_the_contract_says() {
    let sim = small().await;
    let client = Client::of(&sim);
    for (options, status) in [
        (json!({"limit": 10_000}), 200),
        (json!({"limit": 10_001}), 400),
        (json!({"limit": 0}), 400),
        (json!({"offset": -1}), 400),
        (json!({"sortKeys": []}), 400),
        (json!({"sortBy": {"columnName": "nmae"}}), 400),
        (json!({"itemFormat": "LEGACY"}), 200),
    ] {
        assert_eq!(client.page(options.clone()).await.status, status, "{options}");
    }
    let id = sim.query_id(Dataset::Sites);
    for body in [
        json!({"queryId": id, "query": "x", "parameters": unscoped()}),
        json!({"parameters": unscoped()}),
        json!({"queryId": id, "parameters": {"sites": []}}),
        json!({"queryId": id, "parameters": unscoped(), "options": {}}),
        json!({"queryId": id, "commitId": "head", "parameters": unscoped()}),
    ] {
        assert_eq!(client.post("/nqe?networkId=101", &body).await.unwrap().status, 400, "{body}");
    }
    let body = json!({"queryId": id, "parameters": unscoped(), "options": {}});
    let refused = client.post("/networks/101/nqe-executions", &body).await.unwrap();
    assert!(refused.message().starts_with("Unrecognized field \"options\" (class NqeExecutionRequest)"));
    let failure = QueryFailure { message: "Record has no field 'nmae'".to_owned(), start: (2, 9), end: (2, 13) };
    sim.faults(|faults| faults.failing_queries = [(Dataset::Interfaces, failure)].into());
    let failed = client.page(json!({})).await.json();
    assert_eq!(failed["errors"][0]["location"]["start"], json!({"line": 2, "character": 9}));
}

#[tokio::test]
async fn pages_go_wrong_on_demand() {
    let sim = small().await;
    let client = Client::of(&sim);
    let total = client.page(json!({"limit": 1})).await.json()["totalNumItems"].as_u64().unwrap();
    assert!(total > 200);

    sim.faults(|faults| {
        faults.short_page = Some(7);
        faults.empty_from = Some(20);
    });
    assert_eq!(client.page(json!({"limit": 50})).await.items().len(), 7);
    let empty = client.page(json!({"offset": 20, "limit": 50})).await.json();
    assert_eq!((empty["items"].as_array().unwrap().len(), &empty["totalNumItems"]), (0, &json!(total)));
    sim.heal();

    sim.faults(|faults| {
        faults.repeat_page = true;
        faults.missing_total = true;
    });
    let first = client.page(json!({"limit": 5})).await;
    let second = client.page(json!({"limit": 5, "offset": 5})).await;
    assert_eq!(first.items(), second.items());
    assert!(first.json().get("totalNumItems").is_none());
    sim.heal();

    sim.faults(|faults| faults.unstable_order = true);
    let unsorted = [client.page(json!({"limit": 5})).await.items(), client.page(json!({"limit": 5})).await.items()];
    assert_ne!(unsorted[0], unsorted[1]);
    let sort = json!({"limit": 5, "sortBy": {"columnName": "device", "order": "ASC"}});
    assert_eq!(client.page(sort.clone()).await.items(), client.page(sort).await.items());
    sim.heal();

    sim.faults(|faults| {
        faults.only = Some(Dataset::Interfaces);
        faults.drop_column = Some("name".to_owned());
        faults.null_column = Some("device".to_owned());
        faults.retype_column = Some("admin_status".to_owned());
    });
    let row = client.page(json!({"limit": 1})).await.items()[0].clone();
    assert!(row.get("name").is_none() && row["device"].is_null() && row["admin_status"].is_object());
    let body = json!({"queryId": sim.query_id(Dataset::Devices), "parameters": unscoped()});
    assert!(client.post("/nqe?networkId=101", &body).await.unwrap().items()[0]["name"].is_string());
}

#[tokio::test]
async fn executions_run_and_fail_like_the_real_ones() {
    let sim = small().await;
    let mut client = Client::of(&sim);
    client.accept = "application/x-ndjson, application/jsonl;q=0.9, application/json;q=0.1";
    sim.faults(|faults| {
        faults.polls = 3;
        faults.slash_in_keys = true;
    });
    let (path, status) = client.execute(Dataset::Interfaces).await;
    assert_eq!(status["outcome"], "OK");
    let lines = client.get(&format!("{path}/result")).await.unwrap();
    assert!(lines.head.contains("application/x-ndjson") && lines.whole);
    assert_eq!(lines.body.lines().count() as u64, status["rowsProduced"].as_u64().unwrap());
    assert_eq!(client.get(&format!("{path}/result?offset=3&limit=4")).await.unwrap().body.lines().count(), 4);
    sim.faults(|faults| faults.json_only = true);
    assert!(client.get(&format!("{path}/result")).await.unwrap().json()["items"].is_array());
    sim.heal();

    sim.faults(|faults| faults.polls = 0);
    assert_eq!(client.execute(Dataset::Sites).await.1["status"], "COMPLETED");
    sim.faults(|faults| faults.outcome = Outcome::UserError);
    let (path, status) = client.execute(Dataset::Sites).await;
    assert!(status["error"]["location"].is_object());
    assert_eq!(client.get(&format!("{path}/result")).await.unwrap().status, 400);
    sim.faults(|faults| {
        faults.polls = 20;
        faults.outcome = Outcome::Ok;
    });
    let (path, _) = client.execute(Dataset::Sites).await;
    assert_eq!(client.get(&format!("{path}/result")).await.unwrap().status, 409);
    sim.faults(|faults| faults.executions_expire = true);
    let body = json!({"queryId": sim.query_id(Dataset::Sites), "parameters": unscoped()});
    let key = client.post("/networks/101/nqe-executions", &body).await.unwrap().json()["executionKey"].clone();
    let path = format!("/networks/101/nqe-executions/{}", key.as_str().unwrap());
    assert_eq!(client.get(&path).await.unwrap().status, 404);

    let options = ForwardOptions { version: "26.5.1-01".to_owned(), ..ForwardOptions::default() };
    let old = ForwardSim::start(options).await.unwrap();
    old.add_snapshot(Estate::generate(EstateOptions::small()));
    let reply = Client::of(&old).post("/networks/101/nqe-executions", &body).await.unwrap();
    assert!(reply.status == 404 && reply.message().starts_with("No endpoint POST"));
}

#[tokio::test]
async fn bodies_break_where_they_should() {
    let sim = small().await;
    let mut client = Client::of(&sim);
    client.accept = "application/x-ndjson";
    let (path, _) = client.execute(Dataset::Interfaces).await;
    for (end, whole, half) in
        [(BreakEnd::MidRow, true, true), (BreakEnd::BetweenRows, true, false), (BreakEnd::Cut, false, true)]
    {
        sim.faults(|faults| faults.break_after = Some(Break { rows: 10, end }));
        let reply = client.get(&format!("{path}/result")).await.unwrap();
        assert_eq!((reply.whole, !reply.body.ends_with('\n')), (whole, half), "{end:?}");
        let rows = reply.body.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok()).count();
        assert!(rows == 10 || end == BreakEnd::Cut, "{end:?} {rows}");
    }
    sim.heal();
    sim.faults(|faults| faults.slow_body = Some(Duration::from_millis(1)));
    assert!(client.get(&format!("{path}/result")).await.unwrap().whole);
}

#[tokio::test]
async fn a_killed_server_comes_back_with_what_it_knew() {
    let sim = small().await;
    let client = Client::of(&sim);
    sim.faults(|faults| faults.kill_after_rows = Some(25));
    let body = json!({"queryId": sim.query_id(Dataset::Interfaces), "parameters": unscoped()});
    match client.post("/nqe?networkId=101", &body).await {
        Ok(reply) => assert!(!reply.whole),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    assert!(client.get("/version").await.is_err());
    sim.heal();
    sim.revive().await.unwrap();
    assert_eq!(client.page(json!({"limit": 5})).await.items().len(), 5);

    sim.faults(|faults| faults.reset_requests = 1);
    assert!(client.post("/nqe?networkId=101", &body).await.is_err());
    assert!(client.post("/nqe?networkId=101", &body).await.unwrap().whole);

    sim.forget_requests();
    sim.faults(|faults| faults.kill_after_requests = Some(2));
    assert!(client.get("/version").await.is_ok() && client.get("/version").await.is_ok());
    assert!(client.get("/version").await.is_err());
}

#[tokio::test]
async fn ready_made_answers_and_limits_come_first() {
    let sim = small().await;
    let client = Client::of(&sim);
    sim.faults(|faults| {
        faults.canned.push_back(Canned::too_many_requests("POST /api/nqe", 1, "1"));
        faults.canned.push_back(Canned::html("POST /api/nqe", 2, 503));
        faults.canned.push_back(Canned::error("GET /api/version", 1, 500, "a \"quoted\" word"));
    });
    let limited = client.page(json!({})).await;
    assert!(
        limited.status == 429
            && limited.head.contains("retry-after: 1")
            && limited.body.contains("rate limit exceeded")
    );
    assert!(client.page(json!({})).await.head.contains("text/html"));
    assert_eq!(client.page(json!({})).await.status, 503);
    assert_eq!(client.page(json!({})).await.status, 200);
    let error = client.get("/version").await.unwrap();
    assert_eq!((error.message().as_str(), &error.json()["apiUrl"]), ("a \"quoted\" word", &json!("/api/version")));

    sim.faults(|faults| faults.rate_limit = Some(RateLimit { requests: 3, lockout: 60, as_date: true }));
    let mut last = client.get("/version").await.unwrap();
    for _ in 0..3 {
        last = client.get("/version").await.unwrap();
    }
    assert!(last.status == 429 && last.head.contains("GMT"), "{}", last.head);
    sim.heal();
    sim.faults(|faults| faults.mislabelled_errors = true);
    let error = client.get("/nothing").await.unwrap();
    assert!(error.head.contains("text/plain") && error.message().starts_with("No endpoint"));
}

#[tokio::test]
async fn differences_and_the_library_are_served() {
    let mut estate = Estate::generate(EstateOptions::small());
    let sim = ForwardSim::with_estate(estate.clone()).await.unwrap();
    let name = estate.devices().find(|device| device.is_queryable()).unwrap().name.clone();
    estate.set_serial(&name, Some("NEW0001")).unwrap();
    let second = sim.add_snapshot(estate);
    let client = Client::of(&sim);
    let path = format!("/nqe-diffs/1042/{second}");
    let id = sim.query_id(Dataset::Devices);
    let diff = client.post(&path, &json!({"queryId": id})).await.unwrap().json();
    assert_eq!((&diff["totalNumRows"], &diff["rows"][0]["type"]), (&json!(1), &json!("MODIFIED")));
    assert_eq!(diff["rows"][0]["after"]["serial"], "NEW0001");
    let with_parameters = json!({"queryId": id, "parameters": unscoped()});
    assert_eq!(client.post(&path, &with_parameters).await.unwrap().status, 400);
    assert_eq!(client.post(&path, &json!({"query": "x"})).await.unwrap().status, 400);

    let listed = client.get("/nqe/repos/org/commits/head/queries?path=/Syncline/devices").await.unwrap().json();
    assert_eq!(listed["queries"].as_array().unwrap().len(), 14);
    let commit = listed["queries"][0]["lastCommitId"].as_str().unwrap().to_owned();
    assert_eq!(commit.len(), 40);
    sim.delete_query(&id);
    let body = json!({"queryId": id, "parameters": unscoped()});
    assert_eq!(client.post("/nqe?networkId=101", &body).await.unwrap().status, 400);
    sim.faults(|faults| faults.library_shape = LibraryShape::Bare);
    assert!(client.get("/nqe/repos/org/commits/head/queries").await.unwrap().json().is_array());
}

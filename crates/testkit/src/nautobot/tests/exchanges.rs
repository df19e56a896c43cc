//! Exchanges with a real Nautobot, in the files beside this one.
//!
//! Each file is a story: requests in their order, which values of an answer later requests need, and what the real
//! server answered. It is played to the simulator, which must answer the same. With `TEST_NAUTOBOT_URL` and
//! `TEST_NAUTOBOT_TOKEN` it is played to that server too; what the story made there is deleted afterwards. With
//! `UPDATE_EXCHANGES=1` besides, the files are written anew from what that server answers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex};

use regex::{Captures, Regex};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::super::{NautobotOptions, NautobotSim};
use crate::http::client::send;
use crate::http::lock;

/// One request of a story.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// Method and path. `${name}` is a value that an earlier answer had.
    #[serde(rename = "do")]
    request: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Json>,
    /// A body as it is, where it is no JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<String>,
    /// The header `Authorization`, where it is not the token; blank is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization: Option<String>,
    /// What to keep of the answer: names, and where the values are.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    keep: Map<String, Json>,
    /// The part of the answer that is compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    #[serde(default)]
    status: u16,
    /// What the real server answered; left out for writes that are done, but for the first one of each list.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Json>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Story {
    /// What it is about.
    about: String,
    steps: Vec<Step>,
}

struct Server<'a> {
    base: &'a str,
    token: &'a str,
}

static ID: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap());
static TIME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(Z|\+00:00)").unwrap());
static NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\$\{(\w+)\}").unwrap());
/// What depends on lists and fields that are not simulated.
static NEAR: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(on type 'Query'\. Did you mean .*\?|Choices are: .*)$").unwrap());

/// Values that answers had, by name.
type Kept = BTreeMap<String, String>;

fn fill(json: &Json, kept: &Kept) -> Json {
    match json {
        Json::String(text) => Json::String(fill_text(text, kept)),
        Json::Array(items) => items.iter().map(|item| fill(item, kept)).collect(),
        Json::Object(entries) => entries.iter().map(|(name, value)| (name.clone(), fill(value, kept))).collect(),
        other => other.clone(),
    }
}

fn fill_text(text: &str, kept: &Kept) -> String {
    NAME.replace_all(text, |found: &Captures<'_>| {
        kept.get(&found[1]).cloned().unwrap_or_else(|| panic!("nothing kept as {}", &found[1]))
    })
    .into_owned()
}

/// An answer without what is different each time.
fn settle(json: &Json, name: &str, base: &str, kept: &Kept) -> Json {
    match json {
        Json::String(_) if name == "natural_slug" => Json::from("<slug>"),
        // Names with those of all parents are kept for some seconds, whatever becomes of the parents.
        Json::String(text) if name == "display" && text.contains(" → ") => {
            Json::from(text.rsplit(" → ").next().unwrap_or_default())
        }
        Json::String(text) => {
            let text = text.replace(base, "<base>");
            let text = NEAR.replace_all(&text, "…");
            let text = TIME.replace_all(&text, "<time>$1");
            let text = ID.replace_all(&text, |found: &Captures<'_>| {
                let known = kept.iter().find(|(_, value)| **value == found[0]);
                known.map_or_else(|| "<id>".to_owned(), |(name, _)| format!("${{{name}}}"))
            });
            Json::String(sort_dependents(&text))
        }
        Json::Array(items) => {
            let mut items: Vec<Json> = items.iter().map(|item| settle(item, name, base, kept)).collect();
            if matches!(name, "content_types" | "fields") {
                items.sort_by_key(Json::to_string);
            }
            Json::Array(items)
        }
        Json::Object(entries) => {
            entries.iter().map(|(name, value)| (name.clone(), settle(value, name, base, kept))).collect()
        }
        other => other.clone(),
    }
}

/// The objects that stand in the way of a deletion come in any order.
fn sort_dependents(text: &str) -> String {
    let Some((head, list)) = text.split_once("dependent objects were found: ") else { return text.to_owned() };
    let mut names: Vec<&str> = list.split("), ").map(|name| name.trim_end_matches(')')).collect();
    names.sort_unstable();
    format!("{head}dependent objects were found: {}", names.join("), "))
}

/// Whether the answer to a step is written down.
fn is_told(step: &Step, status: u16, told: &mut Vec<String>) -> bool {
    let (method, path) = step.request.split_once(' ').unwrap();
    let question = matches!(method, "GET" | "OPTIONS") || path == "/api/graphql/" || status >= 400;
    let subject = format!("{method} {}", path.split("${").next().unwrap());
    let first = !question && !told.contains(&subject);
    if first {
        told.push(subject);
    }
    question || first
}

/// Plays a story; the answers are those of the server.
fn play(story: &Story, server: &Server<'_>) -> Story {
    let (mut kept, mut made, mut told) = (Kept::new(), Vec::new(), Vec::new());
    let mut steps = Vec::new();
    for step in &story.steps {
        let (method, path) = step.request.split_once(' ').unwrap();
        let body = step.raw.clone().or_else(|| step.body.as_ref().map(|body| fill(body, &kept).to_string()));
        let (status, answer) =
            ask(server, method, &fill_text(path, &kept), body.as_deref(), step.authorization.as_deref());
        if status == 201 {
            let one = std::slice::from_ref(&answer);
            let objects = answer.as_array().map_or(one, Vec::as_slice);
            made.extend(
                objects.iter().filter_map(|object| object["url"].as_str()).map(|url| url.replace(server.base, "")),
            );
        }
        for (name, at) in &step.keep {
            match answer.pointer(at.as_str().unwrap()).and_then(Json::as_str) {
                Some(value) => drop(kept.insert(name.clone(), value.to_owned())),
                None => {
                    clean(server, made);
                    panic!("{}: no {at} for {name} in {status} {answer}", step.request);
                }
            }
        }
        let part = step.at.as_ref().map_or(&answer, |at| answer.pointer(at).unwrap_or(&Json::Null));
        let answer = is_told(step, status, &mut told).then(|| settle(part, "", server.base, &kept));
        steps.push(Step { status, answer, ..step.clone() });
    }
    clean(server, made);
    Story { about: story.about.clone(), steps }
}

/// Deletes what a story made, whatever hangs on what.
fn clean(server: &Server<'_>, mut made: Vec<String>) {
    for _ in 0..5 {
        let gone = |path: &String| matches!(ask(server, "DELETE", path, None, None).0, 204 | 404);
        made = made.into_iter().rev().filter(|path| !gone(path)).collect::<Vec<_>>().into_iter().rev().collect();
    }
    assert!(made.is_empty(), "left behind: {made:?}");
}

fn ask(server: &Server<'_>, method: &str, path: &str, body: Option<&str>, authorization: Option<&str>) -> (u16, Json) {
    let mut headers = vec![("Accept", "application/json".to_owned())];
    match authorization {
        Some("") => {}
        Some(other) => headers.push(("Authorization", other.to_owned())),
        None => headers.push(("Authorization", format!("Token {}", server.token))),
    }
    if body.is_some() {
        headers.push(("Content-Type", "application/json".to_owned()));
    }
    // A server that is gone has the status 0: the story differs then, and what it made is deleted all the same.
    let Some(answer) = send(server.base, method, path, &headers, body) else { return (0, Json::Null) };
    let json = serde_json::from_str(&answer.body).unwrap_or_else(|_| Json::from(answer.body.trim()));
    (answer.status, json)
}

/// Where two tellings of a story differ.
fn differences(told: &Story, heard: &Story) -> Vec<String> {
    let steps = told.steps.iter().zip(&heard.steps).enumerate();
    steps
        .filter(|(_, (told, heard))| told.status != heard.status || told.answer != heard.answer)
        .map(|(at, (told, heard))| {
            let show = |step: &Step| {
                format!("{} {}", step.status, step.answer.as_ref().map(Json::to_string).unwrap_or_default())
            };
            let body = told.body.as_ref().map(Json::to_string).unwrap_or_default();
            format!("{at}: {} {body}\n  told  {}\n  heard {}", told.request, show(told), show(heard))
        })
        .collect()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/nautobot/tests/exchanges")
}

/// Stories have the same names for what they make.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn check(name: &str) {
    let path = folder().join(format!("{name}.json"));
    let mut story: Story = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    if let (Ok(base), Ok(token)) = (std::env::var("TEST_NAUTOBOT_URL"), std::env::var("TEST_NAUTOBOT_TOKEN")) {
        let _turn = lock(&ONE_AT_A_TIME);
        let heard = play(&story, &Server { base: base.trim_end_matches('/'), token: &token });
        if std::env::var_os("UPDATE_EXCHANGES").is_some() {
            std::fs::write(&path, write(&heard)).unwrap();
            story = heard;
        } else {
            let found = differences(&story, &heard);
            assert!(found.is_empty(), "the real server says otherwise\n{}", found.join("\n"));
        }
    }
    let sim = NautobotSim::start(NautobotOptions::default()).unwrap();
    let heard = play(&story, &Server { base: sim.url(), token: sim.token() });
    let found = differences(&story, &heard);
    assert!(found.is_empty(), "{} of {} differ\n{}", found.len(), story.steps.len(), found.join("\n"));
}

/// One step a line.
fn write(story: &Story) -> String {
    let steps: Vec<String> =
        story.steps.iter().map(|step| format!("    {}", serde_json::to_string(step).unwrap())).collect();
    format!("{{\n  \"about\": {},\n  \"steps\": [\n{}\n  ]\n}}\n", Json::from(story.about.as_str()), steps.join(",\n"))
}

macro_rules! stories {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*
    };
}

stories!(
    access
    addresses
    changes
    chassis
    devices
    filters
    graphql
    interfaces
    links
    locations
    organisation
    prefixes
    types
    virtualization
    vlans
);

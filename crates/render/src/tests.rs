//! Plans as they look, and what no value may do to them.

use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};
use syncline_core::change::HoldRule;
use syncline_core::plan::PlanReader;
use tempfile::TempDir;

use super::*;

/// A plan on disk.
struct Saved {
    _folder: TempDir,
    path: PathBuf,
}

impl Saved {
    fn new(header: &Value, changes: &[Value], summary: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        let changes: Vec<_> = changes.iter().map(Value::to_string).collect();
        let changes = if changes.is_empty() { String::new() } else { format!("{}\n", changes.join(",\n")) };
        let text = format!(
            "{{\"format\":\"syncline.plan/1\",\n\"header\":{header},\n\"bindings\":[\n],\n\"changes\":[\n{changes}],\n\"summary\":{summary},\n"
        );
        let hash = blake3::hash(text.as_bytes()).to_hex();
        std::fs::write(&path, format!("{text}\"hash\":\"blake3:{hash}\"}}\n")).unwrap();
        Self { _folder: folder, path }
    }

    fn reader(&self) -> PlanReader {
        PlanReader::open(&self.path).unwrap()
    }

    fn markdown(&self, extent: Extent) -> String {
        let mut out = Vec::new();
        markdown(&self.reader(), extent, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn html(&self, extent: Extent) -> String {
        let mut out = Vec::new();
        html(&self.reader(), extent, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// The page without its style.
    fn html_body(&self, extent: Extent) -> String {
        let html = self.html(extent);
        let (head, rest) = html.split_once("<style>").unwrap();
        format!("{head}{}", rest.split_once("</style>").unwrap().1)
    }
}

pub fn header() -> Value {
    let read = |records: u64| json!({"digest": "d", "records": records});
    json!({
        "sync": "lab",
        "definition": "d",
        "run": 12,
        "source": {
            "connector": "forward",
            "connection": "forward-prod",
            "reads": {"device": read(1302), "interface": {"digest": "d", "records": 20_944, "doubt": "page 3 was cut short"}},
            "notes": {"Forward snapshot": "2026-01-02 from <b>all</b> collectors"},
        },
        "target": {"connector": "netbox", "connection": "netbox", "reads": {"device": read(1301)}},
        "created_at": "2026-01-02T03:04:05Z",
        "valid_until": "2026-01-03T03:04:05Z",
        "models": {"site": "sync", "device": "sync", "interface": "sync"},
        "partial": "the read of interfaces is not complete",
    })
}

fn change(model: &str, key: Value, action: &str, fields: Value) -> Value {
    json!({"id": "c0ffee", "model": model, "key": key, "action": action, "fields": fields})
}

fn held(mut change: Value, rule: &str, reason: &str) -> Value {
    change["hold"] = json!({"rule": rule, "reason": reason});
    change
}

fn model(name: &str, found: Value, counts: [u64; 3], held: Value) -> Value {
    let mut all =
        json!({"create": 0, "update": 0, "delete": 0, "unchanged": 0, "ambiguous": 0, "source": 0, "target": 0});
    all.as_object_mut().unwrap().extend(found.as_object().unwrap().clone());
    json!({"model": name, "found": all, "create": counts[0], "update": counts[1], "delete": counts[2], "held": held})
}

/// Every action, holds, objections, equal changes, and values that want out.
fn rich() -> Saved {
    let interface = |name: &str| json!([["atlanta-dc1", "atl-core-1"], name]);
    let mut changes = vec![change(
        "site",
        json!(["atlanta-dc1"]),
        "create",
        json!([{"name": "name", "after": "Atlanta DC1"}, {"name": "status", "after": "active"}, {"name": "physical_address"}]),
    )];
    for number in 1..=40 {
        let fields = json!([{"name": "platform", "after": ["ios-xe"]}]);
        changes.push(change("device", json!(["atlanta-dc1", format!("atl-acc-{number}")]), "update", fields));
    }
    let mut refused =
        change("device", json!(["atlanta-dc1", "atl-acc-41"]), "create", json!([{"name": "serial", "after": "A"}]));
    refused["refusal"] = json!({"field": "templates", "reason": "the template `<b>Cisco</b> | x` is missing"});
    changes.push(refused);
    let hostile = json!([
        {"name": "serial", "before": "", "after": "<script>alert('1')</script>"},
        {"name": "comments", "before": "a | b | c", "after": "`x` @team #1 \\| **bold**\n- [link](javascript:x)"},
        {"name": "tags", "before": [], "after": [["core"], ["lab"]]},
        {"name": "asset_tag", "before": "-", "after": null},
        {"name": "primary_ip4", "before": null, "after": ["10.0.0.1/24", null], "deferred": true},
        {"name": "description", "before": "left\u{202e}right", "after": "x".repeat(5000)},
    ]);
    changes.push(change("device", json!(["atlanta-dc1", "<i>|`odd`"]), "update", hostile));
    let twice = change("device", json!(["atlanta-dc1", "atl-twin"]), "update", json!([]));
    changes.push(held(twice, "ambiguous", "2 records of the target answer to the key"));
    for number in 1..=8 {
        changes.push(change(
            "interface",
            interface(&format!("Gi0/{number}")),
            "delete",
            json!([{"name": "mtu", "before": 1500}, {"name": "enabled", "before": true}]),
        ));
    }
    for number in 9..=12 {
        let gone = change("interface", interface(&format!("Gi0/{number}")), "delete", json!([]));
        changes.push(held(gone, "not_ours", "Syncline did not create it & was not told to adopt it"));
    }
    let found = json!({"create": 1, "update": 41, "ambiguous": 1, "unchanged": 1260});
    let mut devices = model("device", found, [1, 41, 0], json!({"ambiguous": 1}));
    devices["refused"] = json!(1);
    let summary = json!({
        "models": [
            model("site", json!({"create": 1}), [1, 0, 0], json!({})),
            devices,
            model("interface", json!({"delete": 12, "unchanged": 20_932}), [0, 0, 8], json!({"not_ours": 4})),
        ],
        "verdicts": [
            {"guard": "same_value", "model": "device", "demand": "approval", "reason": "`platform` would become [\"ios-xe\"] on 40 of 1301 records"},
            {"guard": "deletes", "model": "interface", "demand": "refusal", "reason": "8 of 10 records would be deleted; the limit is 30 %"},
        ],
    });
    Saved::new(&header(), &changes, &summary)
}

/// What the core knows of changes beside their values: causes, fields that stay, references that are cleared first, a target
/// that was full before, holds with their evidence.
fn told(mut header: Value) -> Saved {
    let device = |name: &str| json!([["atlanta-dc1"], name]);
    let cleared = json!([{"name": "primary_ip4", "before": [null, "10.0.0.7"]}]);
    let mut changes = vec![change("device", device("atl-9"), "update", cleared)];
    for (number, cause) in [(1, "source_changed"), (2, "target_drifted"), (3, "both"), (4, "unknown")] {
        let fields = json!([{"name": "serial", "before": "A", "after": format!("B{number}"), "cause": cause}]);
        changes.push(change("device", device(&format!("atl-{number}")), "update", fields));
    }
    let mut partly = change(
        "device",
        device("atl-5"),
        "update",
        json!([{"name": "status", "before": "planned", "after": "active"}]),
    );
    partly["kept"] = json!([
        {"name": "asset_tag", "source": "lab", "target": "mine", "rule": "target_wins", "cause": "both"},
        {"name": "comments", "source": null, "target": "y", "rule": "report_only"},
    ]);
    changes.push(partly);
    let mut kept = change("device", device("atl-6"), "update", json!([]));
    kept["kept"] = json!([{"name": "platform", "source": ["ios"], "target": ["nx-os"], "rule": "only_if_empty"}]);
    changes.push(held(kept, "owner", "the target keeps its own `platform` (`policy.fields`)"));
    let twin = change("device", device("atl-twin"), "update", json!([]));
    changes.push(held(twin, "ambiguous", "the target has 2 records with this key: ids 12, 97"));
    let gone = change("interface", json!([["atlanta-dc1", "atl-1"], "Gi0/1"]), "delete", json!([]));
    let reason = "absent since 2025-11-20 (2 of 3 runs, 31 of 72 hours), due 2025-11-23 at the earliest: the source no longer has it";
    changes.push(held(gone, "quarantine", reason));
    let mut devices = model(
        "device",
        json!({"update": 7, "ambiguous": 1, "unchanged": 1293}),
        [0, 5, 0],
        json!({"ambiguous": 1, "owner": 1, "of_tomorrow": 1}),
    );
    devices["adopt"] = json!(812);
    devices["release"] = json!(1);
    let interfaces = model("interface", json!({"delete": 1}), [0, 0, 0], json!({"quarantine": 1}));
    let mut whole = self::header();
    whole["partial"] = Value::Null;
    whole["source"]["reads"]["interface"]["doubt"] = Value::Null;
    whole.as_object_mut().unwrap().append(header.as_object_mut().unwrap());
    Saved::new(&whole, &changes, &json!({"models": [devices, interfaces], "verdicts": []}))
}

#[test]
fn markdown_tells_what_is_known() {
    insta::assert_snapshot!(told(json!({"adopts": true})).markdown(Extent::Short));
}

#[test]
fn html_tells_what_is_known() {
    insta::assert_snapshot!(told(json!({"adopts": true})).html_body(Extent::Short));
}

#[test]
fn a_plan_says_first_what_it_is_for() {
    let first = |header: Value| {
        let saved = told(header);
        let text = saved.markdown(Extent::Short);
        let (title, rest) = text.split_once(": ").unwrap();
        let purpose = rest.lines().nth(2).unwrap_or_default();
        let html = saved.html(Extent::Short);
        let name = title.strip_prefix("## ").unwrap().replace('`', "");
        assert!(html.contains(&format!("<title>{name}: ")) && html.contains(&format!("<h1>{name}</h1>")), "{html}");
        assert!(html.contains(&format!("<p class=\"purpose\">{purpose}</p>")) != purpose.starts_with("**In"), "{html}");
        (format!("{title}\n{purpose}"), text)
    };
    let (undo, whole) = first(json!({"undoes": 7}));
    insta::assert_snapshot!(undo, @r#"
## Undo of run 7 of `lab`
Takes back what run 7 changed. The source was not asked, and what somebody changed since then stays as it is.
"#);
    assert!(whole.contains("| Source | not asked |"), "{whole}");
    insta::assert_snapshot!(first(json!({"reruns": 7})).0, @r#"
## Rerun of run 7 of `lab`
Only what run 7 did not get done, and what that needs.
"#);
    insta::assert_snapshot!(first(json!({"drift": true})).0, @r#"
## Drift check of `lab`
Shows how the target differs from the source; the check itself writes nothing.
"#);
    let scope = json!({"models": ["device"], "sites": ["atlanta-dc1"]});
    insta::assert_snapshot!(first(json!({"scope": scope})).0, @r#"
## Plan of a part of `lab`
Covers only devices at atlanta-dc1, and what that needs.
"#);
    insta::assert_snapshot!(first(json!({})).0, @r#"
## Plan of `lab`
**In the target already: 812 matched, not adopted, 0 to create, 1 ambiguous.** Records that both sides have are updated and never deleted; `policy.adopt = "matched"` makes them Syncline's own.
"#);
}

/// Ten thousand changes of a kind each: the same value, a value each, records that come, go, and are held.
#[test]
fn ten_thousand_changes_of_a_kind_are_a_few_lines() {
    let key = |number: u32| json!([["atlanta-dc1", "atl-1"], format!("Gi{number}")]);
    let mut changes = Vec::new();
    let all = 10_000;
    changes.extend((0..all).map(|n| change("interface", key(n), "create", json!([{"name": "mtu", "after": 1500}]))));
    changes.extend((all..2 * all).map(|n| {
        change(
            "interface",
            key(n),
            "update",
            json!([{"name": "mtu", "before": 1500, "after": 9000, "cause": "target_drifted"}]),
        )
    }));
    changes.extend((2 * all..3 * all).map(|n| {
        change(
            "interface",
            key(n),
            "update",
            json!([{"name": "description", "before": null, "after": format!("to {n}")}]),
        )
    }));
    changes.extend((3 * all..4 * all).map(|n| change("interface", key(n), "delete", json!([]))));
    changes.extend(
        (4 * all..5 * all)
            .map(|n| held(change("interface", key(n), "delete", json!([])), "not_ours", "Syncline did not create it")),
    );
    let counts = u64::from(all);
    let interfaces = model("interface", json!({}), [counts, 2 * counts, counts], json!({"not_ours": all}));
    let saved = Saved::new(&header(), &changes, &json!({"models": [interfaces], "verdicts": []}));
    let text = saved.markdown(Extent::Short);
    assert!((text.len() as u64) < MARKDOWN_BYTES / 8, "{}", text.len());
    let left_out: Vec<_> = text.lines().filter(|line| line.starts_with("- …")).collect();
    insta::assert_snapshot!(left_out.join("\n"), @r#"
- … and 9,997 more to update: `mtu` `1500` → `9000` (the target drifted)
- … and 9,995 more to update: `description`, each with values of its own
- … and 9,995 more to create
- … and 9,997 more held: not Syncline's
- … and 9,995 more to delete
"#);
    assert!(saved.html(Extent::Short).len() < 64_000);
}

#[test]
fn short_markdown() {
    insta::assert_snapshot!(rich().markdown(Extent::Short));
}

#[test]
fn full_markdown_leaves_nothing_out() {
    let text = rich().markdown(Extent::Full);
    assert!(text.contains(&"x".repeat(5000)) && text.contains("`atlanta-dc1 / atl-acc-40`"));
    assert!(!text.contains("more"), "{text}");
    assert!(text.lines().any(|line| line.contains("`name` | – | `Atlanta DC1`")), "{text}");
}

#[test]
fn short_html() {
    insta::assert_snapshot!(rich().html_body(Extent::Short));
}

#[test]
fn full_html_leaves_nothing_out() {
    let text = rich().html_body(Extent::Full);
    assert!(text.contains(&"x".repeat(5000)) && text.contains("atlanta-dc1 / atl-acc-40"));
    assert!(!text.contains("more"), "{text}");
}

#[test]
fn html_needs_nothing_from_anywhere() {
    let text = rich().html(Extent::Full);
    assert!(text.contains("http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';"));
    for thing in ["src=", "@import", "url(", "http:", "https:", "<script", "<link", "javascript:x\""] {
        assert!(!text.contains(thing), "{thing}");
    }
}

#[test]
fn a_plan_without_changes_says_so() {
    let summary = json!({"models": [model("site", json!({"unchanged": 1234}), [0, 0, 0], json!({}))], "verdicts": []});
    let saved = Saved::new(&header(), &[], &summary);
    let text = saved.markdown(Extent::Short);
    assert!(text.starts_with("## Plan of `lab`: nothing to do: 1,234 records are equal on both sides\n"), "{text}");
    assert!(!text.contains("<details>"));
    assert!(saved.html(Extent::Short).contains("nothing to do: 1,234 records"));
}

/// Reads that ended early, a hundred models that no version knows, and values as long as can be: it still fits in a comment.
#[test]
fn short_markdown_fits_in_a_comment() {
    let odd = "|<&`@#*".repeat(120);
    let fields: Vec<_> =
        (0..12).map(|field| json!({"name": format!("{odd}{field}"), "before": odd, "after": odd})).collect();
    let mut changes = Vec::new();
    for number in 0..30 {
        for device in 0..40 {
            let mut fields = fields.clone();
            fields[0]["after"] = json!(format!("{number} {device}"));
            changes.push(change(&format!("model_{number}"), json!([odd, device]), "update", json!(fields)));
        }
        let one = change(&format!("model_{number}"), json!([odd]), "delete", json!([{"name": odd, "before": odd}]));
        changes.push(held(one, "policy", &odd));
    }
    let verdict = json!({"guard": "updates", "model": odd, "demand": "approval", "reason": odd});
    let models: Vec<_> = (0..30).map(|n| model(&format!("model_{n}"), json!({}), [0, 40, 0], json!({}))).collect();
    let mut header = header();
    header["sync"] = json!(odd);
    header["partial"] = json!(odd);
    let reads: serde_json::Map<_, _> =
        (0..30).map(|n| (format!("model_{n}"), json!({"digest": "d", "records": 1, "doubt": odd}))).collect();
    header["source"]["reads"] = reads.into();
    let saved = Saved::new(&header, &changes, &json!({"models": models, "verdicts": vec![verdict; 30]}));
    let text = saved.markdown(Extent::Short);
    assert!((text.len() as u64) < MARKDOWN_BYTES, "{}", text.len());
    assert!(text.contains("40 to update, not shown here"), "{text}");
    assert!(saved.html(Extent::Short).len() < 4_000_000);
}

/// The cells of a row as a reader of GitHub's tables finds them: a bar ends a cell unless a backslash stands before it.
fn cells(row: &str) -> usize {
    let inner = row.trim().strip_prefix('|').unwrap().strip_suffix('|').unwrap();
    inner.char_indices().filter(|(at, c)| *c == '|' && !inner[..*at].ends_with('\\')).count() + 1
}

/// Every table's rows have as many cells as its head; nothing else on a line begins with a bar.
fn assert_tables_hold(text: &str) -> Result<(), TestCaseError> {
    let mut columns = None;
    for line in text.lines() {
        if line.starts_with('|') {
            let cells = cells(line);
            prop_assert_eq!(*columns.get_or_insert(cells), cells, "{}", line);
        } else {
            columns = None;
        }
    }
    Ok(())
}

/// Texts that are made of what could be markup somewhere.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<script>x</script>".to_owned()),
        Just("\"><img src=x onerror=x>".to_owned()),
        Just("</td></table></details>".to_owned()),
        Just("&lt;".to_owned()),
        Just("\\|".to_owned()),
        Just("``` | ```".to_owned()),
        Just("\n| a | b |\n".to_owned()),
        Just("-->".to_owned()),
        any::<char>().prop_map(String::from),
        "[|`<>&\"'\\\\@#*_\\n\\r ]{0,6}",
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Wherever a value stands, it brings neither a tag nor a cell along, and does not end the tag or the cell that it
    /// is in.
    #[test]
    fn no_value_is_markup(texts in proptest::collection::vec(nasty(), 10), action in 0..3_usize, hold in any::<bool>()) {
        let page = |texts: &[String]| {
            let fields = json!([
                {"name": texts[0], "before": texts[1], "after": texts[2]},
                {"name": "tags", "before": [[texts[3]]], "after": {"a": texts[3]}},
            ]);
            let one = change(&texts[4], json!([texts[5], [texts[6]]]), ["create", "update", "delete"][action], fields);
            let one = if hold { held(one, "policy", &texts[7]) } else { one };
            let mut header = header();
            header["sync"] = json!(texts[8]);
            header["partial"] = json!(texts[9]);
            header["target"]["connection"] = json!(texts[9]);
            header["source"]["notes"] = json!({texts[7].as_str(): texts[6]});
            let verdict = json!({"guard": "updates", "model": texts[4], "demand": "approval", "reason": texts[2]});
            let models = [model(&texts[4], json!({}), [0, 1, 0], json!({texts[7].as_str(): 1}))];
            Saved::new(&header, &vec![one; 5], &json!({"models": models, "verdicts": [verdict]}))
        };
        let saved = page(&texts);
        let plain = page(&vec!["x".to_owned(); 10]);
        for extent in [Extent::Short, Extent::Full] {
            let (html, markdown) = (saved.html(extent), saved.markdown(extent));
            let (plain_html, plain_markdown) = (plain.html(extent), plain.markdown(extent));
            // The page has the tags, attributes included, that it has with harmless values; backticks in a reason make code.
            let html = html.replace("<code>", "").replace("</code>", "");
            let plain_html = plain_html.replace("<code>", "").replace("</code>", "");
            prop_assert_eq!(tags(&html), tags(&plain_html));
            assert_tables_hold(&markdown)?;
            prop_assert_eq!(markdown.lines().count(), plain_markdown.lines().count());
            // A value that a code span would not bear stands in an element.
            let markdown = markdown.replace("<code>", "").replace("</code>", "");
            prop_assert_eq!(tags(&markdown), tags(&plain_markdown));
        }
    }
}

/// The tags of a page.
fn tags(html: &str) -> Vec<&str> {
    html.split('<').skip(1).map(|rest| rest.split_once('>').map_or(rest, |(tag, _)| tag)).collect()
}

/// Whoever judges a plan sees which records are missing from it, on every page.
#[test]
fn records_that_could_not_be_taken_over_are_named() {
    let mut header = header();
    let message = "`oops` is <b>not</b> defined";
    header["source"]["reads"]["host"] = json!({
        "digest": "d", "records": 61, "rejected": 12,
        "rejections": [{"record": "fra1-acc-05", "field": "groups[0].name", "message": message}],
    });
    let saved = Saved::new(&header, &[], &json!({"models": [], "verdicts": []}));
    let markdown = saved.markdown(Extent::Short);
    let line = markdown.lines().find(|line| line.contains("not taken over")).unwrap();
    insta::assert_snapshot!(line, @"- **12 not taken over** of hosts: fra1-acc-05&#58; groups&#91;0&#93;.name&#58; `oops` is &#60;b&#62;not&#60;/b&#62; defined");
    let html = saved.html_body(Extent::Short);
    assert!(html.contains("12 not taken over") && html.contains("… and 11 more"), "{html}");
    assert!(html.contains("fra1-acc-05: groups[0].name") && !html.contains("<b>not</b>"), "{html}");
}

/// The name of a rule stands before its reason: one that begins with it would say it twice.
#[test]
fn a_reason_does_not_say_its_rule_again() {
    let reason = "left alone until 2026-12-01 by ada: the lab has it so";
    assert_eq!(words::because(HoldRule::Ignored, reason), "until 2026-12-01 by ada: the lab has it so");
    let of_whole = format!("its device `sw1` is {reason}");
    assert_eq!(words::because(HoldRule::Ignored, &of_whole), of_whole);
    assert_eq!(words::because(HoldRule::InUse, "in used"), "in used");
    let create = held(change("site", json!(["atl"]), "create", json!([])), "ignored", reason);
    let saved = Saved::new(&header(), &[create], &json!({"models": [], "verdicts": []}));
    let text = saved.markdown(Extent::Full);
    assert!(text.contains("held (left alone): until 2026-12-01 by ada"), "{text}");
    let html = saved.html_body(Extent::Full);
    assert!(html.contains("<b>left alone</b>: until 2026-12-01 by ada"), "{html}");
}

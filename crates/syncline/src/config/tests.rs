//! Configurations judged as a whole, with connectors made for it.

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use syncline_core::connector::{ConnectorDescriptor, SideDescriptor};
use syncline_core::registry::Registry;
use syncline_core::settings::{NoSettings, Problem, SecretRef, Settings, parse, schema};
use syncline_core::{Error, ErrorKind};

use super::load::Loaded;
use super::{ConfigError, Configuration, check, load};

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Connection {
    /// Where it answers, for example `https://alpha.example`.
    url: url::Url,
    /// The token.
    #[serde(rename = "token")]
    _token: SecretRef,
    /// Records in a page.
    #[serde(default, rename = "page_size")]
    #[schemars(range(min = 1, max = 1000))]
    _page_size: Option<u32>,
}

#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// Names of sites.
    #[serde(rename = "sites")]
    _sites: Vec<String>,
}

fn problems<S: Settings>(value: Value) -> Vec<Problem> {
    parse::<S>(value).err().into_iter().collect()
}

fn side<T: ?Sized + 'static, S: Settings>() -> SideDescriptor<T> {
    SideDescriptor {
        pinned: |_| None,
        describe: |_, _| Err(Error::new(ErrorKind::Internal, "this connector only exists to be configured")),
        parameters_schema: schema::<S>,
        validate: problems::<S>,
        connect: |_, _, _| {
            Box::pin(async { Err(Error::new(ErrorKind::Internal, "this connector only exists to be configured")) })
        },
    }
}

fn alpha(connection: Value) -> Vec<Problem> {
    match parse::<Connection>(connection) {
        Ok(connection) if connection.url.scheme() != "https" => vec![Problem::new("url", "is not `https`")],
        Ok(_) => Vec::new(),
        Err(problem) => vec![problem],
    }
}

fn registry() -> Registry {
    let connector = |id, connection_schema, validate, source, target| ConnectorDescriptor {
        id,
        label: "For tests",
        description: "A connector for tests.",
        icon: None,
        package: "syncline",
        version: "1.0.0",
        connection_schema,
        validate,
        source,
        target,
    };
    let alpha = connector("alpha", schema::<Connection>, alpha, Some(side::<_, Parameters>()), None);
    let beta = connector("beta", schema::<NoSettings>, problems::<NoSettings>, None, Some(side::<_, NoSettings>()));
    Registry::of([&*Box::leak(Box::new(alpha)), &*Box::leak(Box::new(beta))]).unwrap()
}

fn judge(toml: &str, environment: &[(&str, &str)]) -> Result<Configuration, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("syncline.toml");
    std::fs::write(&file, toml).unwrap();
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut loaded = load(Some(&file), environment)?;
    loaded.file = Some("syncline.toml".into());
    check(&loaded, &registry())
}

/// The problems, one a line.
fn told(toml: &str, environment: &[(&str, &str)]) -> String {
    match judge(toml, environment) {
        Ok(_) => "valid".to_owned(),
        Err(ConfigError::Invalid(problems)) => {
            problems.iter().flat_map(|problem| [problem.to_string(), "\n".to_owned()]).collect()
        }
        Err(error) => error.to_string(),
    }
}

const GOOD: &str = r#"
[connections.a]
connector = "alpha"
url = "https://alpha.example"
token = "env:TOKEN"

[connections.b]
connector = "beta"

[syncs.a-to-b]
source = "a"
target = "b"
models = { device = "lookup" }
policy = { adopt = "matched", fields = { "device.serial" = "target_wins", "device.*" = "only_if_empty" } }
source_parameters = { sites = ["x"] }
"#;

#[test]
fn a_good_configuration_is_understood() {
    let configuration = judge(GOOD, &[("SYNCLINE__SYNCS__A_TO_B__POLICY__PLAN_VALID_HOURS", "2")]).unwrap();
    let sync = configuration.definition("a-to-b").unwrap();
    assert_eq!((sync.source.connector.as_str(), sync.target.connector.as_str()), ("alpha", "beta"));
    assert_eq!(sync.source.parameters, json!({"sites": ["x"]}));
    assert_eq!(sync.policy.plan_valid_hours, 2);
    let rules = ["serial", "status"].map(|field| sync.policy.rule_of("device", field).as_str());
    assert_eq!(
        (rules, sync.policy.rule_of("site", "name").as_str()),
        (["target_wins", "only_if_empty"], "source_wins")
    );
    assert!(sync.source.connection.get("connector").is_none());
    assert_eq!(configuration.data_folder, std::env::current_dir().unwrap().join("syncline-data"));
    let error = configuration.definition("a-to-c").unwrap_err();
    assert_eq!(error.to_string(), "there is no sync `a-to-c`; did you mean `a-to-b`?");
}

/// The history keeps paths below the folder, and who opens them may have been started elsewhere.
#[test]
fn the_folder_does_not_depend_on_where_a_process_is_started() {
    let here = std::env::current_dir().unwrap();
    let beside = tempfile::tempdir_in(&here).unwrap();
    let file = beside.path().strip_prefix(&here).unwrap().join("syncline.toml");
    for (data, expected) in [
        ("", beside.path().join("syncline-data")),
        ("[data]\nfolder = \"kept\"\n", beside.path().join("kept")),
        ("[data]\nfolder = \"/var/lib/syncline\"\n", "/var/lib/syncline".into()),
    ] {
        std::fs::write(&file, format!("{data}{GOOD}")).unwrap();
        let configuration = check(&load(Some(&file), []).unwrap(), &registry()).unwrap();
        assert_eq!(configuration.data_folder, expected, "{data}");
    }
}

#[test]
fn every_problem_is_told_at_once_with_file_key_and_remedy() {
    let wrong = r#"
        conections = 1

        [data]
        foldr = "x"
        history = "postgres://me:secret@host/db"

        [connections.a]
        connector = "alfa"

        [connections."b c"]
        connector = "beta"
        url = "https://b.example"

        [connections.c]
        connector = "alpha"
        url = "http://c.example"
        tokn = "env:T"
        page_size = 0

        [connections.d]
        url = "https://d.example"

        [connections.e]
        connector = "alpha"
        url = 3
        token = "hunter2"

        [syncs.one]
        source = "aa"
        target = "c"
        models = { devize = "sync", site = "sinc" }

        [syncs.two]
        source = "c"
        target = "c"
        source_parameters = { site = ["x"] }
        polcy = {}

        [syncs.four]
        source = "c"
        target = "b c"
        [syncs.four.policy.guards]
        canaries = [{ model = "site", key = ["atl", 1] }, { model = "device", key = [["atl"], "core-1"] }]
        models = { devize = {} }

        [syncs.three]
        source = "c"
        [syncs.three.policy]
        deletes = "yes"
        fields = { "device.serail" = "target_wins", "devize.serial" = "report_only", serial = "source_wins", "site.*" = "never" }
        [syncs.three.policy.guards]
        deletes_refused_percent = -1
        models = { site = { deletes = 3 } }
        sites = { atl = { source_shrank_percent = 3 } }
    "#;
    let told = told(wrong, &[]);
    assert!(!told.contains("hunter2") && !told.contains("me:secret"), "{told}");
    insta::assert_snapshot!(told);
}

#[test]
fn a_problem_of_a_variable_names_the_variable() {
    let variables = [("SYNCLINE__CONNECTIONS__A__PAGE_SIZE", "many"), ("SYNCLINE__SYNCS__A_TO_B__TARGT", "b")];
    insta::assert_snapshot!(told(GOOD, &variables));
}

#[test]
fn validation_by_the_connector_is_told() {
    let told = told(&GOOD.replace("https://alpha", "http://alpha"), &[]);
    assert_eq!(told, "syncline.toml: `connections.a.url`: is not `https`\n");
}

#[test]
fn the_schema_accepts_what_the_check_accepts() {
    let schema = super::schema(&registry());
    insta::assert_json_snapshot!(schema["properties"]["connections"]["additionalProperties"]);
    assert_eq!(schema["properties"]["syncs"]["additionalProperties"]["properties"]["models"]["type"], "object");
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "(a|b|alpha|beta|env:X|sync|[a-zä:/]{0,8})".prop_map(Value::from),
    ];
    let name = "(data|connections|syncs|connector|source|target|models|policy|guards|url|token|a|b|[a-z._-]{0,4})";
    leaf.prop_recursive(5, 64, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    /// Whatever a configuration says, it is understood or its problems are told.
    #[test]
    fn no_configuration_panics(connections in any_value(), syncs in any_value(), data in any_value(), other in any_value()) {
        let mut tree = Map::new();
        tree.insert("connections".to_owned(), connections);
        tree.insert("syncs".to_owned(), syncs);
        tree.insert("data".to_owned(), data);
        if let Value::Object(other) = other {
            tree.extend(other);
        }
        let loaded = Loaded { tree, ..Loaded::default() };
        if let Err(ConfigError::Invalid(problems)) = check(&loaded, &registry()) {
            prop_assert!(!problems.is_empty());
        }
    }

    /// Whatever a file says, reading it ends.
    #[test]
    fn no_text_panics(text in "([a-z\\[\\]{}=\"'.:#\\-\\n &*0-9é]|connections|syncs|\\[data\\]\n){0,60}", yaml in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(if yaml { "syncline.yaml" } else { "syncline.toml" });
        std::fs::write(&file, text).unwrap();
        if let Ok(loaded) = load(Some(&file), []) {
            let _ = check(&loaded, &registry());
        }
    }
}

/// A key that stands a table too deep, or not deep enough, is told where it belongs.
#[test]
fn a_key_in_the_wrong_table_is_told_where_it_belongs() {
    let sync = |keys: &str| {
        let text = format!("{GOOD}\n[syncs.b]\nsource = \"a\"\ntarget = \"b\"\n{keys}");
        let Err(ConfigError::Invalid(problems)) = judge(&text, &[]) else { panic!("{keys} is fine") };
        let own = problems.iter().filter(|problem| problem.key.starts_with("syncs.b."));
        own.map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let window = "[[syncs.b.windows]]\nkind = \"deny\"\ncron = \"0 8 * * *\"\nduration = \"8h\"\n";
    insta::assert_snapshot!(sync(&format!("{window}overrun = false\nauto_merge = false\nmax_minutes = 3")), @r#"
syncline.toml: `syncs.b.windows.0.auto_merge`: unknown key; it belongs beside `windows`, not in it: write it above `windows`
syncline.toml: `syncs.b.windows.0.max_minutes`: unknown key; it belongs beside `windows`, not in it: write it above `windows`
syncline.toml: `syncs.b.windows.0.overrun`: unknown key; it belongs beside `windows`, not in it: write it above `windows`
"#);
    insta::assert_snapshot!(sync("manual = false\ndeletes = \"apply\"\ncron = \"0 3 * * *\""), @r#"
syncline.toml: `syncs.b.cron`: unknown key; it belongs in `drift` or `schedule` or `windows`
syncline.toml: `syncs.b.deletes`: unknown key; it belongs in `policy`
syncline.toml: `syncs.b.manual`: unknown key; it belongs in `windows`
"#);
    insta::assert_snapshot!(sync("[syncs.b.policy.guards]\ndeletes = \"apply\"\n[syncs.b.policy]\ndeletes_refused_percent = 3"), @r#"
syncline.toml: `syncs.b.policy.deletes_refused_percent`: unknown key; it belongs in `guards`
syncline.toml: `syncs.b.policy.guards.deletes`: unknown key; it belongs beside `guards`, not in it: write it above `guards`
"#);
}

//! Single exchanges, as a real NetBox answered them.

use std::sync::Arc;

use serde_json::{Value, json};
use syncline_core::bindings::Bindings;
use syncline_core::connector::ConnectContext;
use syncline_core::native::Native;
use syncline_core::target::{Batch, BatchError, Pass, TargetWriter as _, Written};
use syncline_model::models::{DeviceType, IpAddress, Manufacturer, Prefix};
use syncline_model::{Model as _, Slug, Text};
use wiremock::matchers::{body_partial_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::support::{Access, access, batch, create, delete, outcomes, update, writer};
use crate::NetBox;
use crate::client::ReadClient;
use crate::settings::TargetParameters;
use crate::write::Writer;

pub(super) const VERSION: &str = "2026-11-20T11:42:21.685024Z";

pub(super) struct Server {
    pub mock: MockServer,
    access: Access,
}

impl Server {
    pub async fn start(version: &str) -> Self {
        let mock = MockServer::start().await;
        let access = access(&mock.uri(), "0123456789abcdef0123456789abcdef01234567");
        let server = Self { mock, access };
        server.answers("GET", "/api/status/", 200, json!({"netbox-version": version, "plugins": {}})).await;
        server
    }

    pub async fn answers(&self, verb: &str, at: &str, status: u16, body: Value) {
        Mock::given(method(verb))
            .and(path(at))
            .respond_with(ResponseTemplate::new(status).set_body_json(body))
            .mount(&self.mock)
            .await;
    }

    async fn writer(&self) -> Writer {
        let reader = Arc::new(ReadClient::connect(&self.access.connection, &ConnectContext::default()).await.unwrap());
        writer(&reader, &self.access.connection, &TargetParameters::default()).await
    }

    /// Writes changes of one model to what was mounted.
    pub async fn write(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Written>, BatchError> {
        self.writer().await.write(batch, bindings).await
    }
}

fn manufacturer(slug: &str) -> Manufacturer {
    Manufacturer { slug: slug.parse::<Slug>().unwrap(), name: Text::new(slug).unwrap() }
}

pub(super) fn known(id: u64) -> Native {
    Native::new(id).at_version(VERSION)
}

pub(super) fn bare(rows: &Value) -> Value {
    json!({"count": 0, "next": null, "results": rows})
}

#[tokio::test]
async fn an_old_version_is_refused() {
    let server = Server::start("4.1.11").await;
    let error = ReadClient::connect(&server.access.connection, &ConnectContext::default()).await.err().unwrap();
    insta::assert_snapshot!(error, @"NetBox 4.1.11 is too old; upgrade it to 4.2 or later (tried with 4.2 to 4.6)");
}

#[tokio::test]
async fn another_page_is_no_netbox() {
    let mock = MockServer::start().await;
    let page = ResponseTemplate::new(200).set_body_raw("<!DOCTYPE html><title>Log in</title>", "text/html");
    Mock::given(method("GET")).respond_with(page).mount(&mock).await;
    let access = access(&mock.uri(), "0123456789abcdef0123456789abcdef01234567");
    let error = ReadClient::connect(&access.connection, &ConnectContext::default()).await.err().unwrap();
    assert_eq!(error.kind(), syncline_core::ErrorKind::Protocol, "{}", error.report());
}

#[tokio::test]
async fn each_kind_of_token_has_its_own_scheme() {
    for (token, expected) in [
        ("0123456789abcdef0123456789abcdef01234567", "Token 0123456789abcdef0123456789abcdef01234567"),
        ("nbt_key.secret", "Bearer nbt_key.secret"),
    ] {
        let mock = MockServer::start().await;
        let status = ResponseTemplate::new(200).set_body_json(json!({"netbox-version": "4.6.8"}));
        let asked = Mock::given(path("/api/status/")).and(header("authorization", expected));
        asked.respond_with(status).expect(1).mount(&mock).await;
        let access = access(&mock.uri(), token);
        ReadClient::connect(&access.connection, &ConnectContext::default()).await.unwrap();
    }
}

#[tokio::test]
async fn fields_that_netbox_drops_are_noticed() {
    let server = Server::start("4.4.0").await;
    server
        .answers(
            "POST",
            "/api/dcim/manufacturers/",
            201,
            json!([{"id": 1, "name": "Acme", "slug": "acme"}, {"id": 2, "name": "b"}]),
        )
        .await;
    let changes = [create(&manufacturer("acme")), create(&manufacturer("b"))];
    let written = server.write(&batch(Manufacturer::SCHEMA, Pass::First, &changes), &Bindings::new()).await.unwrap();
    insta::assert_snapshot!(outcomes(&written), @r#"
    failed: name: "acme" was sent, but NetBox kept "Acme"
    failed: slug: "b" was sent, but NetBox knows no field `slug`
    "#);
    assert_eq!(written[0].native.as_ref().map(|native| &*native.id), Some("1"));
}

#[tokio::test]
async fn ids_that_netbox_drops_are_noticed() {
    let server = Server::start("4.4.0").await;
    let rows = json!([{"id": 1, "last_updated": VERSION}, {"id": 2, "last_updated": VERSION}]);
    server.answers("GET", "/api/dcim/manufacturers/", 200, bare(&rows)).await;
    server.answers("PATCH", "/api/dcim/manufacturers/", 200, json!([{"id": 2, "name": "y"}])).await;
    let change = |slug: &str, id: u64, name: &str| {
        update::<Manufacturer>(manufacturer(slug).key().to_any(), known(id), &[("name", json!("x"), json!(name))])
    };
    let changes = [change("a", 1, "x1"), change("b", 2, "y"), change("c", 3, "z")];
    let written = server.write(&batch(Manufacturer::SCHEMA, Pass::First, &changes), &Bindings::new()).await.unwrap();
    insta::assert_snapshot!(outcomes(&written), @r"
    stale: it was deleted after it was read
    applied
    stale: it was deleted after it was read
    ");
}

#[tokio::test]
async fn a_list_of_creates_names_those_at_fault() {
    let server = Server::start("4.4.0").await;
    // The list with the bad one is refused with a place for each, the rest is taken.
    Mock::given(method("POST"))
        .and(path("/api/dcim/manufacturers/"))
        .and(body_partial_json(json!([{"slug": "a"}, {"slug": "bad"}])))
        .respond_with(ResponseTemplate::new(400).set_body_json(json!([{}, {"name": ["This name is not to be used."]}])))
        .expect(1)
        .mount(&server.mock)
        .await;
    server.answers("POST", "/api/dcim/manufacturers/", 201, json!([{"id": 1, "name": "a", "slug": "a"}])).await;
    let changes = [create(&manufacturer("a")), create(&manufacturer("bad"))];
    let written = server.write(&batch(Manufacturer::SCHEMA, Pass::First, &changes), &Bindings::new()).await.unwrap();
    insta::assert_snapshot!(outcomes(&written), @r"
    applied
    failed: name: This name is not to be used.
    ");
}

#[tokio::test]
async fn what_is_in_use_is_skipped_alone_and_refused_in_a_list() {
    let server = Server::start("4.4.0").await;
    let rows = json!([{"id": 1, "last_updated": VERSION}, {"id": 2, "last_updated": VERSION}]);
    server.answers("GET", "/api/dcim/manufacturers/", 200, bare(&rows)).await;
    let detail = "Unable to delete object. 2 dependent objects were found: Cisco-M0 (1), Cisco-M1 (2)";
    server.answers("DELETE", "/api/dcim/manufacturers/", 409, json!({"detail": detail})).await;
    let changes = [1, 2].map(|id| delete::<Manufacturer>(manufacturer(&format!("m{id}")).key().to_any(), known(id)));
    let error = server.write(&batch(Manufacturer::SCHEMA, Pass::First, &changes), &Bindings::new()).await.unwrap_err();
    assert!(matches!(error, BatchError::Refused { .. }));
    let written =
        server.write(&batch(Manufacturer::SCHEMA, Pass::First, &changes[..1]), &Bindings::new()).await.unwrap();
    insta::assert_snapshot!(
        outcomes(&written),
        @"skipped: the manufacturer `m1` is still in use: Unable to delete object. 2 dependent objects were found: Cisco-M0 (1), Cisco-M1 (2)"
    );
}

#[tokio::test]
async fn what_no_field_expresses_stays_as_it_is() {
    let server = Server::start("4.4.0").await;
    let address =
        json!({"id": 1, "last_updated": VERSION, "assigned_object_type": "ipam.fhrpgroup", "assigned_object_id": 4});
    server.answers("GET", "/api/ipam/ip-addresses/", 200, bare(&json!([address]))).await;
    let prefix = json!({"id": 1, "last_updated": VERSION, "scope_type": "dcim.region", "scope_id": 4});
    server.answers("GET", "/api/ipam/prefixes/", 200, bare(&json!([prefix]))).await;
    let mut bindings = Bindings::new();
    bindings.bind("interface", r#"[["atl","sw1"],"Eth1"]"#, "7");
    bindings.bind("site", r#"["atl"]"#, "5");
    let key = IpAddress::key_of(&None, &"10.0.0.1/24".parse().unwrap()).to_any();
    let change = update::<IpAddress>(key, known(1), &[("interface", Value::Null, json!([["atl", "sw1"], "Eth1"]))]);
    let written = server.write(&batch(IpAddress::SCHEMA, Pass::First, [&change]), &bindings).await.unwrap();
    insta::assert_snapshot!(outcomes(&written), @"skipped: in NetBox it is assigned to a `ipam.fhrpgroup`, and stays so");
    let key = Prefix::key_of(&None, &"10.0.0.0/24".parse().unwrap()).to_any();
    let change = update::<Prefix>(key, known(1), &[("site", Value::Null, json!(["atl"]))]);
    let written = server.write(&batch(Prefix::SCHEMA, Pass::First, [&change]), &bindings).await.unwrap();
    insta::assert_snapshot!(outcomes(&written), @"skipped: in NetBox it belongs to a `dcim.region`, and stays so");
}

#[tokio::test]
async fn an_error_of_the_database_is_told_by_its_kind() {
    let failed = async |message: &str, exception: &str| {
        let server = Server::start("4.4.0").await;
        let body =
            json!({"error": message, "exception": exception, "netbox_version": "4.4.0", "python_version": "3.12.1"});
        server.answers("POST", "/api/dcim/manufacturers/", 500, body).await;
        let change = create(&manufacturer("a"));
        server.write(&batch(Manufacturer::SCHEMA, Pass::First, [&change]), &Bindings::new()).await.unwrap_err()
    };
    assert!(matches!(failed("deadlock detected\nDETAIL: …", "OperationalError").await, BatchError::Again(_)));
    let twice = "duplicate key value violates unique constraint \"dcim_manufacturer_slug_key\"";
    assert!(matches!(failed(twice, "IntegrityError").await, BatchError::Refused { .. }));
    assert!(matches!(failed("'NoneType' object …", "AttributeError").await, BatchError::InDoubt(_)));
}

#[tokio::test]
async fn a_reference_that_is_not_there_is_not_sent() {
    let server = Server::start("4.4.0").await;
    let device_type = DeviceType {
        manufacturer: manufacturer("acme").key(),
        slug: "x".parse().unwrap(),
        model: Text::new("X").unwrap(),
        part_number: None,
    };
    let change = create(&device_type);
    let written = server.write(&batch(DeviceType::SCHEMA, Pass::First, [&change]), &Bindings::new()).await.unwrap();
    insta::assert_snapshot!(
        outcomes(&written),
        @"failed: manufacturer: refers to the manufacturer `acme`, which NetBox does not have"
    );
}

#[test]
fn settings_are_described_and_checked() {
    use syncline_core::connector::{ConnectSource, ConnectTarget, Connector};
    use syncline_core::settings::schema;
    insta::assert_json_snapshot!("connection", schema::<<NetBox as Connector>::Connection>());
    insta::assert_json_snapshot!("source_parameters", schema::<<NetBox as ConnectSource>::Parameters>());
    insta::assert_json_snapshot!("target_parameters", schema::<<NetBox as ConnectTarget>::Parameters>());

    let problems = |settings: Value| -> String {
        let told = match syncline_core::settings::parse::<crate::Connection>(settings) {
            Ok(connection) => NetBox::validate(&connection),
            Err(problem) => vec![problem],
        };
        told.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(
        problems(json!({"url": "https://nb.example", "token": "env:T", "page_size": 5000, "batch_size": 0})),
        @r"
    `page_size`: `5000` is not between 1 and 1000
    `batch_size`: `0` is not between 1 and 1000
    "
    );
    let unknown = problems(json!({"url": "https://nb.example", "token": "env:T", "pagesize": 5}));
    assert!(unknown.starts_with("`pagesize`: unknown field `pagesize`, expected one of `url`, `token`"), "{unknown}");
    let parameters = TargetParameters { tags: vec!["a b".to_owned()], ..TargetParameters::default() };
    let told: Vec<_> = NetBox::validate_target(&parameters).iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(
        told.join("\n"),
        @r"
    `tags[0]`: `a b` is not a slug of letters, digits, `-` and `_`, such as `atlanta-dc1`
    "
    );
}

#[test]
fn the_connector_is_registered() {
    let registry = syncline_core::registry::Registry::linked().unwrap();
    let connector = registry.get("netbox").unwrap();
    assert!(connector.source.is_some() && connector.target.is_some());
}

//! What a person reads when a setting is wrong or a system misbehaves.

use std::fs;

use syncline_testkit::forward::Canned;
use syncline_testkit::netbox::{Effect, Fault};

use crate::lab::Lab;

/// The error of a run, with what differs from run to run taken out.
async fn error_of(lab: &Lab) -> String {
    let report = lab.run().await;
    assert_eq!(report.status.as_str(), "failed");
    assert_eq!(lab.netbox.written_objects(), 0);
    let error = report.error.expect("a failed run has an error").report();
    // The system's name for the request is another one each time.
    let error = match error.split_once(", request id ") {
        Some((before, after)) => {
            format!("{before}{}", after.trim_start_matches(|c: char| c.is_ascii_hexdigit() || c == '-'))
        }
        None => error,
    };
    [(lab.forward.url(), "FORWARD"), (lab.netbox.url().to_owned(), "NETBOX")]
        .into_iter()
        .fold(error, |error, (url, name)| error.replace(&url, name).replace(url.trim_start_matches("http://"), name))
}

fn secret(lab: &Lab, text: &str) -> String {
    let path = lab.folder().join("another-secret");
    fs::write(&path, text).unwrap();
    format!("file:{}", path.display())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_netbox_token() {
    let mut lab = Lab::new().await;
    lab.sync.target.connection["token"] = secret(&lab, "0123456789012345678901234567890123456789").into();
    insta::assert_snapshot!(error_of(&lab).await, @"NetBox refuses the token: Invalid v1 token. Give a valid one in `token` (connection netbox)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_forward_secret() {
    let mut lab = Lab::new().await;
    lab.sync.source.connection["secret"] = secret(&lab, "hunter2hunter2").into();
    let error = error_of(&lab).await;
    assert!(!error.contains("hunter2"));
    insta::assert_snapshot!(error, @"Forward refused the access key or its secret: check that `access_key` and `secret` refer to an API token that is active (Authentication failed) (request GET /api/version, side source)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_not_there() {
    let mut lab = Lab::new().await;
    lab.sync.target.connection["token"] = "env:SYNCLINE_TEST_NO_SUCH_TOKEN".into();
    insta::assert_snapshot!(error_of(&lab).await, @"the environment variable `SYNCLINE_TEST_NO_SUCH_TOKEN`, which `env:SYNCLINE_TEST_NO_SUCH_TOKEN` refers to, is not set (connection netbox)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_nobody_answers_on() {
    let mut lab = Lab::new().await;
    lab.netbox.stop();
    insta::assert_snapshot!(error_of(&lab).await, @"`NETBOX` refused the connection: check host and port, and whether the service runs (request GET /api/status/, attempts 4, connection netbox): error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_where_there_is_none() {
    let mut lab = Lab::new().await;
    lab.sync.target.connection["url"] = lab.netbox.url().replace("http:", "https:").into();
    insta::assert_snapshot!(error_of(&lab).await, @"`NETBOX` does not speak TLS on this port: check the port, or use `http://` in the URL (request GET /api/status/, connection netbox): error sending request: client error (Connect): received corrupt message of type InvalidContentType");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_page_instead_of_netbox() {
    let lab = Lab::new().await;
    lab.netbox.faults().add(Fault::on("status", Effect::HtmlOk));
    insta::assert_snapshot!(error_of(&lab).await, @"`NETBOX` answered HTML (proxy or login page?) where JSON was expected; first 120 characters: <!DOCTYPE html> <html><head><title>Sign in</title></head><body></body></html> (request GET /api/status/, connection netbox)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_page_instead_of_forward() {
    let lab = Lab::new().await;
    lab.forward.faults(|faults| faults.canned.push_back(Canned::html("GET /api/version", 9, 200)));
    insta::assert_snapshot!(error_of(&lab).await, @"`FORWARD` answered HTML (proxy or login page?) where JSON was expected; first 120 characters: <html><head><title>200</title></head><body><h1>200</h1><hr>nginx</body></html> (request GET /api/version, side source)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_forward_does_not_have() {
    let mut lab = Lab::new().await;
    lab.sync.source.connection["network"] = "Produktion".into();
    insta::assert_snapshot!(error_of(&lab).await, @"the access key sees no network `Produktion`: set `network` to one that it sees (`Production` (id 101)), or give its user a role in that network (side source)");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_absurd_size() {
    let mut lab = Lab::new().await;
    lab.sync.source.connection["max_rows"] = 100.into();
    insta::assert_snapshot!(error_of(&lab).await, @"a read did not come to its end: source interface: the query gives 370 rows or more, and 100 are allowed: raise `max_rows` if the network is that large (query interfaces); source ip_address: the query gives 264 rows or more, and 100 are allowed: raise `max_rows` if the network is that large (query ip_addresses); source mac_address: the query gives 300 rows or more, and 100 are allowed: raise `max_rows` if the network is that large (query mac_addresses); source prefix: the query gives 124 rows or more, and 100 are allowed: raise `max_rows` if the network is that large (query prefixes)");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_are_out_of_range_or_unknown() {
    let mut lab = Lab::new().await;
    lab.sync.source.connection["page_size"] = 20_000.into();
    let range = error_of(&lab).await;
    lab.sync.source.connection["page_size"] = 100.into();
    lab.sync.source.connection["pagesize"] = 100.into();
    let unknown = error_of(&lab).await;
    insta::assert_snapshot!(range, @"connection: `page_size`: must be from 1 to 10000 (connection forward)");
    insta::assert_snapshot!(unknown, @"connection: `pagesize`: unknown field `pagesize`, expected one of `url`, `access_key`, `secret`, `network`, `tls`, `http`, `page_size`, `concurrency`, `execution`, `query_minutes`, `max_rows` (connection forward)");
}

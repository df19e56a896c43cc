//! A credential goes nowhere but to the configured scheme, host and port.

use serde_json::json;
use syncline_core::ErrorKind;
use syncline_http::{Client, Credential};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

use crate::support::{core, received, server, settings};

fn client(url: &str) -> Client {
    Client::new(&settings(url), Credential::token("secret-token".into())).unwrap()
}

#[tokio::test]
async fn a_redirect_elsewhere_is_an_error_that_names_the_target() {
    let other = server(ResponseTemplate::new(200)).await;
    for target in [format!("{}/x?token=hunter2", other.uri()), "https://user:hunter2@evil.example/x".to_owned()] {
        let here = server(ResponseTemplate::new(302).insert_header("location", &*target)).await;
        let (kind, _, report) = core(client(&here.uri()).get("x").send().await.unwrap_err());
        assert_eq!(kind, ErrorKind::Protocol);
        let origin = if target.contains("evil") { "https://evil.example".to_owned() } else { other.uri() };
        assert!(report.contains(&format!("redirects to `{origin}`")), "{report}");
        assert!(report.contains("set the URL to it") && !report.contains("hunter2"), "{report}");
        assert_eq!(received(&here).await, 1);
    }
    assert_eq!(received(&other).await, 0);
}

#[tokio::test]
async fn a_read_follows_a_few_redirects_on_its_own_host() {
    let server = MockServer::start().await;
    let there = ResponseTemplate::new(301).insert_header("location", "/x/");
    Mock::given(matchers::path("/x")).respond_with(there).mount(&server).await;
    let answer = ResponseTemplate::new(200).set_body_json(json!(1));
    Mock::given(matchers::path("/x/"))
        .and(matchers::header("authorization", "Token secret-token"))
        .respond_with(answer)
        .mount(&server)
        .await;
    assert_eq!(client(&server.uri()).get("x").send().await.unwrap().json::<u8>().unwrap(), 1);
    // A write would silently become a read, or be done twice.
    let error = client(&server.uri()).post("x").send().await.unwrap_err();
    assert!(error.to_string().contains("redirects to `/x/`, which is not followed here"), "{error}");
    assert!(!error.is_in_doubt());
}

#[tokio::test]
async fn a_circle_ends() {
    let server = server(ResponseTemplate::new(307).insert_header("location", "/x")).await;
    let error = client(&server.uri()).get("x").send().await.unwrap_err();
    assert!(error.to_string().contains("redirects to `/x`"), "{error}");
    assert_eq!(received(&server).await, 4);
}

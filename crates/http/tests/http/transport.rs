//! No answer at all: names, ports, certificates, proxies.

use std::{path::PathBuf, sync::Arc, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, date_time_ymd,
};
use syncline_core::{ErrorKind, ErrorStatus};
use syncline_http::{Client, ClientSettings, Credential, Error, Proxy, TransportProblem};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivatePkcs8KeyDer},
        server::WebPkiClientVerifier,
    },
};
use wiremock::{ResponseTemplate, matchers};

use crate::support::{Raw, Then, client, core, ok, received, server, settings};

/// An authority of our own, its certificate in a file.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
    folder: TempDir,
}

/// How a server's certificate is wrong.
#[derive(Clone, Copy)]
enum Certificate {
    Good,
    Expired,
    NotYetValid,
    OtherName,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        Self { der: certificate.der().clone(), issuer: Issuer::new(params, key), folder }
    }

    fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn leaf(&self, kind: Certificate) -> (rcgen::Certificate, KeyPair) {
        let name = if matches!(kind, Certificate::OtherName) { "other.example" } else { "localhost" };
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        match kind {
            Certificate::Expired => params.not_after = date_time_ymd(2001, 1, 1),
            Certificate::NotYetValid => params.not_before = date_time_ymd(2999, 1, 1),
            Certificate::Good | Certificate::OtherName => {}
        }
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// A server with such a certificate; its URL.
    async fn serve(&self, kind: Certificate, clients_need_certificates: bool) -> String {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let (certificate, key) = self.leaf(kind);
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
        let builder = if clients_need_certificates {
            let mut roots = RootCertStore::empty();
            roots.add(self.der.clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let config = builder
            .with_single_cert(vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
            .unwrap();
        serve_with(config).await
    }

    fn settings(&self, url: &str) -> ClientSettings {
        let mut settings = settings(url);
        settings.tls.ca_file = Some(self.ca_file());
        settings
    }
}

/// Serves an empty 200 over TLS; its URL.
async fn serve_with(config: ServerConfig) -> String {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut socket) = acceptor.accept(socket).await else { continue };
            let mut buffer = [0; 4096];
            if socket.read(&mut buffer).await.is_ok_and(|length| length > 0) {
                let answer = ok("content-length: 0\r\nconnection: close\r\n", "");
                socket.write_all(&answer).await.unwrap();
                socket.shutdown().await.ok();
            }
        }
    });
    url
}

/// A client that made one request.
async fn get(settings: &ClientSettings) -> Result<Client, Error> {
    let client = Client::new(settings, Credential::none())?;
    client.get("x").send().await.map(|_| client)
}

#[track_caller]
fn unreachable(error: Error, expect: &str) {
    assert!(!error.is_in_doubt());
    let attempts = error.call().unwrap().attempts;
    let (kind, status, report) = core(error);
    assert_eq!((kind, status, attempts), (ErrorKind::Unreachable, ErrorStatus::Permanent, 1), "{report}");
    assert!(report.contains(expect), "{report}");
}

#[tokio::test]
async fn a_certificate_of_our_own_authority_is_trusted_when_it_is_named() {
    let authority = Authority::new("ours");
    let url = authority.serve(Certificate::Good, false).await;
    get(&authority.settings(&url)).await.unwrap();
}

#[tokio::test]
async fn each_fault_of_a_certificate_has_its_remedy() {
    let authority = Authority::new("ours");
    let url = authority.serve(Certificate::Good, false).await;
    // Another authority, and one that was renewed under its name.
    for name in ["another", "ours"] {
        let known = Authority::new(name);
        unreachable(get(&known.settings(&url)).await.unwrap_err(), "set `tls.ca_file` to your CA bundle");
    }
    for (kind, expect) in [
        (Certificate::Expired, "has expired: renew it"),
        (Certificate::NotYetValid, "is not valid yet: check the clock"),
        (Certificate::OtherName, "is for another name (it is for `other.example`)"),
    ] {
        let url = authority.serve(kind, false).await;
        unreachable(get(&authority.settings(&url)).await.unwrap_err(), expect);
        // Only when told so, and then whatever the fault.
        let mut careless = authority.settings(&url);
        careless.tls.verify = false;
        get(&careless).await.unwrap();
    }
}

#[tokio::test]
async fn a_self_signed_certificate_is_trusted_when_it_is_named_unless_it_is_an_authority() {
    let authority = Authority::new("ours");
    for (is_ca, refused) in [
        (IsCa::ExplicitNoCa, None),
        (IsCa::NoCa, None),
        (IsCa::Ca(BasicConstraints::Unconstrained), Some("with `basicConstraints=CA:FALSE`")),
    ] {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.is_ca = is_ca;
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let config = builder
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
            .unwrap();
        let url = serve_with(config).await;
        let mut settings = authority.settings(&url);
        let expect = refused.unwrap_or("set `tls.ca_file` to your CA bundle");
        unreachable(get(&settings).await.unwrap_err(), expect);
        std::fs::write(authority.ca_file(), certificate.pem()).unwrap();
        settings.tls.ca_file = Some(authority.ca_file());
        match (get(&settings).await, refused) {
            (Ok(_), None) => {}
            (Err(error), Some(expect)) => unreachable(error, expect),
            (result, refused) => panic!("{result:?} instead of {refused:?}"),
        }
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_when_it_is_wanted() {
    let authority = Authority::new("ours");
    let url = authority.serve(Certificate::Good, true).await;
    let mut settings = authority.settings(&url);
    unreachable(get(&settings).await.unwrap_err(), "set `tls.client_certificate_file`");
    let (certificate, key) = authority.leaf(Certificate::Good);
    let folder = authority.folder.path();
    std::fs::write(folder.join("client.pem"), certificate.pem()).unwrap();
    std::fs::write(folder.join("client.key"), key.serialize_pem()).unwrap();
    settings.tls.client_certificate_file = Some(folder.join("client.pem"));
    settings.tls.client_key_file = Some(folder.join("client.key"));
    get(&settings).await.unwrap();
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let authority = Authority::new("ours");
    let mut settings = authority.settings("https://localhost");
    settings.tls.ca_file = Some("/no/such/ca.pem".into());
    let error = get(&settings).await.unwrap_err().to_string();
    assert!(error.starts_with("`tls.ca_file` names `/no/such/ca.pem`, which cannot be read: "), "{error}");
    let empty = authority.folder.path().join("empty.pem");
    std::fs::write(&empty, "nothing").unwrap();
    settings.tls.ca_file = Some(empty.clone());
    let error = get(&settings).await.unwrap_err().to_string();
    assert!(error.contains("holds no PEM certificate"), "{error}");
    settings.tls.ca_file = Some(authority.ca_file());
    settings.tls.client_certificate_file = Some(authority.ca_file());
    settings.tls.client_key_file = Some(empty);
    let error = get(&settings).await.unwrap_err().to_string();
    assert!(error.contains("its unencrypted PEM key"), "{error}");
}

#[tokio::test]
async fn the_wrong_protocol_is_named() {
    let authority = Authority::new("ours");
    let plain = server(ResponseTemplate::new(200)).await;
    let url = plain.uri().replace("http://", "https://");
    unreachable(get(&authority.settings(&url)).await.unwrap_err(), "does not speak TLS on this port");
    let encrypted = authority.serve(Certificate::Good, false).await.replace("https://", "http://");
    unreachable(client(&encrypted).get("x").send().await.unwrap_err(), "whether the URL must start with `https://`");
    let other = Raw::start(vec![(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(), Then::Hang)]).await;
    unreachable(client(&other.url).get("x").send().await.unwrap_err(), "does not speak HTTP on this port");
}

#[tokio::test]
async fn a_name_without_address_is_told_apart() {
    let mut settings = settings("http://no-such-host.invalid");
    settings.http.retry.attempts = 1;
    let error = get(&settings).await.unwrap_err();
    assert!(matches!(&error, Error::Transport(error) if error.problem == TransportProblem::Dns), "{error}");
    let (kind, status, report) = core(error);
    assert_eq!((kind, status), (ErrorKind::Unreachable, ErrorStatus::Persistent));
    assert!(report.contains("host name of `no-such-host.invalid` cannot be resolved"), "{report}");
}

#[tokio::test]
async fn silence_is_a_read_timeout() {
    let raw = Raw::start(vec![(Vec::new(), Then::Hang)]).await;
    let error = client(&raw.url).get("x").read_timeout(Duration::from_millis(20)).send().await.unwrap_err();
    assert_eq!(raw.connections(), 4);
    let (kind, status, report) = core(error);
    assert_eq!((kind, status), (ErrorKind::Unreachable, ErrorStatus::Persistent));
    assert!(report.contains("raise `http.read_timeout_seconds`"), "{report}");
}

#[tokio::test]
async fn a_proxy_is_used_with_its_own_credentials() {
    let proxy = wiremock::MockServer::start().await;
    let knock = wiremock::Mock::given(matchers::header_exists("proxy-authorization"));
    knock.respond_with(ResponseTemplate::new(200)).mount(&proxy).await;
    wiremock::Mock::given(matchers::any()).respond_with(ResponseTemplate::new(407)).mount(&proxy).await;
    let mut settings = settings("http://behind-the-proxy.invalid");
    settings.http.proxy = Proxy::parse(&proxy.uri()).unwrap();
    let error = get(&settings).await.unwrap_err();
    assert!(error.to_string().contains("set `http.proxy_user`") && error.kind() == ErrorKind::Unreachable, "{error}");
    settings.http.proxy_user = Some("u".to_owned());
    let password = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(password.path(), "p").unwrap();
    settings.http.proxy_password = Some(format!("file:{}", password.path().display()).parse().unwrap());
    get(&settings).await.unwrap();
    assert_eq!(received(&proxy).await, 2);
    // Through a tunnel the refusal comes before the system is reached.
    let tunnel = Raw::start(vec![(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n".to_vec(), Then::Close)]).await;
    let mut settings = Authority::new("ours").settings("https://behind-the-proxy.invalid");
    settings.http.proxy = Proxy::parse(&tunnel.url).unwrap();
    let authority = Authority::new("ours");
    settings.tls.ca_file = Some(authority.ca_file());
    unreachable(get(&settings).await.unwrap_err(), "the proxy wants credentials");
}

//! K2: what is wrong with a connection is told apart.

use syncline_core::{Error, ErrorKind};
use syncline_testkit::fault_proxy::{FaultKind, Strike};

use super::{Proof, Shown, in_time};
use crate::bench::Bench;
use crate::lab::{BoxError, Broken, Lab, Settings};

pub async fn told_apart(lab: &dyn Lab) -> Shown {
    let bench = Bench::new(lab).await?;
    let good = Broken { what: "the lab's own settings", connection: bench.settings.connection.clone(), kinds: &[] };
    if let Some(error) = errors(&bench, &good).await.first() {
        return Err(format!("the connection test fails with the lab's own settings: {}", error.report()).into());
    }
    let cases = broken(&bench).await?;
    for case in &cases {
        expect(&bench, case).await?;
    }
    let mut told: Vec<_> = cases.iter().map(|case| case.what).collect();
    if let Some(proxy) = &bench.proxy {
        let refusals: [(u16, &'static str, &'static [ErrorKind]); 2] = [
            (401, "a system that knows nobody (401)", &[ErrorKind::Unauthenticated, ErrorKind::Forbidden]),
            (403, "a system that forbids everything (403)", &[ErrorKind::Forbidden, ErrorKind::Unauthenticated]),
        ];
        for (status, what, kinds) in refusals {
            proxy.strike(Strike::all(FaultKind::ServerError { status, done: false }));
            expect(&bench, &Broken { what, connection: bench.settings.connection.clone(), kinds }).await?;
            told.push(what);
        }
    }
    Ok(Proof::Shown(format!("told apart: {}", told.join(", "))))
}

/// What cannot work: what the lab says, and for what has a URL a port where nobody listens and one that speaks no TLS.
pub async fn broken(bench: &Bench<'_>) -> Result<Vec<Broken>, BoxError> {
    let mut cases = bench.system.broken();
    if let Some(proxy) = &bench.proxy {
        let free = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?.local_addr()?;
        let at = |url: &str| bench.system.settings(Some(url)).connection;
        let kinds = &[ErrorKind::Unreachable];
        cases.push(Broken { what: "a port where nobody listens", connection: at(&format!("http://{free}")), kinds });
        let encrypted = proxy.url().replacen("http:", "https:", 1);
        cases.push(Broken { what: "a port that speaks no TLS", connection: at(&encrypted), kinds });
    }
    if cases.is_empty() {
        return Err("the lab names no connection that cannot work: `System::broken`".into());
    }
    Ok(cases)
}

/// What the sides say to a connection: the error of opening it, or of its test.
pub async fn errors(bench: &Bench<'_>, case: &Broken) -> Vec<Error> {
    let settings = Settings { connection: case.connection.clone(), ..bench.settings.clone() };
    let mut errors = Vec::new();
    if bench.connector.source.is_some() {
        let checked = async { bench.source(&settings).await?.check().await.map(drop) };
        errors.extend(checked.await.err());
    }
    if bench.connector.target.is_some() {
        let checked = async { bench.target(&settings).await?.check().await.map(drop) };
        errors.extend(checked.await.err());
    }
    errors
}

async fn expect(bench: &Bench<'_>, case: &Broken) -> Result<(), BoxError> {
    let what = case.what;
    let errors = in_time(&format!("the connection test with {what}"), errors(bench, case)).await?;
    if errors.len() != bench.sides().len() {
        return Err(format!("with {what} the connection test finds nothing wrong").into());
    }
    match errors.iter().find(|error| !case.kinds.contains(&error.kind())) {
        Some(error) => {
            let (kind, kinds) = (error.kind(), case.kinds);
            Err(format!("with {what} the error is of the kind {kind:?}, not one of {kinds:?}: {}", error.report())
                .into())
        }
        None => Ok(()),
    }
}

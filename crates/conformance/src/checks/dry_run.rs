//! K11: a dry run writes nothing.

use syncline_core::event::Side;
use syncline_core::run::RunRequest;

use super::{Proof, Shown};
use crate::bench::Bench;
use crate::lab::{BoxError, Lab};

pub async fn writes_nothing(lab: &dyn Lab) -> Shown {
    let bench = Bench::new(lab).await?;
    if let Some(proxy) = &bench.proxy {
        proxy.watch();
    }
    let mut done = Vec::new();
    if bench.connector.source.is_some() {
        bench.source(&bench.settings).await?.check().await?;
        bench.read(Side::Source, &bench.settings).await?;
        done.push("the connection test and a read of the source");
    }
    if bench.connector.target.is_some() {
        bench.target(&bench.settings).await?.check().await?;
        let before = bench.read(Side::Target, &bench.settings).await?;
        let report = bench.run(&lab.network(), RunRequest::dry()).await?;
        if report.plan.is_none() {
            let error = report.error.as_ref().map(syncline_core::Error::report).unwrap_or_default();
            return Err(format!("the dry run came to no plan, and ended as {}: {error}", report.status).into());
        }
        if report.total().applied > 0 || bench.read(Side::Target, &bench.settings).await? != before {
            return Err("after a dry run the target is another".into());
        }
        done.push("the connection test and a dry run of the target");
    }
    let writes = written(&bench)?;
    Ok(Proof::Shown(format!("{} wrote nothing{writes}", done.join(", "))))
}

/// That nothing was written, as far as requests show it.
fn written(bench: &Bench<'_>) -> Result<String, BoxError> {
    let Some(proxy) = &bench.proxy else { return Ok(String::new()) };
    let seen = proxy.seen();
    match seen.iter().find(|seen| bench.system.is_write(seen)) {
        Some(write) => Err(format!("a dry run writes: {} {}", write.method, write.path).into()),
        None => Ok(format!(" in {} requests", seen.len())),
    }
}

//! Where the history of a test is.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::Connection as _;
use syncline_testkit::postgres;

/// The address of an empty schema of a PostgreSQL server of its own; none when there is no server.
pub async fn postgres(what: &'static str) -> Option<String> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let server = tokio::task::spawn_blocking(move || postgres::url(what)).await.unwrap()?;
    let mut url: url::Url = server.parse().unwrap();
    let schema = format!("durable_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let mut connection = sqlx::PgConnection::connect(url.as_str()).await.unwrap();
    for statement in [format!("DROP SCHEMA IF EXISTS {schema} CASCADE"), format!("CREATE SCHEMA {schema}")] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    }
    url.query_pairs_mut().append_pair("options[search_path]", &schema);
    Some(url.into())
}

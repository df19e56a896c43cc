//! Against a real NetBox, which these tests fill and empty again. They run when `SYNCLINE_NETBOX_URL` is set and the
//! token is in `SYNCLINE_NETBOX_TOKEN`; the NetBox must be one that nobody misses.

use std::time::Instant;

use super::scenario;
use super::support::{connection, read};
use crate::client::ReadClient;
use crate::read::Role;
use crate::settings::Connection;

/// The connection to the real NetBox, if there is one.
fn real() -> Option<Connection> {
    let url = std::env::var("SYNCLINE_NETBOX_URL").ok()?;
    std::env::var("SYNCLINE_NETBOX_TOKEN").ok()?;
    Some(connection(&url, "env:SYNCLINE_NETBOX_TOKEN"))
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_written_read_changed_and_deleted() {
    match real() {
        Some(connection) => scenario::run(&connection, &format!("t{}", std::process::id())).await,
        None => println!("skipped: SYNCLINE_NETBOX_URL and SYNCLINE_NETBOX_TOKEN are not set"),
    }
}

/// Prints how fast a NetBox is read, by GraphQL and by REST.
#[tokio::test(flavor = "multi_thread")]
async fn rates_of_reads() {
    let Some(connection) = real() else { return };
    for by_rest in [false, true] {
        let client = ReadClient::connect(&connection).await.unwrap();
        if by_rest {
            client.give_up_graphql();
        }
        let start = Instant::now();
        let found = read(&client, Role::Target, None).await.unwrap();
        let (records, seconds) = (found.snapshot.records() as f64, start.elapsed().as_secs_f64());
        println!("by REST {by_rest}: {records} records in {seconds:.2} s, {:.0}/s", records / seconds);
        for model in found.snapshot.models.values() {
            println!(
                "  {} {:?} skipped {:?} rejected {:?}",
                model.model, model.verdict, model.skipped, model.rejections
            );
        }
    }
}

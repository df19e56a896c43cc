//! The two clients: one that reads, one that writes.
//!
//! A [`WriteClient`] is only made with a [`WritePermit`]: whatever a dry run calls, it has nothing that writes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncline_core::connector::ConnectContext;
use syncline_core::permit::WritePermit;
use syncline_core::version::Version;
use syncline_core::{Error, ErrorKind, Result};
use syncline_http::{Client, ClientSettings, Credential, Method, Path, Request, Response, Retry};
use tokio::sync::Semaphore;

use crate::error;
use crate::settings::Connection;
use crate::tables::Table;
use crate::version::{GRAPHQL_BY_KEY, KNOWN};

/// Bodies from this size on are parsed on a thread of their own.
const LARGE_BODY: usize = 32 * 1024;
/// A query string stays below this length: servers refuse a request line of 4 KiB.
const QUERY_LENGTH: usize = 2_000;

/// The header that names a branch by its schema id.
const BRANCH_HEADER: &str = "X-NetBox-Branch";

/// Reads from a NetBox.
pub(crate) struct ReadClient {
    http: Client,
    context: ConnectContext,
    /// The schema id of the branch that is read; none for main.
    branch: Option<String>,
    slots: Semaphore,
    page_size: u32,
    connections: usize,
    status: Status,
    version: Version,
    graphql: AtomicBool,
}

/// Writes to a NetBox.
pub(crate) struct WriteClient {
    http: Client,
    /// The schema id of the branch that is written; none for main.
    branch: Option<String>,
}

/// What `/api/status/` says.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Status {
    #[serde(rename = "netbox-version")]
    netbox_version: String,
    /// The plugins with their versions.
    #[serde(default)]
    pub plugins: BTreeMap<String, Value>,
    /// How many workers take jobs.
    #[serde(default, rename = "rq-workers-running")]
    pub workers: Option<u64>,
}

/// A page of a REST list.
#[derive(Debug, Deserialize)]
pub(crate) struct RestPage<R> {
    pub count: Option<u64>,
    #[serde(default)]
    pub next: Option<String>,
    pub results: Vec<R>,
}

/// An answer of GraphQL to a query for one list.
#[derive(Debug, Deserialize)]
struct GraphAnswer<R> {
    data: Option<BTreeMap<String, Option<Vec<R>>>>,
    #[serde(default)]
    errors: Vec<GraphError>,
}

#[derive(Debug, Deserialize)]
struct GraphError {
    #[serde(default)]
    message: String,
}

fn client(connection: &Connection, context: &ConnectContext) -> Result<Client> {
    let token = connection.token.resolve()?;
    let credential =
        if token.expose_secret().starts_with("nbt_") { Credential::bearer(token) } else { Credential::token(token) };
    let settings =
        ClientSettings { url: connection.url.clone(), tls: connection.tls.clone(), http: connection.http.clone() };
    Ok(Client::for_run(&settings, credential, context)?)
}

impl ReadClient {
    /// Connects: asks for the version and refuses one that is too old.
    pub async fn connect(connection: &Connection, context: &ConnectContext) -> Result<Self> {
        let http = client(connection, context)?;
        let response = http.get("api/status/").send().await.map_err(error::reading)?;
        let status: Status = response.json()?;
        let version = KNOWN.read(&status.netbox_version)?;
        let connections = connection.read_connections as usize;
        Ok(Self {
            http,
            context: context.clone(),
            branch: None,
            slots: Semaphore::new(connections),
            page_size: connection.page_size,
            connections,
            status,
            version,
            graphql: AtomicBool::new(version >= GRAPHQL_BY_KEY),
        })
    }

    /// The same NetBox as a branch shows it: every request names the branch.
    pub fn in_branch(&self, schema_id: &str) -> Self {
        Self {
            http: self.http.clone(),
            context: self.context.clone(),
            branch: Some(schema_id.to_owned()),
            slots: Semaphore::new(self.connections),
            page_size: self.page_size,
            connections: self.connections,
            status: self.status.clone(),
            version: self.version,
            graphql: AtomicBool::new(self.uses_graphql()),
        }
    }

    /// What NetBox says of itself now.
    pub async fn ask_status(&self) -> Result<Status> {
        self.get("api/status/", &[]).await
    }

    /// Where NetBox answers.
    pub fn url(&self) -> String {
        self.http.url().to_string()
    }

    /// Which version it is.
    pub fn version(&self) -> Version {
        self.version
    }

    /// What it said of itself.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// How many records a page has.
    pub fn page_size(&self) -> u32 {
        self.page_size
    }

    /// How many pages are read at once.
    pub fn connections(&self) -> usize {
        self.connections
    }

    /// Whether lists are read by GraphQL.
    pub fn uses_graphql(&self) -> bool {
        self.graphql.load(Ordering::Relaxed)
    }

    /// Reads by REST from now on.
    pub fn give_up_graphql(&self) {
        self.graphql.store(false, Ordering::Relaxed);
    }

    /// Reads one thing.
    pub async fn get<T: DeserializeOwned + Send + 'static>(
        &self,
        path: impl Into<Path>,
        query: &[(&str, String)],
    ) -> Result<T> {
        let _slot = self.slot().await?;
        let request = naming(self.branch.as_ref(), self.http.get(path));
        let request = query.iter().fold(request, |request, (name, value)| request.query(name, value));
        parsed(request.send().await.map_err(error::reading)?).await
    }

    /// Reads a page of a list.
    pub async fn list<R: DeserializeOwned + Send + 'static>(
        &self,
        table: &Table,
        query: &[(&str, String)],
    ) -> Result<RestPage<R>> {
        self.get(list_path(table), query).await
    }

    /// Reads all of a list that filters of many values choose, in as many requests as their length needs.
    ///
    /// NetBox ignores a filter that it does not know: the caller checks every row against what it asked for.
    pub async fn list_by<R: DeserializeOwned + Send + 'static>(
        &self,
        table: &Table,
        fixed: &[(&str, String)],
        filters: &[Vec<(&str, String)>],
    ) -> Result<Vec<R>> {
        let mut rows = Vec::new();
        let mut rest = filters;
        while !rest.is_empty() {
            let mut query: Vec<(&str, String)> = fixed.to_vec();
            let mut length = 0;
            let mut taken = 0;
            for filter in rest {
                let more: usize = filter.iter().map(|(name, value)| name.len() + 3 * value.len() + 2).sum();
                if taken > 0 && length + more > QUERY_LENGTH {
                    break;
                }
                length += more;
                taken += 1;
                query.extend(filter.iter().filter(|pair| !fixed.contains(pair)).cloned());
            }
            rest = &rest[taken..];
            query.sort();
            query.dedup();
            query.extend([("limit", "1000".to_owned()), ("ordering", "id".to_owned())]);
            let mut offset = 0_usize;
            loop {
                let mut query = query.clone();
                query.push(("offset", offset.to_string()));
                let page: RestPage<R> = self.list(table, &query).await?;
                offset += page.results.len();
                let more = page.next.is_some() && !page.results.is_empty();
                rows.extend(page.results);
                if !more {
                    break;
                }
            }
        }
        Ok(rows)
    }

    /// Asks GraphQL for one list.
    pub async fn graphql<R: DeserializeOwned + Send + 'static>(
        &self,
        list: &'static str,
        query: &str,
        variables: Value,
    ) -> Result<Vec<R>> {
        #[derive(Serialize)]
        struct Body<'a> {
            query: &'a str,
            variables: Value,
        }
        let _slot = self.slot().await?;
        let request = naming(self.branch.as_ref(), self.http.post("graphql/").retry(Retry::Idempotent));
        let request = request.json(&Body { query, variables });
        let mut answer: GraphAnswer<R> = parsed(request.send().await.map_err(error::reading)?).await?;
        if let Some(first) = answer.errors.first() {
            let message = format!("NetBox's GraphQL refuses the query: {}", first.message);
            return Err(Error::new(ErrorKind::Unsupported, message).with("list", list));
        }
        let rows = answer.data.as_mut().and_then(|lists| lists.remove(list)).flatten();
        rows.ok_or_else(|| {
            Error::new(ErrorKind::Protocol, format!("NetBox's GraphQL answered without the list `{list}`"))
        })
    }

    /// Asks what may be written to a list, as NetBox's form would show it.
    pub async fn options(&self, table: &Table) -> Result<Value> {
        self.options_of(list_path(table)).await
    }

    /// Asks what may be sent to a path.
    pub async fn options_of(&self, path: impl Into<Path>) -> Result<Value> {
        let _slot = self.slot().await?;
        let request = naming(self.branch.as_ref(), self.http.request(Method::OPTIONS, path));
        parsed(request.send().await.map_err(error::reading)?).await
    }

    async fn slot(&self) -> Result<tokio::sync::SemaphorePermit<'_>> {
        let closed = |_| Error::new(ErrorKind::Internal, "the client was closed");
        self.slots.acquire().await.map_err(closed)
    }
}

impl WriteClient {
    /// The right to write makes the client that can.
    pub fn open(connection: &Connection, permit: &WritePermit, reader: &ReadClient) -> Result<Self> {
        let validity = permit.validity().clone();
        let http = client(connection, &reader.context)?.on_condition(move || validity.ensure());
        Ok(Self { http, branch: None })
    }

    /// For tests, which have no plan.
    #[cfg(test)]
    pub fn without_permit(connection: &Connection) -> Result<Self> {
        Ok(Self { http: client(connection, &ConnectContext::default())?, branch: None })
    }

    /// The same NetBox as a branch shows it: what is written stays in the branch.
    pub fn in_branch(&self, schema_id: &str) -> Self {
        Self { http: self.http.clone(), branch: Some(schema_id.to_owned()) }
    }

    /// Sends one body to a path of its own.
    pub async fn call(
        &self,
        method: Method,
        path: impl Into<Path>,
        body: &Value,
    ) -> Result<Response, syncline_http::Error> {
        naming(self.branch.as_ref(), self.http.request(method, path).retry(Retry::Write)).json(body).send().await
    }

    /// Sends a list of bodies to a model's list.
    pub async fn send(
        &self,
        method: Method,
        table: &Table,
        query: &[(&str, &str)],
        bodies: &[Value],
    ) -> Result<Response, syncline_http::Error> {
        let request = naming(self.branch.as_ref(), self.http.request(method, list_path(table)).retry(Retry::Write));
        query.iter().fold(request, |request, (name, value)| request.query(name, value)).json(bodies).send().await
    }
}

/// The request with the header that leads it to a branch.
fn naming(branch: Option<&String>, request: Request) -> Request {
    match branch {
        Some(schema_id) => request.header(BRANCH_HEADER, schema_id),
        None => request,
    }
}

/// The path of a model's list.
pub(crate) fn list_path(table: &Table) -> Path {
    let [app, model] = table.path;
    Path::from(["api", app, model]).slash()
}

async fn parsed<T: DeserializeOwned + Send + 'static>(response: Response) -> Result<T> {
    if response.body().len() < LARGE_BODY {
        return Ok(response.json()?);
    }
    let parsed = tokio::task::spawn_blocking(move || response.json()).await;
    let stopped = |error| Error::new(ErrorKind::Internal, "the thread that reads an answer stopped").caused_by(error);
    Ok(parsed.map_err(stopped)??)
}

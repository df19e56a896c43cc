//! Queries of GraphQL.

use serde_json::{Value, json};
use syncline_core::{Error, ErrorKind, Result};

use crate::{Client, Path, Retry, django};

impl Client {
    /// The data that a system of this name answers to a query; sent again when nothing came, as a query changes nothing. Errors in the
    /// answer are errors. What the credential has no right to see may be missing without a word.
    pub async fn graphql(&self, system: &str, path: impl Into<Path>, query: &str) -> Result<Value> {
        let request = self.post(path).json(&json!({"query": query})).retry(Retry::Idempotent);
        let answer = request.send().await.map_err(|error| django::reading_error(system, error))?;
        let mut answer: Value = answer.json()?;
        match answer["errors"][0]["message"].as_str() {
            None => Ok(answer["data"].take()),
            Some(words) => Err(Error::new(ErrorKind::Protocol, format!("{system} refuses the query: {words}"))),
        }
    }
}

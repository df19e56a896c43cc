//! Errors of the API: codes and texts.

use serde_json::{Value as Json, json};

use super::dialect::Dialect;

/// A request that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub kind: Class,
    pub data: String,
}

/// Which code an error has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// -32700
    Parse,
    /// -32600
    Request,
    /// -32601
    Method,
    /// -32602
    Parameters,
    /// -32500
    Application,
    /// A value that does not fit into its column or a statement that failed: the code depends on the version.
    Database,
}

/// What an account hears that may not see or change an object, or when there is none.
pub(super) const NO_PERMISSIONS: &str = "No permissions to referred object or it does not exist!";
/// The same, with a path.
pub(super) const NO_OBJECT: &str = "object does not exist, or you have no permissions to it";

impl Refusal {
    /// -32602
    pub fn parameters(data: impl Into<String>) -> Self {
        Self { kind: Class::Parameters, data: data.into() }
    }

    /// -32500
    pub fn application(data: impl Into<String>) -> Self {
        Self { kind: Class::Application, data: data.into() }
    }

    /// -32602 `Invalid parameter "path": problem.`
    pub fn invalid(path: &str, problem: &str) -> Self {
        Self::parameters(format!("Invalid parameter \"{path}\": {problem}."))
    }

    /// -32500 `Invalid parameter "path": object does not exist, …`
    pub fn no_object(path: &str) -> Self {
        Self::application(format!("Invalid parameter \"{path}\": {NO_OBJECT}."))
    }

    /// -32602 `Incorrect arguments passed to function.`
    pub fn arguments() -> Self {
        Self::parameters("Incorrect arguments passed to function.")
    }

    /// An error that the database finds.
    pub fn database(data: impl Into<String>) -> Self {
        Self { kind: Class::Database, data: data.into() }
    }

    /// A statement that failed; the text leaks it.
    pub fn statement(statement: &str) -> Self {
        Self::database(format!("SQL statement execution has failed \"{statement}\"."))
    }

    /// The `error` object of an answer.
    pub fn to_json(&self, dialect: &Dialect, super_admin: bool) -> Json {
        let frail = dialect.frail_database_errors;
        let (code, message) = match self.kind {
            Class::Parse => (-32700, "Parse error"),
            Class::Request => (-32600, "Invalid request."),
            Class::Method => (-32601, "Method not found."),
            Class::Parameters => (-32602, "Invalid params."),
            Class::Database if frail => (-32603, "Internal error."),
            Class::Application | Class::Database => (-32500, "Application error."),
        };
        let data = match self.kind {
            Class::Database if dialect.secret_database_errors && !super_admin => {
                "System error occurred. Please contact Zabbix administrator."
            }
            _ => &self.data,
        };
        json!({"code": code, "message": message, "data": data})
    }
}

//! What people say of an API: how it is reached, how its lists are read, and what becomes of an object.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use syncline_core::connector::ConnectContext;
use syncline_core::settings::{Problem, SecretRef};
use syncline_core::{Result, similar};
use syncline_http::{BaseUrl, Client, ClientSettings, Credential, HttpSettings, TlsSettings};
use syncline_model::models::{ALL, by_name};

use crate::record::Recipe;

/// How to reach an API.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// Address of the API, like `https://cmdb.example/api`.
    pub url: BaseUrl,
    /// The token, sent as `Authorization: Bearer …`.
    pub token: Option<SecretRef>,
    /// The header that carries the token where it is another one, like `X-Api-Key`.
    pub token_header: Option<String>,
    /// The user, where the API wants a user and a password.
    pub user: Option<String>,
    /// The password of the user.
    pub password: Option<SecretRef>,
    /// Encryption and trust.
    #[serde(default)]
    pub tls: TlsSettings,
    /// Time-outs, proxy, limits, retries and pace.
    #[serde(default)]
    pub http: HttpSettings,
}

/// What one sync reads of it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The lists that are read, by the models that become of them: `[….source_parameters.models.site]`.
    pub models: BTreeMap<String, List>,
}

/// A list of the API, whose objects become the records of a model.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The path below the address: `v2/locations`.
    pub path: String,
    /// Parameters of every request: `{ state = "live" }`.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Where in an answer the objects are: `items`, or `data.rows` for one in the other. Empty: the answer is the list.
    #[serde(default)]
    pub items: String,
    /// Where in an answer it says how many objects there are in all: `total`, `meta.count`. Without it, nothing is deleted for the absence
    /// of what came in numbered pages.
    #[serde(default)]
    pub total: String,
    /// How one comes to further objects. Not set: they come all at once.
    pub paging: Option<Paging>,
    /// What other objects call an object of this list, where it is not the key: `{{ uid }}`. References to the model from other lists are then
    /// looked up by it.
    #[serde(default)]
    pub id: String,
    /// Which objects are records: a condition such as `kind == 'site'`. Empty: all.
    #[serde(default)]
    pub when: String,
    /// What the fields of a record become: templates over the members of an object, such as `{ slug = "{{ code }}", status = "active" }`. Empty
    /// texts say that there is no value.
    pub fields: BTreeMap<String, String>,
}

/// How a list is read in pieces.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum Paging {
    /// By the number of a page.
    Page {
        /// The parameter with the number.
        #[serde(default = "page")]
        parameter: String,
        /// The number of the first page.
        #[serde(default = "first")]
        first: u64,
        /// The parameter that says how many objects a page has.
        #[serde(default = "per_page")]
        size_parameter: String,
        /// So many are asked for.
        size: u64,
    },
    /// By how many objects are passed over.
    Offset {
        /// The parameter that says how many.
        #[serde(default = "offset")]
        parameter: String,
        /// The parameter that says how many objects come at most.
        #[serde(default = "limit")]
        size_parameter: String,
        /// So many are asked for.
        size: u64,
    },
    /// By a mark of where to go on, which comes with each answer but the last.
    Cursor {
        /// The parameter with the mark.
        #[serde(default = "cursor")]
        parameter: String,
        /// Where in an answer the next mark is: `meta.next_cursor`.
        at: String,
    },
    /// By the address of the next page, which comes with each answer but the last.
    Next {
        /// Where in an answer the address is: `next`, `links.next`.
        at: String,
    },
}

fn page() -> String {
    "page".to_owned()
}

fn first() -> u64 {
    1
}

fn per_page() -> String {
    "per_page".to_owned()
}

fn offset() -> String {
    "offset".to_owned()
}

fn limit() -> String {
    "limit".to_owned()
}

fn cursor() -> String {
    "cursor".to_owned()
}

impl Connection {
    /// Finds what is wrong without any I/O.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut wrong = |setting: &str, message: String| problems.push(Problem::new(setting, message));
        match (&self.token, &self.user, &self.password) {
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
                wrong(
                    "token",
                    "is set beside `user` or `password`: an API knows its callers by one of both".to_owned(),
                );
            }
            (None, Some(_), None) => wrong("password", "is missing: `user` is set".to_owned()),
            (None, None, Some(_)) => wrong("user", "is missing: `password` is set".to_owned()),
            _ => {}
        }
        if let Some(header) = &self.token_header {
            if self.token.is_none() {
                wrong("token_header", "says which header carries the `token`, and there is none".to_owned());
            }
            match Credential::header(header, "secret".into()) {
                Ok(_) => {}
                Err(syncline_http::Error::Settings { problem, .. }) => wrong("token_header", problem),
                Err(other) => wrong("token_header", other.to_string()),
            }
        }
        problems.extend(syncline_http::settings::problems(&self.tls, &self.http));
        problems
    }

    /// A client for a run. Nothing is connected yet.
    pub(crate) fn client(&self, context: &ConnectContext) -> Result<Client> {
        let settings = ClientSettings { url: self.url.clone(), tls: self.tls.clone(), http: self.http.clone() };
        let credential = match (&self.token, &self.token_header, &self.user, &self.password) {
            (Some(token), Some(header), _, _) => Credential::header(header, token.resolve()?)?,
            (Some(token), None, _, _) => Credential::bearer(token.resolve()?),
            (None, _, Some(user), Some(password)) => Credential::basic(user, password.resolve()?),
            (None, ..) => Credential::none(),
        };
        Ok(Client::for_run(&settings, credential, context)?)
    }
}

impl Parameters {
    /// Finds what is wrong without any I/O.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.models.is_empty() {
            problems
                .push(Problem::new("models", "is empty: say which list becomes which model, such as `models.site`"));
        }
        for (model, list) in &self.models {
            let mut wrong = |setting: &str, message: String| {
                problems.push(Problem::new(format!("models.{model}{setting}"), message));
            };
            let Some(schema) = by_name(model) else {
                let known: Vec<_> = ALL.iter().map(|schema| schema.name).collect();
                wrong("", format!("there is no such model; {}", similar::remedy(model, known)));
                continue;
            };
            if list.path.contains(['?', '#', '%']) || list.path.split('/').any(|part| matches!(part, "." | "..")) {
                wrong(
                    ".path",
                    "is a path below the address, without `?`, `#`, `%` and `..`; parameters go into `query`"
                        .to_owned(),
                );
            }
            match &list.paging {
                Some(Paging::Page { size: 0, .. } | Paging::Offset { size: 0, .. }) => {
                    wrong(".paging.size", "must be 1 or more".to_owned());
                }
                Some(Paging::Cursor { at, .. } | Paging::Next { at }) if at.is_empty() => {
                    wrong(".paging.at", "is blank: say where in an answer it stands, such as `next`".to_owned());
                }
                _ => {}
            }
            for field in schema.key_fields().filter(|field| !list.fields.contains_key(field.name)) {
                wrong(".fields", format!("`{}` is missing, which a {model} is known by", field.name));
            }
            for (setting, message) in Recipe::problems(schema, list) {
                wrong(&setting, message);
            }
        }
        problems
    }
}

//! The way to the API with what authorises, and a new one when a session has ended.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use syncline_core::connector::ConnectContext;
use syncline_core::settings::SecretRef;
use syncline_core::version::Version;
use syncline_core::{Error, ErrorKind, Result};
use syncline_http::{Client, ClientSettings, Credential, Request, Retry};
use tokio::sync::Mutex;

use crate::dialect::{AuthPlace, Dialect};
use crate::rpc::{self, Call, Refusal, Said};
use crate::settings::Connection;
use crate::version::KNOWN;

/// Where the API answers, below the frontend's address.
const PATH: &str = "api_jsonrpc.php";
/// Digits of an API token. A session has half as many.
const TOKEN: usize = 64;

/// The way to the API.
#[derive(Clone)]
pub(crate) struct Link {
    pub http: Client,
    /// The token, where it goes into the body.
    auth: Option<Arc<SecretString>>,
    /// Which login it is of.
    login: u64,
}

impl Link {
    /// A request to the API.
    pub fn request(&self, retry: Retry) -> Request {
        self.http.post(PATH).retry(retry)
    }

    /// The same way, on which a request is sent only as long as a condition holds.
    pub fn on_condition(&self, condition: impl Fn() -> Result<()> + Send + Sync + 'static) -> Self {
        Self { http: self.http.clone().on_condition(condition), ..self.clone() }
    }

    /// What goes into the body.
    pub fn auth(&self) -> Option<&str> {
        self.auth.as_ref().map(|auth| auth.expose_secret())
    }

    /// Sends a call that changes nothing.
    pub async fn read<T: DeserializeOwned>(&self, call: &Call) -> Result<std::result::Result<T, Refusal>> {
        let response = self.request(Retry::Idempotent).json(&call.envelope(1, self.auth())).send().await?;
        rpc::parse(response.body(), call.method)
    }
}

/// What a connection is authorised by, as long as it lasts.
pub(crate) struct Session {
    settings: ClientSettings,
    context: ConnectContext,
    /// The way without a credential.
    nobody: Link,
    /// The account of a session, which can be begun anew; none where a token authorises.
    account: Option<(String, SecretRef)>,
    /// Where the token goes.
    in_header: bool,
    pub dialect: Dialect,
    pub version: Version,
    /// The header with the token gets lost on the way, so that it goes into the body.
    pub header_is_lost: bool,
    now: RwLock<(Link, Arc<SecretString>)>,
    /// Held by whoever logs in again, so that one does.
    renewing: Mutex<()>,
    /// What secrets are told apart by: what stands in the settings, and so lasts longer than a session.
    lasting: SecretString,
}

impl Session {
    /// Asks for the version, refuses one that is too old, authorises, and finds out where the token goes.
    pub async fn begin(connection: &Connection, context: &ConnectContext) -> Result<Self> {
        let Connection { url, tls, http, .. } = connection;
        let settings = ClientSettings { url: url.clone(), tls: tls.clone(), http: http.clone() };
        let nobody = Link { http: Client::for_run(&settings, Credential::none(), context)?, auth: None, login: 0 };
        // No credential here: from 6.4 on, it is refused with this call.
        let asked = Call::new("apiinfo.version", json!([]));
        let text: String = nobody.read(&asked).await?.map_err(|refusal| refusal.error(asked.method))?;
        let version = KNOWN.read(&text)?;
        let dialect = Dialect::of(version);
        let account = connection.user.clone().zip(connection.password.clone());
        let (token, lasting) = match (&connection.token, &account) {
            (Some(token), _) => {
                let token = token.resolve()?;
                (token.clone(), token)
            }
            (None, Some((user, password))) => {
                let password = password.resolve()?;
                (login(&nobody, user, &password).await?, password)
            }
            (None, None) => return Err(Error::new(ErrorKind::Settings, "give a `token`, or `user` and `password`")),
        };
        let mut session = Self {
            now: RwLock::new((nobody.clone(), Arc::new(token.clone()))),
            settings,
            context: context.clone(),
            nobody,
            account,
            in_header: dialect.auth != AuthPlace::Body,
            dialect,
            version,
            header_is_lost: false,
            renewing: Mutex::default(),
            lasting,
        };
        session.authorise(token.clone())?;
        if dialect.auth == AuthPlace::HeaderOrBody {
            let probe = Call::new("host.get", json!({"output": ["hostid"], "limit": 1}));
            // A web server in front may drop the header.
            if let Err(refusal) = session.link().read::<Value>(&probe).await?
                && refusal.said() == Said::NotAuthorised
            {
                session.in_header = false;
                session.header_is_lost = true;
                session.authorise(token)?;
                let taken = session.link().read::<Value>(&probe).await?;
                taken.map_err(|_| refusal.error(probe.method))?;
            }
        }
        Ok(session)
    }

    /// The way as it is now.
    pub fn link(&self) -> Link {
        self.now.read().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// What time it is for whoever is connected.
    pub fn now(&self) -> DateTime<Utc> {
        self.context.surroundings.now()
    }

    /// What secrets are told apart by.
    pub fn lasting(&self) -> &SecretString {
        &self.lasting
    }

    /// Who the account is, as Zabbix tells it; none where it does not.
    pub async fn who<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        let token = self.now.read().unwrap_or_else(PoisonError::into_inner).1.clone();
        let name = if token.expose_secret().len() == TOKEN { "token" } else { "sessionid" };
        // This call is refused when it carries the credential elsewhere too.
        let call = Call::new("user.checkAuthentication", json!({(name): token.expose_secret()}));
        Ok(self.nobody.read(&call).await?.ok())
    }

    /// Logs in again, if the session of `ended` has ended and nobody was faster. Whether there is a way again: a token cannot be
    /// had anew.
    pub async fn renew(&self, ended: &Link) -> Result<bool> {
        let Some((user, password)) = &self.account else { return Ok(false) };
        let _alone = self.renewing.lock().await;
        if self.link().login != ended.login {
            return Ok(true);
        }
        let token = login(&self.nobody, user, &password.resolve()?).await?;
        self.authorise(token)?;
        Ok(true)
    }

    fn authorise(&self, token: SecretString) -> Result<()> {
        let login = self.link().login + 1;
        let link = if self.in_header {
            let http = Client::for_run(&self.settings, Credential::bearer(token.clone()), &self.context)?;
            Link { http, auth: None, login }
        } else {
            Link { auth: Some(Arc::new(token.clone())), login, ..self.nobody.clone() }
        };
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = (link, Arc::new(token));
        Ok(())
    }
}

/// Begins a session. A wrong password that is tried again and again locks the account, so it is sent once.
async fn login(nobody: &Link, user: &str, password: &SecretString) -> Result<SecretString> {
    let call = Call::new("user.login", json!({"username": user, "password": password.expose_secret()}));
    let response = nobody.request(Retry::Write).json(&call.envelope(1, None)).send().await?;
    let session: std::result::Result<String, Refusal> = rpc::parse(response.body(), call.method)?;
    Ok(session.map_err(|refusal| refusal.error(call.method))?.into())
}

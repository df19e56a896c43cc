//! Where people log in instead of here, or besides.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use syncline_core::history::Role;
use syncline_core::settings::SecretRef;
use syncline_web::auth::ProviderSettings;
use url::Url;

/// A provider of OpenID Connect, where people log in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OidcSettings {
    /// Its address, to the letter as it calls itself: `https://id.example.com/realms/net`. What else there is to know is at
    /// `/.well-known/openid-configuration` below it.
    pub issuer: String,
    /// What it calls this server, whose address to send browsers back to is `web.url` with `/login/oidc/back`.
    pub client_id: String,
    /// What this server shows it. None for a client without a secret.
    #[serde(default)]
    pub client_secret: Option<SecretRef>,
    /// What people know it by, on the page where they log in. Default: the name of its host.
    #[serde(default)]
    pub label: Option<String>,
    /// What is asked of it about people, beside `openid`.
    #[serde(default = "profile")]
    pub scopes: Vec<String>,
    /// The claim that an account is called by when it is made.
    #[serde(default = "preferred_username")]
    pub name_claim: String,
    /// The claim of the ID token that has the groups or roles of a person, such as `groups` or `realm_access.roles`.
    #[serde(default = "groups")]
    pub roles_claim: String,
    /// What those of a group may do: `{ netops = "operator" }`. The most that one of the groups may counts; who is in none of them is refused.
    pub roles: BTreeMap<String, Role>,
    /// Nobody logs in with a password. Tokens of programs are as good as before.
    #[serde(default)]
    pub only: bool,
}

fn profile() -> Vec<String> {
    vec!["profile".to_owned()]
}

fn preferred_username() -> String {
    "preferred_username".to_owned()
}

fn groups() -> String {
    "groups".to_owned()
}

impl OidcSettings {
    /// The same for the server, which browsers know by `own`. An error when the secret cannot be had.
    pub fn provider(&self, own: &Url) -> syncline_core::Result<ProviderSettings> {
        let host = Url::parse(&self.issuer).ok().and_then(|issuer| issuer.host_str().map(str::to_owned));
        Ok(ProviderSettings {
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.as_ref().map(SecretRef::resolve).transpose()?,
            own: own.clone(),
            label: self.label.clone().or(host).unwrap_or_else(|| self.issuer.clone()),
            scopes: self.scopes.clone(),
            name_claim: self.name_claim.clone(),
            roles_claim: self.roles_claim.clone(),
            roles: self.roles.clone(),
            only: self.only,
        })
    }

    /// What is wrong, as the last part of the key, the message and the remedy.
    pub(super) fn problems(&self) -> Vec<(&'static str, String, &'static str)> {
        let mut problems = Vec::new();
        if !cfg!(feature = "oidc") {
            let remedy = "build it with `--features oidc`, or remove `web.oidc`";
            problems.push(("", "this build knows no OpenID Connect".to_owned(), remedy));
        }
        let issuer = Url::parse(&self.issuer).ok();
        let is_private = issuer.as_ref().is_some_and(|issuer| match (issuer.scheme(), issuer.host()) {
            ("https", Some(_)) => true,
            // What stays on the machine, for those who try it.
            ("http", Some(url::Host::Domain(name))) => name == "localhost",
            ("http", Some(url::Host::Ipv4(address))) => address.is_loopback(),
            ("http", Some(url::Host::Ipv6(address))) => address.is_loopback(),
            _ => false,
        });
        if !is_private {
            let message = format!("`{}` is no address that begins with `https://`", self.issuer);
            problems.push(("issuer", message, "write it to the letter as the provider calls itself"));
        }
        if self.roles.is_empty() {
            let remedy = "give at least one group a role, such as `roles = { netops = \"operator\" }`";
            problems.push(("roles", "is empty: nobody could log in".to_owned(), remedy));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn most_has_a_default() {
        let least =
            json!({"issuer": "https://id.example/net", "client_id": "syncline", "roles": {"netops": "operator"}});
        let settings: OidcSettings = serde_json::from_value(least).unwrap();
        let provider = settings.provider(&"https://syncline.example".parse().unwrap()).unwrap();
        assert_eq!((provider.label.as_str(), provider.only), ("id.example", false));
        assert_eq!((provider.name_claim.as_str(), provider.roles_claim.as_str()), ("preferred_username", "groups"));
        assert_eq!(provider.roles, BTreeMap::from([("netops".to_owned(), Role::Operator)]));
        assert!(settings.problems().iter().all(|(key, ..)| key.is_empty()), "{:?}", settings.problems());
        let missing = OidcSettings { client_secret: Some("file:/nowhere/at/all".parse().unwrap()), ..settings.clone() };
        assert!(missing.provider(&"https://syncline.example".parse().unwrap()).is_err());
        for issuer in ["http://id.example", "id.example", "ftp://id.example", ""] {
            let settings = OidcSettings { issuer: issuer.to_owned(), roles: BTreeMap::new(), ..settings.clone() };
            let keys: Vec<_> = settings.problems().iter().map(|(key, ..)| *key).filter(|key| !key.is_empty()).collect();
            assert_eq!(keys, ["issuer", "roles"], "{issuer}");
        }
        let here = OidcSettings { issuer: "http://127.0.0.1:8080/realms/x".to_owned(), ..settings };
        assert!(here.problems().iter().all(|(key, ..)| key.is_empty()));
    }
}

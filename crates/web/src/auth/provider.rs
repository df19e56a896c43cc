//! A provider where people log in instead of here: who it is, and what it says about them.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde_json::Value;
use syncline_core::history::{AccountName, Role};
use url::Url;

/// A provider of OpenID Connect.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// Its address, to the letter as it calls itself.
    pub issuer: String,
    /// What it calls this server.
    pub client_id: String,
    /// What this server shows it; none for a client that has no secret.
    pub client_secret: Option<SecretString>,
    /// The address that browsers know of this server.
    pub own: Url,
    /// What people know it by.
    pub label: String,
    /// What is asked of it about people, beside `openid`.
    pub scopes: Vec<String>,
    /// The claim that an account is called by when it is made.
    pub name_claim: String,
    /// The claim that has the groups, or roles, of a person; parts of a path are separated by `.`.
    pub roles_claim: String,
    /// What those of a group may do.
    pub roles: BTreeMap<String, Role>,
    /// Nobody logs in with a password here.
    pub only: bool,
}

impl ProviderSettings {
    /// What somebody may do, by what the provider says: the most that one of the groups may. The error is what it says instead.
    pub fn role(&self, claims: &Value) -> Result<Role, Vec<String>> {
        let said = match claim(claims, &self.roles_claim) {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        said.iter().filter_map(|group| self.roles.get(group)).max().copied().ok_or(said)
    }

    /// What an account is called. The error is what the provider says instead, if it says anything.
    pub fn name(&self, claims: &Value) -> Result<AccountName, Option<String>> {
        let said = claim(claims, &self.name_claim).and_then(Value::as_str);
        said.and_then(|said| said.parse().ok()).ok_or_else(|| said.map(str::to_owned))
    }
}

/// A claim by its name, or by the path to it.
fn claim<'a>(claims: &'a Value, name: &str) -> Option<&'a Value> {
    // Names that are addresses have dots in them.
    claims.get(name).or_else(|| name.split('.').try_fold(claims, |within, part| within.get(part)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(roles_claim: &str) -> ProviderSettings {
        ProviderSettings {
            issuer: "https://id.example".to_owned(),
            client_id: "syncline".to_owned(),
            client_secret: None,
            own: "https://syncline.example".parse().unwrap(),
            label: "id.example".to_owned(),
            scopes: Vec::new(),
            name_claim: "preferred_username".to_owned(),
            roles_claim: roles_claim.to_owned(),
            roles: [("netops", Role::Operator), ("leads", Role::Approver), ("all", Role::Viewer)]
                .map(|(group, role)| (group.to_owned(), role))
                .into(),
            only: false,
        }
    }

    #[test]
    fn the_most_that_a_group_may_counts() {
        let groups = settings("groups");
        assert_eq!(groups.role(&json!({"groups": ["all", "leads", "netops"]})), Ok(Role::Approver));
        assert_eq!(groups.role(&json!({"groups": "netops"})), Ok(Role::Operator));
        assert_eq!(
            groups.role(&json!({"groups": ["Netops", "cooks"]})),
            Err(vec!["Netops".to_owned(), "cooks".to_owned()])
        );
        for nothing in [json!({}), json!({"groups": 3}), json!({"groups": []}), json!({"groups": {"all": true}})] {
            assert_eq!(groups.role(&nothing), Err(Vec::new()), "{nothing}");
        }
        // As Keycloak and Auth0 have them.
        assert_eq!(settings("realm_access.roles").role(&json!({"realm_access": {"roles": ["all"]}})), Ok(Role::Viewer));
        let address = "https://syncline.example/groups";
        assert_eq!(settings(address).role(&json!({ address: ["all"] })), Ok(Role::Viewer));
    }

    #[test]
    fn a_name_is_one_or_it_is_told() {
        let settings = settings("groups");
        assert_eq!(settings.name(&json!({"preferred_username": "kim"})).unwrap().as_str(), "kim");
        assert_eq!(settings.name(&json!({"preferred_username": "Kim Lee"})), Err(Some("Kim Lee".to_owned())));
        assert_eq!(settings.name(&json!({"sub": "1"})), Err(None));
    }
}

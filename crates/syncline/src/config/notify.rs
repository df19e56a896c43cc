//! Who is told of what came of runs.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_core::settings::SecretRef;
use syncline_core::similar;
use url::Url;

/// Somebody who is told of what came of runs: by a webhook or by mail.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelSettings {
    /// Posts to an address: to a chat, or to a program.
    #[serde(default)]
    pub webhook: Option<WebhookSettings>,
    /// Sends a mail.
    #[serde(default)]
    pub mail: Option<MailSettings>,
    /// Of what it is told. Default: of all that needs a person, of drift, and that a sync works again.
    #[serde(default = "usual")]
    pub on: Vec<Occasion>,
    /// The syncs of whose runs it is told; none: of all.
    #[serde(default)]
    pub syncs: Vec<String>,
}

/// Where to post.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// The address, which is kept like a secret: whoever knows that of a chat can write there.
    pub url: SecretRef,
    /// How it is written.
    #[serde(default)]
    #[schemars(extend("default" = "json"))]
    pub format: WebhookFormat,
    /// Signs what is sent: the header `X-Hub-Signature-256` is `sha256=` and the HMAC-SHA256 of the body under this secret.
    #[serde(default)]
    pub secret: Option<SecretRef>,
    /// File (PEM) with the certificates of your own authorities, trusted besides those of this machine.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// How a webhook is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookFormat {
    /// For programs: what happened, field by field.
    #[default]
    Json,
    /// `{"text": …}`: Slack, Mattermost, Rocket.Chat, Google Chat.
    Text,
    /// An adaptive card: the workflows of Microsoft Teams.
    Teams,
}

/// Where to send a mail.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// The mail server: `smtps://user@mail.example.com` (TLS from the start, port 465), `smtp://user@mail.example.com?tls=required`
    /// (STARTTLS, port 587), or `smtp://mail.example.com` (no encryption, port 25). The password is never part of it.
    pub server: Url,
    /// The password of the user in `server`.
    #[serde(default)]
    pub password: Option<SecretRef>,
    /// Who it comes from: `Syncline <syncline@example.com>`.
    pub from: String,
    /// Who gets it.
    #[schemars(length(min = 1))]
    pub to: Vec<String>,
}

/// What somebody may want to be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// A plan waits for a person to look at it.
    Review,
    /// A run is paused, and waits for somebody to let it go on.
    Paused,
    /// An error ended a run.
    Failed,
    /// A guard refused the plan of a run.
    Refused,
    /// A run did not get everything done.
    Partial,
    /// A drift check found that the sides differ.
    Drift,
    /// A real run is completed whose predecessor failed, was refused, or did not get everything done.
    Recovered,
    /// A real run changed something.
    Changed,
    /// A real run found nothing to do.
    Clean,
    /// Somebody ended a run.
    Cancelled,
}

fn usual() -> Vec<Occasion> {
    use Occasion::{Drift, Failed, Partial, Paused, Recovered, Refused, Review};
    vec![Review, Paused, Failed, Refused, Partial, Drift, Recovered]
}

impl ChannelSettings {
    /// The secrets that it refers to, by the key below the channel.
    pub fn secrets(&self) -> impl Iterator<Item = (&'static str, &SecretRef)> {
        let webhook = self.webhook.as_ref();
        let url = webhook.map(|webhook| ("webhook.url", &webhook.url));
        let secret = webhook.and_then(|webhook| Some(("webhook.secret", webhook.secret.as_ref()?)));
        let password = self.mail.as_ref().and_then(|mail| Some(("mail.password", mail.password.as_ref()?)));
        [url, secret, password].into_iter().flatten()
    }

    /// What is wrong, as the key below the channel, the message and the remedy. Of syncs, those of the file are known.
    pub(super) fn problems(&self, syncs: &[&str]) -> Vec<(&'static [&'static str], String, String)> {
        let mut problems: Vec<(&'static [&'static str], String, String)> = Vec::new();
        let mut add = |key, message: &str, remedy: &str| problems.push((key, message.to_owned(), remedy.to_owned()));
        match (&self.webhook, &self.mail) {
            (Some(_), None) | (None, Some(_)) => {}
            (None, None) => add(&[], "has neither a `webhook` nor a `mail`", "give it one of them"),
            (Some(_), Some(_)) => {
                add(&[], "has a `webhook` and a `mail`", "give it one; another channel can have the other");
            }
        }
        for name in self.syncs.iter().filter(|name| !syncs.contains(&name.as_str())) {
            // It may be one that the history keeps; a slip looks like one of the file.
            if let Some(closest) = similar::closest(name, syncs.iter().copied()) {
                add(
                    &["syncs"],
                    &format!("no sync of this file is called `{name}`"),
                    &format!("did you mean `{closest}`?"),
                );
            }
        }
        if let Some(mail) = &self.mail {
            if !matches!(mail.server.scheme(), "smtp" | "smtps") {
                let message = format!("has the scheme `{}`", mail.server.scheme());
                add(&["mail", "server"], &message, "write `smtps://user@mail.example.com`");
            }
            if mail.server.password().is_some() {
                let remedy = "leave it out there and set `password` to `env:NAME` or `file:PATH`";
                add(&["mail", "server"], "has a password in it", remedy);
            }
            if mail.password.is_some() && mail.server.username().is_empty() {
                let remedy = "write the user before the name of the server: `smtps://user@mail.example.com`";
                add(&["mail", "password"], "is the password of nobody", remedy);
            }
            let to = mail.to.iter().map(|to| (&["mail", "to"], to));
            for (key, address) in [(&["mail", "from"], &mail.from)].into_iter().chain(to) {
                if address.parse::<lettre::message::Mailbox>().is_err() {
                    let message = format!("`{address}` is no mail address");
                    add(key, &message, "write `noc@example.com`, or `NOC <noc@example.com>`");
                }
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn told(settings: Value) -> Vec<String> {
        let settings: ChannelSettings = serde_json::from_value(settings).unwrap();
        let problems = settings.problems(&["forward-to-netbox", "lab"]).into_iter();
        problems.map(|(key, message, remedy)| format!("{}: {message}; {remedy}", key.join("."))).collect()
    }

    #[test]
    fn what_cannot_be_told_is_told_at_once() {
        let webhook = json!({"url": "env:CHAT"});
        let mail = json!({"server": "smtps://kim@mail.example", "password": "env:P", "from": "a@b.example", "to": ["NOC <c@d.example>"]});
        // A sync that is like none of the file may be one that the history keeps.
        assert_eq!(told(json!({"webhook": webhook, "syncs": ["lab", "zabbix"]})), Vec::<String>::new());
        assert_eq!(told(json!({"mail": mail})), Vec::<String>::new());
        let bad = json!({"server": "http://:pw@mail.example", "password": "env:P", "from": "a", "to": ["b@"]});
        let all = [
            json!({}),
            json!({"webhook": webhook, "mail": mail}),
            json!({"webhook": webhook, "syncs": ["forward-to-netbx"]}),
            json!({"mail": bad}),
        ];
        insta::assert_snapshot!(all.into_iter().flat_map(told).collect::<Vec<_>>().join("\n"), @r"
        : has neither a `webhook` nor a `mail`; give it one of them
        : has a `webhook` and a `mail`; give it one; another channel can have the other
        syncs: no sync of this file is called `forward-to-netbx`; did you mean `forward-to-netbox`?
        mail.server: has the scheme `http`; write `smtps://user@mail.example.com`
        mail.server: has a password in it; leave it out there and set `password` to `env:NAME` or `file:PATH`
        mail.password: is the password of nobody; write the user before the name of the server: `smtps://user@mail.example.com`
        mail.from: `a` is no mail address; write `noc@example.com`, or `NOC <noc@example.com>`
        mail.to: `b@` is no mail address; write `noc@example.com`, or `NOC <noc@example.com>`
        ");
    }
}

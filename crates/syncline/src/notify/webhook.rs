//! Messages to an address: chats and programs.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Certificate, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sha2::Sha256;
use syncline_core::settings::SecretRef;
use syncline_core::{Error, ErrorKind, Result};
use url::Url;

use super::Message;
use crate::config::{WebhookFormat, WebhookSettings};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many letters of a refusal are told.
const SAID: usize = 200;

/// Posts messages. Its address is never told: it can be all that is needed to post there.
pub struct Webhook {
    client: reqwest::Client,
    url: Url,
    /// The host, for people.
    host: String,
    format: WebhookFormat,
    secret: Option<SecretString>,
}

impl Webhook {
    /// Resolves its secrets, and reads its files.
    pub fn open(settings: &WebhookSettings) -> Result<Self> {
        let wrong = |message: String| Error::new(ErrorKind::Settings, message);
        let reference = &settings.url;
        let url = Url::parse(reference.resolve()?.expose_secret().trim()).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(|| {
            wrong(format!("what `{reference}` refers to is no address: write `https://` and the rest there"))
        })?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the client of the systems would tell the address, which is a secret"
        )]
        let client = reqwest::Client::builder();
        let mut client = client.timeout(PATIENCE).redirect(redirect::Policy::none());
        if let Some(path) = &settings.ca_file {
            let pem = std::fs::read(path)
                .map_err(|error| wrong(format!("cannot read `{}` (`ca_file`)", path.display())).caused_by(error))?;
            let certificates = Certificate::from_pem_bundle(&pem).unwrap_or_default();
            if certificates.is_empty() {
                return Err(wrong(format!("`{}` (`ca_file`) holds no PEM certificate", path.display())));
            }
            client = client.tls_certs_merge(certificates);
        }
        let client = client.build().map_err(|error| {
            Error::new(ErrorKind::Internal, "the client of a webhook cannot be made").caused_by(error.without_url())
        })?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let secret = settings.secret.as_ref().map(SecretRef::resolve).transpose()?;
        Ok(Self { client, url, host, format: settings.format, secret })
    }

    /// Posts a message, once.
    pub async fn send(&self, message: &Message) -> Result<()> {
        let body = body(message, self.format).to_string();
        let mut request = self.client.post(self.url.clone()).header("content-type", "application/json");
        request = request.header("x-syncline-delivery", message.id);
        if let Some(secret) = &self.secret {
            request = request.header("x-hub-signature-256", signature(secret, body.as_bytes())?);
        }
        let answer = request.body(body).send().await.map_err(|error| {
            let message = format!("`{}` does not answer", self.host);
            Error::new(ErrorKind::Unreachable, message).temporary().caused_by(error.without_url())
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let said: String = answer.text().await.unwrap_or_default().chars().take(SAID).collect();
        let message = format!("`{}` does not take the message: {status} {}", self.host, said.trim());
        Err(Error::new(ErrorKind::Refused, message.trim_end()))
    }
}

fn signature(secret: &SecretString, body: &[u8]) -> Result<String> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes());
    let mac = mac.map_err(|error| Error::new(ErrorKind::Internal, "a message cannot be signed").caused_by(error))?;
    Ok(format!("sha256={}", hex::encode(mac.chain_update(body).finalize().into_bytes())))
}

fn body(message: &Message, format: WebhookFormat) -> Value {
    let block = |text: &str| json!({"type": "TextBlock", "text": text, "wrap": true});
    match format {
        WebhookFormat::Json => json!(message),
        WebhookFormat::Text => json!({"text": message.text()}),
        // <https://adaptivecards.io/explorer/AdaptiveCard.html>, in what the trigger "When a Teams webhook request is received" takes.
        WebhookFormat::Teams => {
            let mut title = block(&message.title);
            title["weight"] = "Bolder".into();
            let blocks: Vec<_> = [title].into_iter().chain(message.lines.iter().map(|line| block(line))).collect();
            let open = message.url.iter().map(|url| json!({"type": "Action.OpenUrl", "title": "Open", "url": url}));
            let card = json!({
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
                "body": blocks, "actions": open.collect::<Vec<_>>(),
            });
            let kind = "application/vnd.microsoft.card.adaptive";
            json!({"type": "message", "attachments": [{"contentType": kind, "content": card}]})
        }
    }
}

//! Messages by mail.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use secrecy::ExposeSecret as _;
use syncline_core::{Error, ErrorKind, Result};

use super::Message;
use crate::config::MailSettings;

/// How long the server may take for each of its answers.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends messages as mail.
pub struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    host: String,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl Mail {
    /// Resolves the password.
    pub fn open(settings: &MailSettings) -> Result<Self> {
        let wrong = |message: &str| Error::new(ErrorKind::Settings, message);
        // A user without a password would log in with none.
        let mut server = settings.server.clone();
        let user = percent_encoding::percent_decode_str(server.username()).decode_utf8_lossy().into_owned();
        server.set_username("").map_err(|()| wrong("`mail.server` names no host"))?;
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(server.as_str());
        let transport = transport.map_err(|error| wrong("`mail.server` is no mail server").caused_by(error))?;
        let mut transport = transport.timeout(Some(PATIENCE));
        if let Some(password) = &settings.password {
            transport = transport.credentials(Credentials::new(user, password.resolve()?.expose_secret().to_owned()));
        }
        let mailbox = |address: &String| {
            address
                .parse::<Mailbox>()
                .map_err(|error| wrong(&format!("`{address}` is no mail address")).caused_by(error))
        };
        Ok(Self {
            transport: transport.build(),
            host: server.host_str().unwrap_or_default().to_owned(),
            from: mailbox(&settings.from)?,
            to: settings.to.iter().map(mailbox).collect::<Result<_>>()?,
        })
    }

    /// Sends a message, once.
    pub async fn send(&self, message: &Message) -> Result<()> {
        let mail = lettre::Message::builder().from(self.from.clone()).subject(message.title.clone());
        let mail = self.to.iter().fold(mail, |mail, to| mail.to(to.clone()));
        let mail = mail.header(ContentType::TEXT_PLAIN).body(message.text()).map_err(|error| {
            Error::new(ErrorKind::Internal, "a message cannot be written as a mail").caused_by(error)
        })?;
        self.transport.send(mail).await.map(drop).map_err(|error| {
            let kind = if error.is_permanent() { ErrorKind::Refused } else { ErrorKind::Unreachable };
            Error::new(kind, format!("the mail server `{}` does not take the message", self.host)).caused_by(error)
        })
    }
}

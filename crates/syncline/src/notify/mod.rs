//! Tells people and programs what came of runs: chats, mailboxes, whatever takes a webhook.
//!
//! Each channel follows the changes of how runs stand, from where it was told last. One process of an installation tells a channel at
//! a time. Whom it tells hears of everything, and after a crash of something twice: a message has a number by which that is seen. What
//! cannot be told is tried again for a day, and holds up what comes behind it, so that all is told in order.

mod mail;
mod message;
#[cfg(test)]
mod tests;
mod webhook;

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use syncline_core::history::{History, StatusChange};
use syncline_core::{Error, ErrorKind, Result};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::config::ChannelSettings;

pub use message::Message;

/// For how long a process has a channel without saying so again.
const LEASE: TimeDelta = TimeDelta::minutes(5);
/// How often is looked for what other processes have done.
const LOOK: Duration = Duration::from_secs(5);
/// How long is waited after a failure: at first, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(15));
/// What is older than this is not told any more.
const NEWS: TimeDelta = TimeDelta::hours(24);
/// How many changes are looked at at once.
const MANY: u64 = 100;

/// Somebody who is told.
pub struct Channel {
    name: String,
    settings: ChannelSettings,
    way: Way,
}

enum Way {
    Webhook(webhook::Webhook),
    Mail(mail::Mail),
}

/// What tells channels.
pub struct Teller<'a> {
    /// What is told of.
    pub history: &'a History,
    /// Names this process.
    pub holder: &'a str,
    /// Below which address runs are shown.
    pub shown: Option<&'a Url>,
}

impl Channel {
    /// Resolves its secrets, and reads its files.
    pub fn open(name: &str, settings: &ChannelSettings) -> Result<Self> {
        let way = match (&settings.webhook, &settings.mail) {
            (Some(webhook), None) => webhook::Webhook::open(webhook).map(Way::Webhook),
            (None, Some(mail)) => mail::Mail::open(mail).map(Way::Mail),
            _ => Err(Error::new(ErrorKind::Settings, "has to have a `webhook` or a `mail`, and not both")),
        };
        let way = way.map_err(|error| error.with("channel", name))?;
        Ok(Self { name: name.to_owned(), settings: settings.clone(), way })
    }

    /// Sends a message, once.
    pub async fn send(&self, message: &Message) -> Result<()> {
        match &self.way {
            Way::Webhook(webhook) => webhook.send(message).await,
            Way::Mail(mail) => mail.send(message).await,
        }
    }

    fn wants(&self, message: &Message) -> bool {
        let syncs = &self.settings.syncs;
        let is_of_these = syncs.is_empty() || message.sync.as_ref().is_some_and(|sync| syncs.contains(sync));
        is_of_these && message.occasions.iter().any(|occasion| self.settings.on.contains(occasion))
    }
}

impl Teller<'_> {
    /// Tells a channel until `cancel`.
    pub async fn tell(&self, channel: &Channel, cancel: &CancellationToken) {
        let mut told = self.history.told();
        let mut pause = PAUSE.0;
        // Up to where all was told. A run that is under way wakes this again and again: a look costs no write.
        let mut known = None;
        while !cancel.is_cancelled() {
            told.mark_unchanged();
            let news = async {
                let last = self.history.last_status_change().await?;
                if known.is_none_or(|known| known < last) { self.tell_news(channel, cancel).await } else { Ok(known) }
            };
            let failed = match news.await {
                Ok(up_to) => {
                    known = up_to;
                    None
                }
                Err(error) => Some(error),
            };
            if let Some(error) = &failed {
                let seconds = pause.as_secs();
                tracing::warn!(channel = channel.name, error = %error.report(), seconds, "what came of runs is not told; trying again");
            }
            let wait = if failed.is_some() { pause } else { LOOK };
            pause = if failed.is_some() { (pause * 2).min(PAUSE.1) } else { PAUSE.0 };
            tokio::select! {
                () = cancel.cancelled() => {}
                // That more happens helps no channel that does not take messages, or that another process tells.
                _ = told.changed(), if failed.is_none() && known.is_some() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        if let Err(error) = self.history.leave_channel(&channel.name, self.holder).await {
            tracing::warn!(channel = channel.name, error = %error.report(), "another process waits before it tells the channel");
        }
    }

    /// Tells what there is to tell now, as long as no other process does. Gives the number of the change up to which all was told; none
    /// when another process tells the channel, or it was cancelled.
    pub async fn tell_news(&self, channel: &Channel, cancel: &CancellationToken) -> Result<Option<u64>> {
        while let Some(after) = self.history.take_channel(&channel.name, self.holder, LEASE).await? {
            let changes = self.history.status_changes(after, MANY).await?.items;
            let Some(last) = changes.last().map(|change| change.seq) else { return Ok(Some(after)) };
            for change in &changes {
                if cancel.is_cancelled() {
                    return Ok(None);
                }
                if let Some(message) = self.message(channel, change).await? {
                    channel.send(&message).await?;
                    tracing::debug!(channel = channel.name, message = message.title, "told");
                    // A slow channel is kept as long as it takes messages.
                    let is_kept = self.history.note_told(&channel.name, self.holder, change.seq).await?;
                    if !is_kept || self.history.take_channel(&channel.name, self.holder, LEASE).await?.is_none() {
                        return Ok(None);
                    }
                }
            }
            self.history.note_told(&channel.name, self.holder, last).await?;
        }
        Ok(None)
    }

    async fn message(&self, channel: &Channel, change: &StatusChange) -> Result<Option<Message>> {
        let message = Message::of(self.history, change, self.shown).await?;
        let Some(message) = message.filter(|message| channel.wants(message)) else { return Ok(None) };
        if message.at + NEWS < Utc::now() {
            let title = message.title;
            tracing::error!(
                channel = channel.name,
                message = title,
                "could not be told for a day, and is not told any more"
            );
            return Ok(None);
        }
        Ok(Some(message))
    }
}

//! What started a run, and who, as people are told.

use std::borrow::Cow;

use super::{Run, RunKind};

/// Who asks for the runs of a schedule.
pub const BY_SCHEDULE: &str = "schedule";
/// Who asks for the runs of a webhook.
pub const BY_WEBHOOK: &str = "webhook";
/// Who asks through the API where nobody is asked who it is.
pub const BY_ANYBODY: &str = "api";
/// What stands before the name of a sync that others follow, as who asked for their runs: `after forward-to-netbox`.
pub const AFTER: &str = "after ";

impl Run {
    /// What started it: `adhoc`, `scheduled`, `after forward-to-netbox`, `webhook`, or `API`, which other programs ask by.
    pub fn started_as(&self) -> &str {
        match (self.kind, self.triggered_by.as_str()) {
            (RunKind::Webhook, by) if by != BY_WEBHOOK => "API",
            (RunKind::Scheduled, by) if by.starts_with(AFTER) => by,
            (kind, _) => kind.as_str(),
        }
    }

    /// Who started it: `kim`, `token ci`; none where what started it says all there is.
    pub fn started_by(&self) -> Option<Cow<'_, str>> {
        let by = self.triggered_by.as_str();
        match self.kind {
            RunKind::Scheduled if by == BY_SCHEDULE || by.starts_with(AFTER) => None,
            RunKind::Webhook if matches!(by, BY_WEBHOOK | BY_ANYBODY) => None,
            _ => Some(by.strip_prefix("token:").map_or(Cow::Borrowed(by), |token| format!("token {token}").into())),
        }
    }

    /// Both: `adhoc by kim`, `scheduled`.
    pub fn started_words(&self) -> String {
        let by = self.started_by().map(|by| format!(" by {by}")).unwrap_or_default();
        format!("{}{by}", self.started_as())
    }
}

//! What is kept of a request that failed for good: who was asked for what, and what was answered, without secrets.

use syncline_core::error::{EXCERPT, Exchange};

use crate::{Error, redact};

impl Error {
    /// The request that failed, and the beginning of what was answered; none when nothing was sent.
    pub fn exchange(&self) -> Option<Exchange> {
        let (status, body) = match self {
            Self::Settings { .. } | Self::Request(_) | Self::Condition(_) => return None,
            Self::Transport(_) => (None, None),
            Self::Status(error) => (Some(error.status), shown(&error.body)),
            Self::Answer(error) => (Some(error.status), None),
        };
        let call = self.call()?;
        Some(Exchange {
            method: call.method.to_string(),
            url: format!("{}{}", call.origin, call.path),
            status: status.map(|status| status.as_u16()),
            attempts: call.attempts,
            body,
        })
    }
}

/// The beginning of a body as it can be shown. The credential was taken out where it was read. JSON that does not end here is not
/// shown: which of its values are secrets is not known without its structure.
fn shown(body: &[u8]) -> Option<String> {
    let text = match serde_json::from_slice(body) {
        Ok(mut value) => {
            redact::json(&mut value);
            value.to_string()
        }
        Err(_) if body.trim_ascii_start().first().is_some_and(|first| b"{[\"".contains(first)) => return None,
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    let is_shown = |letter: &char| matches!(letter, '\n' | '\t') || !letter.is_control();
    let mut text: String = text.trim().chars().filter(is_shown).collect();
    if text.len() > EXCERPT {
        text.truncate(text.floor_char_boundary(EXCERPT - '…'.len_utf8()));
        text.push('…');
    }
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_shown_without_secrets_and_not_whole() {
        assert_eq!(
            shown(br#"{"name":["bad"],"inner":{"token":"abc"}}"#).unwrap(),
            r#"{"inner":{"token":"[redacted]"},"name":["bad"]}"#
        );
        assert_eq!(shown(br#"{"token": "abc", "cut"#), None);
        assert_eq!(shown(b" \r\n"), None);
        assert_eq!(shown("<h1>down\u{0}\u{1b}[31m</h1>\n".as_bytes()).unwrap(), "<h1>down[31m</h1>");
        let long = shown("ä".repeat(2_000).as_bytes()).unwrap();
        assert!(long.len() <= EXCERPT && long.ends_with("ä…"), "{}", long.len());
    }
}

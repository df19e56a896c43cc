//! The sentences of errors: what happened, and what to do about it.

use std::fmt;

use serde_json::Value;

use crate::{
    AnswerError, AnswerProblem, Call, StatusError, TransportError, TransportProblem,
    redact::{REDACTED, is_secret, sanitize},
};

impl Call {
    fn host(&self) -> &str {
        self.origin.split_once("://").map_or(self.origin.as_str(), |(_, host)| host)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl TransportError {
    pub(crate) fn message(&self) -> String {
        let host = self.call.host();
        match &self.problem {
            TransportProblem::Dns => {
                format!("the host name of `{host}` cannot be resolved: check it in the URL, and the name service here")
            }
            TransportProblem::LinkLocal => format!(
                "the host name of `{host}` leads to a link-local address, where clouds keep credentials, and is not followed: write the \
                 address itself into the URL if it is meant"
            ),
            TransportProblem::Refused => {
                format!("`{host}` refused the connection: check host and port, and whether the service runs")
            }
            TransportProblem::ConnectTimeout(limit) => format!(
                "no connection to `{host}` within {} s: check firewalls and `http.proxy`, or raise `http.connect_timeout_seconds`",
                limit.as_secs_f64()
            ),
            TransportProblem::Connect => {
                format!("no connection to `{host}`: check host, port, network and `http.proxy`")
            }
            TransportProblem::ReadTimeout(limit) => format!(
                "`{host}` sent nothing for {} s: it may be overloaded; else raise `http.read_timeout_seconds`",
                limit.as_secs_f64()
            ),
            TransportProblem::TotalTimeout(limit) => format!(
                "`{host}` did not answer within {} s: it may be overloaded; else raise `http.total_timeout_seconds`",
                limit.as_secs_f64()
            ),
            TransportProblem::Broken => format!("the connection to `{host}` broke before an answer came"),
            TransportProblem::UnknownAuthority => format!(
                "the certificate of `{host}` is from an authority that is not known here: set `tls.ca_file` to your CA bundle (PEM)"
            ),
            TransportProblem::CertificateExpired => {
                format!("the certificate of `{host}` has expired: renew it there, and check the clock here")
            }
            TransportProblem::CertificateNotYetValid => {
                format!("the certificate of `{host}` is not valid yet: check the clock here and there")
            }
            TransportProblem::CertificateName { names } if names.is_empty() => {
                format!("the certificate of `{host}` is for another name: use the name it was issued for in the URL")
            }
            TransportProblem::CertificateName { names } => format!(
                "the certificate of `{host}` is for another name (it is for {}): use one of these in the URL",
                names.join(", ")
            ),
            TransportProblem::CertificateOfAuthority => format!(
                "the certificate of `{host}` is self-signed and marked as an authority's, which no server's may be: issue one with `basicConstraints=CA:FALSE` there, and set `tls.ca_file` to it"
            ),
            TransportProblem::Certificate(detail) => {
                format!("the certificate of `{host}` cannot be accepted: {detail}")
            }
            TransportProblem::NotTls => {
                format!("`{host}` does not speak TLS on this port: check the port, or use `http://` in the URL")
            }
            TransportProblem::ClientCertificate => format!(
                "`{host}` wants a client certificate that it knows: set `tls.client_certificate_file` and `tls.client_key_file`"
            ),
            TransportProblem::Tls(detail) => format!("no TLS connection with `{host}`: {detail}"),
            TransportProblem::ProxyCredentials => {
                "the proxy wants credentials: set `http.proxy_user` and `http.proxy_password`".to_owned()
            }
            TransportProblem::NotHttp => format!(
                "`{host}` does not speak HTTP on this port: check the port, and whether the URL must start with `https://`"
            ),
        }
    }
}

impl StatusError {
    pub(crate) fn message(&self) -> String {
        let host = self.call.host();
        let status = match self.status.canonical_reason() {
            Some(reason) => format!("{} {reason}", self.status.as_u16()),
            None => self.status.as_u16().to_string(),
        };
        let head = if let (Some(asked), Some(longest)) = (self.retry_after, self.longest_wait) {
            format!(
                "`{host}` asks to wait {} s, longer than the {} s of `http.retry.max_retry_after_seconds` ({status})",
                asked.as_secs(),
                longest.as_secs()
            )
        } else {
            match self.status.as_u16() {
                401 => format!(
                    "`{host}` refused the credential ({status}): check that it is right, active and not expired"
                ),
                403 => format!("`{host}` denies this to the credential ({status})"),
                404 => format!("`{host}` does not have this ({status})"),
                407 => {
                    format!("the proxy wants credentials ({status}): set `http.proxy_user` and `http.proxy_password`")
                }
                429 => format!("`{host}` asks to slow down ({status})"),
                500..=599 => format!("`{host}` failed ({status})"),
                _ => format!("`{host}` refused the request ({status})"),
            }
        };
        if self.body_excerpt.is_empty() { head } else { format!("{head}: {}", self.body_excerpt) }
    }
}

impl AnswerError {
    pub(crate) fn message(&self) -> String {
        let host = self.call.host();
        match &self.problem {
            AnswerProblem::Redirect { target, elsewhere: true } => format!(
                "`{}` redirects to `{target}`, which is not followed because the credential would go elsewhere: if that is the right address, set the URL to it",
                self.call.origin
            ),
            AnswerProblem::Redirect { target, elsewhere: false } => {
                format!("`{host}` redirects to `{target}`, which is not followed here: check the path in the URL")
            }
            AnswerProblem::Html { excerpt } => format!(
                "`{host}` answered HTML (proxy or login page?) where JSON was expected; first 120 characters: {excerpt}"
            ),
            AnswerProblem::Empty => format!("`{host}` answered an empty body where JSON was expected"),
            AnswerProblem::Json { path, message, content_type, excerpt } => {
                let field = if path == "." { String::new() } else { format!(" at `{path}`") };
                let kind = content_type.as_ref().map_or(String::new(), |kind| format!(" (content type `{kind}`)"));
                let start = excerpt.as_ref().map_or(String::new(), |text| format!("; first 120 characters: {text}"));
                format!("`{host}` answered other JSON than expected{field}{kind}: {message}{start}")
            }
            AnswerProblem::JsonCut { bytes } => {
                format!("`{host}` answered JSON that stops in the middle, after {bytes} bytes")
            }
            AnswerProblem::Cut { bytes } => {
                format!("the answer of `{host}` was cut short: the connection broke after {bytes} bytes")
            }
            AnswerProblem::Stalled { bytes, after } => format!(
                "the answer of `{host}` stalled: nothing came for {} s after {bytes} bytes (`http.read_timeout_seconds`)",
                after.as_secs_f64()
            ),
            AnswerProblem::TooSlow { bytes, after } => format!(
                "the answer of `{host}` was not complete within {} s, {bytes} bytes came (`http.total_timeout_seconds`)",
                after.as_secs_f64()
            ),
            AnswerProblem::TooLarge { limit_mib } => format!(
                "the answer of `{host}` is larger than {limit_mib} MiB: ask for smaller pages, or raise `http.max_body_mib`"
            ),
            AnswerProblem::LineTooLong { line, limit_mib } => format!(
                "line {line} of the answer of `{host}` is longer than {limit_mib} MiB: raise `http.max_line_mib` if that is expected"
            ),
            AnswerProblem::NotUtf8 => format!("the answer of `{host}` is not UTF-8 text"),
        }
    }
}

macro_rules! shown_with_call {
    ($($error:ty),+) => {$(
        impl fmt::Display for $error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} ({})", self.message(), self.call)
            }
        }
    )+};
}
shown_with_call!(TransportError, StatusError, AnswerError);

/// One line that says what a failed answer's body says: the message in it if it is JSON, the title if it is HTML, else
/// its start.
pub(crate) fn excerpt(body: &[u8]) -> String {
    /// Where systems put the sentence for people.
    const MESSAGES: [&str; 6] = ["message", "detail", "error", "error_description", "title", "reason"];
    let text = String::from_utf8_lossy(body);
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        let message = MESSAGES.iter().find_map(|name| value.get(name)?.as_str());
        return match message {
            Some(message) => sanitize(message, 500),
            None => sanitize(&without_secrets(value).to_string(), 500),
        };
    }
    // ASCII lower case keeps the byte positions.
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title>").and_then(|at| {
        let start = at + "<title>".len();
        lower[start..].find("</title>").map(|length| &text[start..start + length])
    });
    match title {
        Some(title) => format!("an HTML page titled \"{}\"", sanitize(title, 120)),
        None => sanitize(&text, 300),
    }
}

fn without_secrets(mut value: Value) -> Value {
    // A form error names its field, `{"password": ["is too short"]}`: only plain values are secrets here.
    if let Value::Object(fields) = &mut value {
        for (name, value) in fields {
            if is_secret(name) && value.is_string() {
                *value = Value::from(REDACTED);
            }
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_excerpt_is_the_sentence_for_people() {
        assert_eq!(excerpt(br#"{"message":"Account is locked","x":1}"#), "Account is locked");
        assert_eq!(excerpt(br#"[{"name":["required"]},{}]"#), r#"[{"name":["required"]},{}]"#);
        assert_eq!(excerpt(br#"{"token":"abc","name":["bad"]}"#), r#"{"name":["bad"],"token":"[redacted]"}"#);
        assert_eq!(excerpt("just\r\ntext".as_bytes()), "just text");
        assert_eq!(excerpt(b""), "");
    }
}

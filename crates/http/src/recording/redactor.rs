//! A body as it goes into a recording: without secrets, byte by byte as it came otherwise, in the memory of one value.

use std::borrow::Cow;

use url::form_urlencoded;

use super::secrets::{Known, Secrets, longest, scrub, scrub_text};
use crate::exchange::beginning;
use crate::redact::{REDACTED, is_secret, names_secret};

/// So much of a text that is no JSON is looked at in one piece.
const PIECE: usize = 64 << 10;

/// What an answer to a request with a password may be authorised by, is at least so long.
const SHORTEST_SESSION: usize = 16;

/// Fields that hold the name of what another field, `value`, holds.
const NAMES: [&str; 4] = ["macro", "name", "key", "field"];

/// Takes the secrets out of a body while it passes.
pub(super) struct Redactor {
    secrets: Secrets,
    known: Known,
    /// The request held a password: what identifies its answer is a secret.
    answers_login: bool,
    /// A password was seen.
    pub saw_password: bool,
    may_be_json: bool,
    form: Form,
}

enum Form {
    /// Nothing came yet but white space.
    Unknown(Vec<u8>),
    Json(Json),
    Text(Vec<u8>),
    /// The fields of a web form.
    Fields(Vec<u8>),
    /// A page: only its beginning is kept, what is in it is nobody's data.
    Page(Vec<u8>),
}

/// Where in JSON the bytes are.
#[derive(Default)]
struct Json {
    open: Vec<Open>,
    token: Token,
    /// How many were open before the one that is left out.
    leaves_out: Option<usize>,
}

/// An object or an array that is open.
struct Open {
    is_object: bool,
    expects_name: bool,
    /// The name of the present value.
    name: String,
    /// What is here is a secret by its name.
    hides: bool,
    /// Another field says that `value` is a secret.
    hides_value: bool,
}

#[derive(Default)]
enum Token {
    #[default]
    None,
    /// The bytes between the quotes; whether the last one was an escaping backslash.
    Text(Vec<u8>, bool),
    /// A number, `true`, `false` or `null`.
    Scalar(Vec<u8>),
}

impl Redactor {
    /// For a body of this content type.
    pub fn new(secrets: &Secrets, content_type: Option<&str>) -> Self {
        let kind = content_type.unwrap_or_default().to_ascii_lowercase();
        let form = if kind.starts_with("application/x-www-form-urlencoded") {
            Form::Fields(Vec::new())
        } else if kind.starts_with("text/html") || kind.starts_with("application/xhtml") {
            Form::Page(Vec::new())
        } else {
            Form::Unknown(Vec::new())
        };
        Self {
            secrets: secrets.clone(),
            known: secrets.known(),
            answers_login: false,
            saw_password: false,
            may_be_json: kind.is_empty() || kind.contains("json"),
            form,
        }
    }

    /// For the answer to a request that held a password.
    pub fn answering_login(self, answers_login: bool) -> Self {
        Self { answers_login, ..self }
    }

    /// Takes more of the body, and gives what can be given of it.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.known = self.secrets.known();
        if let Form::Unknown(white) = &mut self.form {
            let Some(at) = bytes.iter().position(|byte| !byte.is_ascii_whitespace()) else {
                white.extend_from_slice(bytes);
                return;
            };
            out.append(white);
            self.form = match bytes[at] {
                b'{' | b'[' => Form::Json(Json::default()),
                // Also a table of quoted texts begins so.
                b'"' if self.may_be_json => Form::Json(Json::default()),
                b'<' => Form::Page(Vec::new()),
                _ => Form::Text(Vec::new()),
            };
        }
        match &mut self.form {
            Form::Unknown(_) => {}
            Form::Json(_) => self.json(bytes, out),
            Form::Text(text) => {
                text.extend_from_slice(bytes);
                if text.len() > PIECE + longest(&self.known) {
                    let scrubbed = self.text();
                    let keep = floor(&scrubbed, scrubbed.len().saturating_sub(longest(&self.known)));
                    out.extend_from_slice(&scrubbed[..keep]);
                    self.form = Form::Text(scrubbed[keep..].to_vec());
                }
            }
            Form::Fields(text) => text.extend_from_slice(bytes),
            Form::Page(text) => text.extend_from_slice(&bytes[..bytes.len().min(PIECE.saturating_sub(text.len()))]),
        }
    }

    /// Gives what is left.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        match &mut self.form {
            Form::Unknown(white) => out.append(white),
            Form::Json(json) => {
                // What was cut is no value, and may be half a secret.
                let token = std::mem::take(&mut json.token);
                if let Token::Scalar(scalar) = token {
                    self.scalar(&scalar, out);
                }
            }
            Form::Text(_) => out.extend(self.text()),
            Form::Fields(text) => {
                let text = std::mem::take(text);
                self.fields(&text, out);
            }
            Form::Page(text) => {
                let text = String::from_utf8_lossy(text).into_owned();
                out.extend_from_slice(beginning(&scrub_text(&text, &self.known)).as_bytes());
            }
        }
    }

    /// The text that has gathered, without secrets. Bytes that are no text are kept.
    fn text(&mut self) -> Vec<u8> {
        let Form::Text(text) = &mut self.form else { return Vec::new() };
        let text = std::mem::take(text);
        let (scrubbed, met) = without(&text, &self.known);
        if met {
            self.secrets.meet();
        }
        scrubbed
    }

    fn fields(&mut self, text: &[u8], out: &mut Vec<u8>) {
        let mut fields = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(text) {
            self.saw_password |= is_password(&name);
            let value = scrub(&value, &self.known);
            let hides = is_secret(&name) && !self.secrets.is_open(&value);
            fields.append_pair(&scrub(&name, &self.known), if hides { REDACTED } else { &value });
        }
        out.extend_from_slice(fields.finish().as_bytes());
    }

    fn json(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for &byte in bytes {
            let Form::Json(json) = &mut self.form else { return };
            if let Token::Text(text, escaped) = &mut json.token {
                if *escaped || !matches!(byte, b'"' | b'\\') {
                    *escaped = false;
                    text.push(byte);
                } else if byte == b'\\' {
                    *escaped = true;
                    text.push(byte);
                } else {
                    let text = std::mem::take(text);
                    json.token = Token::None;
                    self.string(&text, out);
                }
                continue;
            }
            let is_scalar =
                !matches!(byte, b'"' | b'{' | b'[' | b'}' | b']' | b',' | b':') && !byte.is_ascii_whitespace();
            if is_scalar {
                match &mut json.token {
                    Token::Scalar(scalar) => scalar.push(byte),
                    _ => json.token = Token::Scalar(vec![byte]),
                }
                continue;
            }
            if let Token::Scalar(scalar) = std::mem::take(&mut json.token) {
                self.scalar(&scalar, out);
            }
            self.structure(byte, out);
        }
    }

    /// A bracket, a comma, a colon, white space, or the quote that begins a string.
    fn structure(&mut self, byte: u8, out: &mut Vec<u8>) {
        let Form::Json(json) = &mut self.form else { return };
        match byte {
            b'"' => {
                json.token = Token::Text(Vec::new(), false);
                return;
            }
            b'{' | b'[' => {
                let hides = json.leaves_out.is_none() && json.open.last().is_some_and(|open| open.hides);
                if hides {
                    self.saw_password |= json.open.last().is_some_and(|open| is_password(&open.name));
                    json.leaves_out = Some(json.open.len());
                    write_string(REDACTED, out);
                }
                let is_object = byte == b'{';
                json.open.push(Open {
                    is_object,
                    expects_name: is_object,
                    name: String::new(),
                    hides: false,
                    hides_value: false,
                });
            }
            b'}' | b']' => {
                json.open.pop();
                if json.leaves_out == Some(json.open.len()) {
                    json.leaves_out = None;
                    return;
                }
            }
            b',' => {
                if let Some(open) = json.open.last_mut() {
                    open.expects_name = open.is_object;
                    open.hides = false;
                }
            }
            b':' => {
                if let Some(open) = json.open.last_mut() {
                    open.expects_name = false;
                }
            }
            _ => {}
        }
        if json.leaves_out.is_none() {
            out.push(byte);
        }
    }

    fn scalar(&mut self, scalar: &[u8], out: &mut Vec<u8>) {
        let Form::Json(json) = &self.form else { return };
        if json.leaves_out.is_some() {
            return;
        }
        let text = String::from_utf8_lossy(scalar);
        let hides = json.open.last().is_some_and(|open| open.hides) && text != "null";
        match scrub(&text, &self.known) {
            _ if hides => write_string(REDACTED, out),
            Cow::Owned(scrubbed) => write_string(&scrubbed, out),
            Cow::Borrowed(_) => out.extend_from_slice(scalar),
        }
    }

    /// A name or a value, as it stood between its quotes.
    fn string(&mut self, raw: &[u8], out: &mut Vec<u8>) {
        let text = decoded(raw);
        let (known, secrets) = (&self.known, &self.secrets);
        let Form::Json(json) = &mut self.form else { return };
        if json.leaves_out.is_some() {
            return;
        }
        let scrubbed = scrub_text(&text, known);
        let mut other = None;
        // What a login gives is said at once; deeper down is data.
        let is_outermost = json.open.len() <= 1;
        match json.open.last_mut() {
            Some(open) if open.expects_name => {
                open.hides = is_secret(&text) || (open.hides_value && &*text == "value");
                open.name = text.to_string();
            }
            Some(open) if open.hides => {
                self.saw_password |= is_password(&open.name);
                if !secrets.is_open(&scrubbed) {
                    other = Some(REDACTED.to_owned());
                }
            }
            open => {
                if let Some(open) = open
                    && NAMES.contains(&&*open.name)
                    && names_secret(&text)
                {
                    open.hides_value = true;
                }
                if matches!(scrubbed, Cow::Owned(_)) {
                    secrets.meet();
                } else if self.answers_login && is_outermost && is_session(&text) {
                    other = Some(REDACTED.to_owned());
                } else {
                    other = inner_json(&text, secrets);
                }
            }
        }
        match (other, scrubbed) {
            (Some(other), _) => write_string(&other, out),
            (None, Cow::Owned(scrubbed)) => write_string(&scrubbed, out),
            (None, Cow::Borrowed(_)) => {
                out.push(b'"');
                out.extend_from_slice(raw);
                out.push(b'"');
            }
        }
    }
}

/// A whole body without secrets, and whether it held a password.
pub(super) fn redacted(secrets: &Secrets, content_type: Option<&str>, body: &[u8]) -> (Vec<u8>, bool) {
    let mut redactor = Redactor::new(secrets, content_type);
    let mut out = Vec::with_capacity(body.len());
    redactor.push(body, &mut out);
    redactor.end(&mut out);
    (out, redactor.saw_password)
}

/// The text of a string's bytes.
fn decoded(raw: &[u8]) -> Cow<'_, str> {
    if memchr::memchr(b'\\', raw).is_some() {
        let quoted = [b"\"", raw, b"\""].concat();
        if let Ok(text) = serde_json::from_slice::<String>(&quoted) {
            return Cow::Owned(text);
        }
    }
    String::from_utf8_lossy(raw)
}

/// A string that is JSON once more, without secrets, if it held any.
fn inner_json(text: &str, secrets: &Secrets) -> Option<String> {
    if !text.starts_with(['{', '[']) || serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        return None;
    }
    let (inner, _) = redacted(secrets, None, text.as_bytes());
    (inner != text.as_bytes()).then(|| String::from_utf8_lossy(&inner).into_owned())
}

/// Whether what stands under a name is what one logs in with.
fn is_password(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["pass", "pwd", "secret"].iter().any(|part| name.contains(part))
}

/// Whether a text may be what a login gives to be known by.
fn is_session(text: &str) -> bool {
    text.len() >= SHORTEST_SESSION
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.=+/~".contains(&byte))
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
}

/// The last place up to `at` where no character is cut.
fn floor(bytes: &[u8], at: usize) -> usize {
    (0..=at).rev().find(|at| bytes.get(*at).is_none_or(|byte| (byte & 0xc0) != 0x80)).unwrap_or(0)
}

/// Bytes that are no text, without secrets: what is text between them is scrubbed as text is.
fn without(bytes: &[u8], known: &Known) -> (Vec<u8>, bool) {
    let (mut out, mut met) = (Vec::with_capacity(bytes.len()), false);
    for chunk in bytes.utf8_chunks() {
        let scrubbed = scrub_text(chunk.valid(), known);
        met |= matches!(scrubbed, Cow::Owned(_));
        out.extend_from_slice(scrubbed.as_bytes());
        out.extend_from_slice(chunk.invalid());
    }
    (out, met)
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use serde_json::{Value, json};
    use syncline_core::settings::SecretRef;

    use super::*;
    use crate::redact;

    fn secrets() -> Secrets {
        let secret = (SecretRef::Env("A".to_owned()), SecretString::from("hunter2"));
        Secrets::new([secret], ["public".to_owned()])
    }

    #[track_caller]
    fn check(body: &str, expected: &str) {
        // However it is cut.
        for size in [1, 2, 3, 7, body.len().max(1)] {
            let mut redactor = Redactor::new(&secrets(), None);
            let mut out = Vec::new();
            body.as_bytes().chunks(size).for_each(|chunk| redactor.push(chunk, &mut out));
            redactor.end(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected, "in pieces of {size}");
        }
    }

    #[test]
    fn what_holds_no_secret_stays_as_it_is() {
        for body in [
            r#"{"a": 1.10, "b": [true, null, "x\u00e9\"y"], "big": 12345678901234567890}"#,
            "[]",
            " \n",
            "",
            "{\"a\":1}\n{\"b\":2}\r\n",
            "a,b\nc,d\n",
            r#"{"password": null, "psk": "", "community": "{$SNMP}", "token": "public"}"#,
        ] {
            check(body, body);
        }
    }

    #[test]
    fn what_stands_under_the_name_of_a_secret_is_left_out() {
        check(r#"{"a":1,"token":"abc","b":2}"#, r#"{"a":1,"token":"[redacted]","b":2}"#);
        check(r#"{"auth": {"user":"x","list":[{"y":1}]}, "b": 2}"#, r#"{"auth": "[redacted]", "b": 2}"#);
        check(
            r#"{"key":[1,2],"pwd":17,"b":[{"psk":true}]}"#,
            r#"{"key":"[redacted]","pwd":"[redacted]","b":[{"psk":"[redacted]"}]}"#,
        );
        check("{\"token\":\"a\"}\n{\"token\":\"b\"}\n", "{\"token\":\"[redacted]\"}\n{\"token\":\"[redacted]\"}\n");
        check(
            r#"[{"macro":"{$SNMP_COMMUNITY}","value":"x","type":"0"},{"macro":"{$SITE}","value":"y"}]"#,
            r#"[{"macro":"{$SNMP_COMMUNITY}","value":"[redacted]","type":"0"},{"macro":"{$SITE}","value":"y"}]"#,
        );
        check(r#"{"log":"{\"token\":\"abc\"}"}"#, r#"{"log":"{\"token\":\"[redacted]\"}"}"#);
    }

    #[test]
    fn a_known_secret_is_replaced_wherever_it_stands() {
        let stands = crate::stand_in(&SecretRef::Env("A".to_owned()));
        check(
            r#"{"echo":"got hunter2","hunter2":1,"escaped":"h\u0075nter2","token":"hunter2"}"#,
            &format!(r#"{{"echo":"got {stands}","{stands}":1,"escaped":"{stands}","token":"{stands}"}}"#),
        );
        check("name;hunter2\n", &format!("name;{stands}\n"));
        // Of a page is kept what comes before the first word that may be one.
        check("<p>hunter2</p>", "<p>[ …");
    }

    #[test]
    fn a_known_secret_is_replaced_however_it_is_written() {
        let stands = crate::stand_in(&SecretRef::Env("A".to_owned()));
        let secrets = Secrets::new([(SecretRef::Env("A".to_owned()), SecretString::from("p@ss/w\"rd"))], []);
        let body = r#"{"detail":"no https://x/?pw=p%40ss%2Fw%22rd","query":"{a(b: \"p@ss/w\\\"rd\")}"}"#;
        let (out, _) = redacted(&secrets, None, body.as_bytes());
        let expected = format!(r#"{{"detail":"no https://x/?pw={stands}","query":"{{a(b: \"{stands}\")}}"}}"#);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    /// Not even where the secret is a part of what stands for it, in bytes that are no text.
    #[test]
    fn bytes_that_are_no_text_are_scrubbed_and_end() {
        let stands = crate::stand_in(&SecretRef::Env("A".to_owned()));
        let secrets = Secrets::new([(SecretRef::Env("A".to_owned()), SecretString::from("secret"))], []);
        let mut redactor = Redactor::new(&secrets, Some("text/csv"));
        let mut out = Vec::new();
        redactor.push(b"a;secret;\xff;secret\n", &mut out);
        redactor.end(&mut out);
        assert_eq!(out, [format!("a;{stands};").as_bytes(), b"\xff", format!(";{stands}\n").as_bytes()].concat());
    }

    #[test]
    fn what_is_cut_shows_no_half_secret() {
        check(r#"{"a":"x","token":"hush"#, r#"{"a":"x","token":"#);
        check(r#"{"a":"hunt"#, r#"{"a":"#);
    }

    #[test]
    fn a_login_is_known_by_its_password_and_its_answer_hides_what_it_gives() {
        let (sent, saw) = redacted(&secrets(), None, br#"{"params":{"username":"Admin","password":"x"}}"#);
        assert_eq!(sent, br#"{"params":{"username":"Admin","password":"[redacted]"}}"#);
        assert!(saw);
        let mut redactor = Redactor::new(&secrets(), None).answering_login(true);
        let mut out = Vec::new();
        redactor.push(
            br#"{"jsonrpc":"2.0","result":"0424bd59b807674191e7d77572075f33","message":"no such user here","id":1}"#,
            &mut out,
        );
        assert_eq!(out, br#"{"jsonrpc":"2.0","result":"[redacted]","message":"no such user here","id":1}"#);
    }

    #[test]
    fn only_what_a_login_says_at_once_is_taken_for_a_session() {
        let mut redactor = Redactor::new(&secrets(), None).answering_login(true);
        let mut out = Vec::new();
        let body = br#"{"result":[{"name":"atlanta-dc1-core-switch-01"}],"id":1}"#;
        redactor.push(body, &mut out);
        assert_eq!(out, body);
    }

    /// In such a table, a backslash is a letter.
    #[test]
    fn a_table_of_quoted_texts_is_kept_to_its_end() {
        let table = br#""path","note"
"C:","hunter2"
"D:","x"
"#;
        let mut redactor = Redactor::new(&secrets(), Some("text/csv"));
        let mut out = Vec::new();
        table.chunks(5).for_each(|chunk| redactor.push(chunk, &mut out));
        redactor.end(&mut out);
        let stands = crate::stand_in(&SecretRef::Env("A".to_owned()));
        assert_eq!(String::from_utf8(out).unwrap(), String::from_utf8_lossy(table).replace("hunter2", &stands));
    }

    #[test]
    fn the_fields_of_a_form_are_redacted() {
        let kind = Some("application/x-www-form-urlencoded");
        let (sent, saw) = redacted(&secrets(), kind, b"user=a+b&client_secret=x&note=hunter2");
        let stands: String =
            form_urlencoded::byte_serialize(crate::stand_in(&SecretRef::Env("A".to_owned())).as_bytes()).collect();
        assert_eq!(String::from_utf8(sent).unwrap(), format!("user=a+b&client_secret=%5Bredacted%5D&note={stands}"));
        assert!(saw);
    }

    #[test]
    fn long_texts_pass_in_pieces_and_no_secret_slips_between_them() {
        let body = "hunter2,äöü\n".repeat(20_000);
        let stands = crate::stand_in(&SecretRef::Env("A".to_owned()));
        let mut redactor = Redactor::new(&secrets(), None);
        let mut out = Vec::new();
        body.as_bytes().chunks(1009).for_each(|chunk| redactor.push(chunk, &mut out));
        redactor.end(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), body.replace("hunter2", &stands));
    }

    proptest::proptest! {
        /// It hides what the redaction of whole values hides.
        #[test]
        fn it_hides_what_redaction_of_values_hides(keys in proptest::collection::vec("(token|key|name|auth|a\"b|value)", 4), values in proptest::collection::vec("[a-z\"\\\\{é ]{0,8}", 4)) {
            let value = json!({
                keys[0].clone(): {keys[1].clone(): values[0], keys[2].clone(): [values[1], {keys[3].clone(): 1}]},
                "z": [values[2], null, {keys[0].clone(): values[3]}],
            });
            let mut expected = value.clone();
            redact::json(&mut expected);
            let (body, _) = redacted(&Secrets::default(), None, value.to_string().as_bytes());
            let mut body: Value = serde_json::from_slice(&body).unwrap();
            // A secret without a letter is none, and stays.
            empty(&mut body);
            empty(&mut expected);
            proptest::prop_assert!(body == expected || hides_more(&body, &expected), "{body} {expected}");
        }
    }

    fn empty(value: &mut Value) {
        match value {
            Value::String(text) if text.is_empty() => *text = REDACTED.to_owned(),
            Value::Array(items) => items.iter_mut().for_each(empty),
            Value::Object(fields) => fields.values_mut().for_each(empty),
            _ => {}
        }
    }

    /// Whether one is the other, or has `[redacted]` where that has something.
    fn hides_more(one: &Value, other: &Value) -> bool {
        match (one, other) {
            (Value::Object(one), Value::Object(other)) => {
                one.len() == other.len()
                    && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| hides_more(value, other)))
            }
            (Value::Array(one), Value::Array(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| hides_more(one, other))
            }
            _ => one == other || one == REDACTED,
        }
    }
}

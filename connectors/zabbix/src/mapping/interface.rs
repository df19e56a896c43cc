//! Interfaces as texts: `10.0.0.1:161 v2c community={$SNMP_COMMUNITY}`.
//!
//! One form for what rules say and for what Zabbix has: people read it in plans, and the API's object is made from it. Both sides
//! write what is usual (`bulk`, ten repetitions) by leaving it out.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde_json::{Map, Value, json};

use super::rules::{InterfaceKind, SnmpAuth, SnmpLevel, SnmpPrivacy, SnmpRule};
use crate::dialect::Dialect;

/// Longest address that Zabbix keeps: of an IP address or a macro, and of a DNS name.
const ADDRESS: (usize, usize) = (64, 255);
/// Longest text of SNMP that Zabbix keeps.
const SNMP_TEXT: usize = 64;
/// What a walk asks for at once where nobody says otherwise.
const REPETITIONS: u16 = 10;
/// Stands for a community or a passphrase that stands in Zabbix in clear.
const HIDDEN: &str = "(hidden)";

/// The main interface of a type, without its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interface {
    /// An IP address, a macro or a DNS name.
    pub address: String,
    /// A number or a macro.
    pub port: String,
    /// How SNMP is spoken; none for other types.
    pub snmp: Option<Snmp>,
}

/// How SNMP is spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snmp {
    /// Whether several values are asked for at once.
    pub bulk: bool,
    /// How many rows a walk asks for at once; none where the version of SNMP or of Zabbix has no such thing.
    pub repetitions: Option<u16>,
    /// How it is secured.
    pub security: Security,
}

/// How SNMP is secured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Security {
    /// Version 1 or 2, with its community.
    Community { version: u8, community: String },
    /// Version 3.
    User {
        name: String,
        level: SnmpLevel,
        auth: Option<(SnmpAuth, String)>,
        privacy: Option<(SnmpPrivacy, String)>,
        context: String,
    },
}

impl InterfaceKind {
    /// Every type.
    pub const ALL: [Self; 4] = [Self::Agent, Self::Snmp, Self::Ipmi, Self::Jmx];

    /// The type's name in records and plans.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Snmp => "snmp",
            Self::Ipmi => "ipmi",
            Self::Jmx => "jmx",
        }
    }

    /// The type of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The type's number in the API.
    pub fn number(self) -> u64 {
        match self {
            Self::Agent => 1,
            Self::Snmp => 2,
            Self::Ipmi => 3,
            Self::Jmx => 4,
        }
    }

    /// The type of a number.
    pub fn of_number(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// The port where it usually answers.
    pub fn usual_port(self) -> &'static str {
        match self {
            Self::Agent => "10050",
            Self::Snmp => "161",
            Self::Ipmi => "623",
            Self::Jmx => "12345",
        }
    }
}

impl Interface {
    /// An interface as a rule says it.
    pub fn said(
        kind: InterfaceKind,
        address: &str,
        port: &str,
        snmp: Option<&SnmpRule>,
        dialect: Dialect,
    ) -> Result<Self, String> {
        let port = if port.is_empty() { kind.usual_port() } else { port };
        if !is_macro(port) && port.parse::<u16>().is_err() {
            return Err(format!("`{port}` is no port from 0 to 65535"));
        }
        let snmp = match (kind, snmp) {
            (InterfaceKind::Snmp, Some(rule)) => Some(Snmp::said(rule, dialect)?),
            (InterfaceKind::Snmp, None) => return Err("an SNMP interface needs `snmp`".to_owned()),
            (_, Some(_)) => return Err(format!("an interface of the type `{}` has no `snmp`", kind.as_str())),
            (_, None) => None,
        };
        Ok(Self { address: address_of(address)?, port: port.to_owned(), snmp })
    }

    /// An interface as the API has it.
    pub fn read(object: &Map<String, Value>, dialect: Dialect) -> Option<(InterfaceKind, Self)> {
        let kind = InterfaceKind::of_number(number(object.get("type"))?)?;
        let by_ip = number(object.get("useip")) == Some(1);
        let address = text(object.get(if by_ip { "ip" } else { "dns" }));
        let address = address_of(&address).unwrap_or(address);
        let details = object.get("details").and_then(Value::as_object);
        let snmp = (kind == InterfaceKind::Snmp).then(|| Snmp::read(details, dialect)).flatten();
        Some((kind, Self { address, port: text(object.get("port")), snmp }))
    }

    /// The API's object of a main interface, to create it or to change the one with an id.
    pub fn object(&self, kind: InterfaceKind, id: Option<&str>) -> Value {
        let by_ip = is_macro(&self.address) || self.address.parse::<IpAddr>().is_ok();
        let (ip, dns) = if by_ip { (&*self.address, "") } else { ("", &*self.address) };
        let mut object = json!({
            "type": kind.number(), "main": 1, "useip": u8::from(by_ip), "ip": ip, "dns": dns, "port": self.port,
        });
        if let Some(snmp) = &self.snmp {
            object["details"] = snmp.object();
        }
        if let Some(id) = id {
            object["interfaceid"] = id.into();
        }
        object
    }
}

impl Snmp {
    fn said(rule: &SnmpRule, dialect: Dialect) -> Result<Self, String> {
        let walks = rule.version > 1 && dialect.max_repetitions;
        let security = match (rule.version, &rule.v3) {
            (1 | 2, _) => {
                Security::Community { version: rule.version, community: secret("community", &rule.community)? }
            }
            (3, Some(v3)) => {
                let named = short("security_name", &v3.security_name)?;
                let proves = v3.level != SnmpLevel::NoAuthNoPriv;
                let hides = v3.level == SnmpLevel::AuthPriv;
                let auth = proves.then(|| Ok::<_, String>((v3.auth, secret("auth_passphrase", &v3.auth_passphrase)?)));
                let privacy =
                    hides.then(|| Ok::<_, String>((v3.privacy, secret("privacy_passphrase", &v3.privacy_passphrase)?)));
                Security::User {
                    name: named,
                    level: v3.level,
                    auth: auth.transpose()?,
                    privacy: privacy.transpose()?,
                    context: v3.context.clone(),
                }
            }
            (3, None) => return Err("SNMP version 3 needs `v3`".to_owned()),
            (other, _) => return Err(format!("`{other}` is no version of SNMP; give 1, 2 or 3")),
        };
        Ok(Self { bulk: rule.bulk, repetitions: walks.then_some(rule.max_repetitions), security })
    }

    fn read(details: Option<&Map<String, Value>>, dialect: Dialect) -> Option<Self> {
        let details = details?;
        let get = |name: &str| text(details.get(name));
        let shown = |name: &str| {
            let value = get(name);
            if value.is_empty() || is_macro(&value) { value } else { HIDDEN.to_owned() }
        };
        let version = u8::try_from(number(details.get("version"))?).ok()?;
        let security = if version == 3 {
            let level = *LEVELS.get(usize::try_from(number(details.get("securitylevel"))?).ok()?)?;
            let at = |name: &str| usize::try_from(number(details.get(name)).unwrap_or_default()).ok();
            let auth = *AUTHS.get(at("authprotocol")?)?;
            let privacy = *PRIVACIES.get(at("privprotocol")?)?;
            Security::User {
                name: get("securityname"),
                level,
                auth: (level != SnmpLevel::NoAuthNoPriv).then(|| (auth, shown("authpassphrase"))),
                privacy: (level == SnmpLevel::AuthPriv).then(|| (privacy, shown("privpassphrase"))),
                context: get("contextname"),
            }
        } else {
            Security::Community { version, community: shown("community") }
        };
        let walks = version > 1 && dialect.max_repetitions;
        let repetitions = number(details.get("max_repetitions")).and_then(|number| u16::try_from(number).ok());
        Some(Self {
            bulk: number(details.get("bulk")) != Some(0),
            repetitions: walks.then(|| repetitions.unwrap_or(REPETITIONS)),
            security,
        })
    }

    fn object(&self) -> Value {
        let mut object = json!({"bulk": u8::from(self.bulk)});
        if let Some(repetitions) = self.repetitions {
            object["max_repetitions"] = repetitions.into();
        }
        match &self.security {
            Security::Community { version, community } => {
                object["version"] = (*version).into();
                object["community"] = community.as_str().into();
            }
            Security::User { name, level, auth, privacy, context } => {
                object["version"] = 3.into();
                object["securityname"] = name.as_str().into();
                object["securitylevel"] = position(&LEVELS, level).into();
                object["contextname"] = context.as_str().into();
                if let Some((auth, passphrase)) = auth {
                    object["authprotocol"] = position(&AUTHS, auth).into();
                    object["authpassphrase"] = passphrase.as_str().into();
                }
                if let Some((privacy, passphrase)) = privacy {
                    object["privprotocol"] = position(&PRIVACIES, privacy).into();
                    object["privpassphrase"] = passphrase.as_str().into();
                }
            }
        }
        object
    }
}

const LEVELS: [SnmpLevel; 3] = [SnmpLevel::NoAuthNoPriv, SnmpLevel::AuthNoPriv, SnmpLevel::AuthPriv];
const LEVEL_NAMES: [&str; 3] = ["noAuthNoPriv", "authNoPriv", "authPriv"];
const AUTHS: [SnmpAuth; 6] =
    [SnmpAuth::Md5, SnmpAuth::Sha1, SnmpAuth::Sha224, SnmpAuth::Sha256, SnmpAuth::Sha384, SnmpAuth::Sha512];
const AUTH_NAMES: [&str; 6] = ["MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512"];
const PRIVACIES: [SnmpPrivacy; 6] = [
    SnmpPrivacy::Des,
    SnmpPrivacy::Aes128,
    SnmpPrivacy::Aes192,
    SnmpPrivacy::Aes256,
    SnmpPrivacy::Aes192C,
    SnmpPrivacy::Aes256C,
];
const PRIVACY_NAMES: [&str; 6] = ["DES", "AES128", "AES192", "AES256", "AES192C", "AES256C"];

/// The place of a value in a list of the API's, which is its number there.
fn position<T: PartialEq>(all: &[T], one: &T) -> usize {
    all.iter().position(|other| other == one).unwrap_or_default()
}

fn named<T: Copy>(all: &[T], names: &[&str], name: &str) -> Option<T> {
    all.get(names.iter().position(|known| *known == name)?).copied()
}

impl fmt::Display for Interface {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.address.contains(':') && !is_macro(&self.address) {
            write!(out, "[{}]:{}", self.address, self.port)?;
        } else {
            write!(out, "{}:{}", self.address, self.port)?;
        }
        self.snmp.as_ref().map_or(Ok(()), |snmp| write!(out, " {snmp}"))
    }
}

impl fmt::Display for Snmp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.security {
            Security::Community { version: 1, community } => write!(out, "v1 community={}", quoted(community))?,
            Security::Community { community, .. } => write!(out, "v2c community={}", quoted(community))?,
            Security::User { name, level, auth, privacy, context } => {
                write!(out, "v3 user={} level={}", quoted(name), LEVEL_NAMES[position(&LEVELS, level)])?;
                if let Some((auth, passphrase)) = auth {
                    write!(out, " auth={} auth-passphrase={}", AUTH_NAMES[position(&AUTHS, auth)], quoted(passphrase))?;
                }
                if let Some((privacy, passphrase)) = privacy {
                    let name = PRIVACY_NAMES[position(&PRIVACIES, privacy)];
                    write!(out, " privacy={name} privacy-passphrase={}", quoted(passphrase))?;
                }
                if !context.is_empty() {
                    write!(out, " context={}", quoted(context))?;
                }
            }
        }
        if !self.bulk {
            out.write_str(" bulk=no")?;
        }
        match self.repetitions.filter(|repetitions| *repetitions != REPETITIONS) {
            Some(repetitions) => write!(out, " repetitions={repetitions}"),
            None => Ok(()),
        }
    }
}

impl Interface {
    /// Reads the text of an interface.
    pub fn parse(written: &str, dialect: Dialect) -> Option<Self> {
        let (address, rest) = place(written)?;
        let (port, rest) = place(rest.strip_prefix(':')?)?;
        let (address, port) = (address.to_owned(), port.to_owned());
        let mut words = words(rest.trim_start())?.into_iter();
        let Some(version) = words.next() else { return Some(Self { address, port, snmp: None }) };
        let said: Vec<_> = words
            .filter_map(|word| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
            .collect();
        let get = |name: &str| said.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let number = match &*version {
            "v1" => 1,
            "v2c" => 2,
            "v3" => 3,
            _ => return None,
        };
        let security = if number == 3 {
            Security::User {
                name: get("user")?,
                level: named(&LEVELS, &LEVEL_NAMES, &get("level")?)?,
                auth: get("auth").and_then(|auth| Some((named(&AUTHS, &AUTH_NAMES, &auth)?, get("auth-passphrase")?))),
                privacy: get("privacy").and_then(|privacy| {
                    Some((named(&PRIVACIES, &PRIVACY_NAMES, &privacy)?, get("privacy-passphrase")?))
                }),
                context: get("context").unwrap_or_default(),
            }
        } else {
            Security::Community { version: number, community: get("community")? }
        };
        let repetitions = get("repetitions").map_or(Some(REPETITIONS), |text| u16::from_str(&text).ok())?;
        let walks = number > 1 && dialect.max_repetitions;
        let snmp = Snmp { bulk: get("bulk").is_none(), repetitions: walks.then_some(repetitions), security };
        Some(Self { address, port, snmp: Some(snmp) })
    }
}

/// The address or the port at the beginning of a text, and the rest: a macro, an address in brackets, or whatever comes before the
/// next colon or blank.
fn place(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']');
    }
    if !text.starts_with('{') {
        return Some(text.split_at(text.find([':', ' ']).unwrap_or(text.len())));
    }
    let mut in_quotes = false;
    let end = text.find(|c: char| {
        in_quotes ^= c == '"';
        c == '}' && !in_quotes
    });
    Some(text.split_at(end? + 1))
}

/// A value as one word.
fn quoted(value: &str) -> String {
    let is_word = !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || c == '"' || c == '\\');
    if is_word { value.to_owned() } else { Value::from(value).to_string() }
}

/// The words of a text; those in quotes are taken out of them.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut word = String::new();
        loop {
            let end = rest.find([' ', '"']).unwrap_or(rest.len());
            word.push_str(&rest[..end]);
            rest = &rest[end..];
            if !rest.starts_with('"') {
                rest = rest.trim_start();
                break;
            }
            let mut read = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            word.push_str(&read.next()?.ok()?);
            rest = &rest[read.byte_offset()..];
        }
        words.push(word);
    }
    Some(words)
}

/// A user macro, or anything else in braces, whose value Zabbix looks up.
pub(crate) fn is_macro(text: &str) -> bool {
    text.starts_with('{') && text.ends_with('}')
}

/// An address in one spelling.
fn address_of(text: &str) -> Result<String, String> {
    let text = text.trim();
    if is_macro(text) {
        return Ok(text.to_owned());
    }
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Ok(ip.to_string());
    }
    let name = text.trim_end_matches('.').to_lowercase();
    let fits = !name.is_empty() && name.len() <= ADDRESS.1;
    let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    if fits && is_name { Ok(name) } else { Err(format!("`{text}` is neither an IP address nor a DNS name")) }
}

/// A macro, as what is secret must be.
fn secret(name: &str, value: &str) -> Result<String, String> {
    if is_macro(value) {
        return short(name, value);
    }
    Err(format!("`{name}` is to be a macro such as `{{$SNMP_COMMUNITY}}`, whose value is kept as a secret"))
}

fn short(name: &str, value: &str) -> Result<String, String> {
    if value.is_empty() || value.chars().count() > SNMP_TEXT {
        return Err(format!("`{name}` has 1 to {SNMP_TEXT} characters"));
    }
    Ok(value.to_owned())
}

fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn number(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use syncline_core::version::Version;

    use super::*;

    fn dialect(version: &str) -> Dialect {
        Dialect::of(Version::parse(version).unwrap())
    }

    fn macros() -> impl Strategy<Value = String> {
        "\\{\\$[A-Z]{1,5}(:\"[a-z ]{0,4}\")?\\}"
    }

    fn snmp() -> impl Strategy<Value = Snmp> {
        let community =
            (1_u8..=2, macros()).prop_map(|(version, community)| Security::Community { version, community });
        let user = ("[a-z]{1,6}", 0_usize..3, 0_usize..6, 0_usize..6, macros(), "[a-z \"]{0,4}").prop_map(
            |(name, level, auth, privacy, passphrase, context)| Security::User {
                name,
                level: LEVELS[level],
                auth: (level > 0).then(|| (AUTHS[auth], passphrase.clone())),
                privacy: (level > 1).then(|| (PRIVACIES[privacy], passphrase)),
                context,
            },
        );
        (any::<bool>(), 1_u16..50, prop_oneof![community, user]).prop_map(|(bulk, repetitions, security)| {
            let walks = !matches!(security, Security::Community { version: 1, .. });
            Snmp { bulk, repetitions: walks.then_some(repetitions), security }
        })
    }

    proptest! {
        /// What is read of what was written is the same, in words and in the API's object.
        #[test]
        fn interfaces_keep_their_meaning(
            address in prop_oneof![Just("10.0.0.1".to_owned()), Just("2001:db8::1".to_owned()), Just("sw1.example".to_owned()), macros()],
            port in prop_oneof![Just("161".to_owned()), macros()],
            snmp in proptest::option::of(snmp()),
        ) {
            let dialect = dialect("7.0.0");
            let interface = Interface { address, port, snmp };
            prop_assert_eq!(Interface::parse(&interface.to_string(), dialect), Some(interface.clone()));
            let kind = if interface.snmp.is_some() { InterfaceKind::Snmp } else { InterfaceKind::Jmx };
            let object = interface.object(kind, None);
            prop_assert_eq!(Interface::read(object.as_object().unwrap(), dialect), Some((kind, interface)));
        }
    }

    #[test]
    fn what_stands_in_clear_is_not_shown() {
        let object = json!({"type": "2", "main": "1", "useip": "1", "ip": "10.0.0.1", "dns": "", "port": "161",
            "details": {"version": "2", "bulk": "1", "community": "public", "max_repetitions": "10"}});
        let (_, interface) = Interface::read(object.as_object().unwrap(), dialect("7.0.0")).unwrap();
        assert_eq!(interface.to_string(), "10.0.0.1:161 v2c community=(hidden)");
        // 6.0 drops what it is told of repetitions.
        let (_, interface) = Interface::read(object.as_object().unwrap(), dialect("6.0.0")).unwrap();
        assert_eq!(interface.snmp.unwrap().repetitions, None);
    }

    #[test]
    fn what_zabbix_would_take_and_nobody_means_is_refused() {
        let dialect = dialect("7.0.0");
        let said = |kind, address: &str, port: &str| Interface::said(kind, address, port, None, dialect);
        let told = [
            said(InterfaceKind::Agent, "10.0.0.1/24", "").unwrap_err(),
            said(InterfaceKind::Agent, "", "").unwrap_err(),
            said(InterfaceKind::Agent, "10.0.0.1", "66000").unwrap_err(),
            said(InterfaceKind::Snmp, "10.0.0.1", "").unwrap_err(),
        ];
        insta::assert_snapshot!(told.join("\n"), @r#"
`10.0.0.1/24` is neither an IP address nor a DNS name
`` is neither an IP address nor a DNS name
`66000` is no port from 0 to 65535
an SNMP interface needs `snmp`
"#);
        assert_eq!(said(InterfaceKind::Ipmi, "SW1.Example.", "").unwrap().to_string(), "sw1.example:623");
    }
}

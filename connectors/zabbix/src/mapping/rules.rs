//! The rules by which devices and virtual machines become hosts, as they stand in a sync's parameters.
//!
//! Texts are templates of Jinja (`Sites/{{ site.name }}`), conditions are its expressions (`role.slug == 'access'`). What they can
//! speak of is in [`Facts`](super::facts::Facts).

use serde::Deserialize;
use syncline_model::Text;

/// How devices become hosts.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// What distinguishes this source from others that feed the same Zabbix, in the tag that tells where a host comes from.
    pub origin: String,
    /// What a stack becomes: one host for its master, or one for each member.
    #[schemars(extend("default" = "host"))]
    pub virtual_chassis: VirtualChassisAs,
    /// Whether virtual machines become hosts too.
    pub virtual_machines: bool,
    /// Which of them become hosts: a condition. Empty means all that have an address or need none.
    pub when: String,
    /// The technical name. Characters that Zabbix refuses are replaced.
    pub name: String,
    /// The visible name.
    pub visible_name: String,
    /// The description; none is managed when it is empty.
    pub description: String,
    /// Which hosts are monitored: a condition.
    pub monitored: String,
    /// The host groups; `/` nests. A name with an empty part is left out.
    pub groups: Vec<GroupRule>,
    /// Groups that are managed besides those of the rules: names, or beginnings with `*` at the end. A rule whose name is all
    /// placeholder needs its groups here, or nobody could tell them from people's.
    pub managed_groups: Vec<String>,
    /// The host group of hosts whose device is gone. While such a host waits for its delete (`policy.quarantine`), it is unmonitored, and of
    /// the managed groups in this one alone; when the device is back, so is the host. Without one, hosts are left as they are until
    /// they are deleted, but for `policy.quarantine.mark`.
    pub graveyard: String,
    /// The templates that are linked.
    pub templates: Vec<TemplateRule>,
    /// Templates that are managed besides those that rules name: names, or beginnings with `*` at the end.
    pub managed_templates: Vec<String>,
    /// The main interface of each type.
    pub interfaces: Vec<InterfaceRule>,
    /// Who collects the data: the first rule that applies. Without rules, people decide.
    pub monitored_by: Vec<ProxyRule>,
    /// The tags.
    pub tags: Vec<TagRule>,
    /// The macros.
    pub macros: Vec<MacroRule>,
    /// The inventory.
    pub inventory: InventoryRule,
    /// How the server and the agent authenticate each other: the first rule that applies.
    pub encryption: Vec<EncryptionRule>,
    /// The maintenance windows that hosts are in. Without rules, none is read and none written.
    pub maintenances: Vec<MaintenanceRule>,
}

/// What a stack becomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VirtualChassisAs {
    /// One host, made of the master, under the stack's name. Where nobody is master, the member in the first position.
    #[default]
    Host,
    /// One host for each member.
    Members,
}

/// A host group.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupRule {
    /// Its name: a template.
    pub name: String,
    /// For which hosts; empty means all.
    #[serde(default)]
    pub when: String,
}

/// A template that is linked.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateRule {
    /// Its technical name: a template of Jinja. A list in the facts is joined with `\n` to link several.
    pub template: String,
    /// For which hosts; empty means all.
    #[serde(default)]
    pub when: String,
}

/// The main interface of a type.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InterfaceRule {
    /// Which type.
    pub r#type: InterfaceKind,
    /// The address, an IP address or a DNS name: a template. Where it is empty, the interface is left out.
    #[serde(default = "primary_ip")]
    pub address: String,
    /// The port; the type's own when empty.
    #[serde(default)]
    pub port: String,
    /// For SNMP, how it is spoken.
    #[serde(default)]
    pub snmp: Option<SnmpRule>,
    /// For which hosts; empty means all.
    #[serde(default)]
    pub when: String,
}

/// The type of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InterfaceKind {
    /// Zabbix agent, port 10050.
    Agent,
    /// SNMP, port 161.
    Snmp,
    /// IPMI, port 623.
    Ipmi,
    /// JMX, port 12345.
    Jmx,
}

/// How SNMP is spoken. Communities and passphrases are macros: their values are secrets, and belong into macros or a vault.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SnmpRule {
    /// 1, 2 or 3.
    pub version: u8,
    /// For versions 1 and 2, the macro with the community.
    #[serde(default = "community")]
    pub community: String,
    /// For version 3.
    #[serde(default)]
    pub v3: Option<SnmpV3Rule>,
    /// Whether several values are asked for at once.
    #[serde(default = "yes")]
    pub bulk: bool,
    /// For versions 2 and 3, how many rows a walk asks for at once (Zabbix 6.4 and later).
    #[serde(default = "max_repetitions")]
    pub max_repetitions: u16,
}

/// The security of SNMP version 3.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SnmpV3Rule {
    /// The user.
    pub security_name: String,
    /// How much is protected.
    pub level: SnmpLevel,
    /// How users prove themselves.
    #[serde(default)]
    #[schemars(extend("default" = "SHA1"))]
    pub auth: SnmpAuth,
    /// The macro with the passphrase for it.
    #[serde(default)]
    pub auth_passphrase: String,
    /// How messages are encrypted.
    #[serde(default)]
    #[schemars(extend("default" = "AES128"))]
    pub privacy: SnmpPrivacy,
    /// The macro with the passphrase for it.
    #[serde(default)]
    pub privacy_passphrase: String,
    /// The context.
    #[serde(default)]
    pub context: String,
}

/// How much SNMP version 3 protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SnmpLevel {
    /// Nothing.
    NoAuthNoPriv,
    /// Who asks.
    AuthNoPriv,
    /// Who asks, and what is said.
    AuthPriv,
}

/// How users of SNMP version 3 prove themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
pub enum SnmpAuth {
    /// MD5.
    #[serde(rename = "MD5")]
    Md5,
    /// SHA-1.
    #[default]
    #[serde(rename = "SHA1")]
    Sha1,
    /// SHA-224.
    #[serde(rename = "SHA224")]
    Sha224,
    /// SHA-256.
    #[serde(rename = "SHA256")]
    Sha256,
    /// SHA-384.
    #[serde(rename = "SHA384")]
    Sha384,
    /// SHA-512.
    #[serde(rename = "SHA512")]
    Sha512,
}

/// How messages of SNMP version 3 are encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
pub enum SnmpPrivacy {
    /// DES.
    #[serde(rename = "DES")]
    Des,
    /// AES with 128 bits.
    #[default]
    #[serde(rename = "AES128")]
    Aes128,
    /// AES with 192 bits.
    #[serde(rename = "AES192")]
    Aes192,
    /// AES with 256 bits.
    #[serde(rename = "AES256")]
    Aes256,
    /// AES with 192 bits, Cisco's way.
    #[serde(rename = "AES192C")]
    Aes192C,
    /// AES with 256 bits, Cisco's way.
    #[serde(rename = "AES256C")]
    Aes256C,
}

/// Who collects the data of a host.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProxyRule {
    /// The name of a proxy: a template. Give this, or `proxy_group`; neither means the server itself.
    #[serde(default)]
    pub proxy: String,
    /// The name of a proxy group: a template (Zabbix 7.0 and later).
    #[serde(default)]
    pub proxy_group: String,
    /// For which hosts; empty means all.
    #[serde(default)]
    pub when: String,
}

/// A tag.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TagRule {
    /// Its name. All values of a host under this name are managed.
    pub tag: String,
    /// Its value: a template. A value per line makes a tag of each.
    #[serde(default)]
    pub value: String,
    /// For which hosts; empty means all.
    #[serde(default)]
    pub when: String,
}

/// A macro.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MacroRule {
    /// Its name with braces: `{$SNMP_COMMUNITY}`.
    pub r#macro: String,
    /// Its value: a template.
    #[serde(default)]
    pub value: String,
    /// Its value as a path in the vault (`path:key`): a template.
    #[serde(default)]
    pub vault: String,
    /// Its value as a secret by reference. Zabbix never shows it again; whether it changed is told by a check in the macro's
    /// description.
    #[serde(default)]
    pub secret: Option<syncline_core::settings::SecretRef>,
    /// For which hosts; empty means all.
    #[serde(default)]
    pub when: String,
}

/// The inventory.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InventoryRule {
    /// Who fills it; people decide when it is left out, and fields switch a disabled one to `manual`.
    pub mode: Option<InventoryFilledBy>,
    /// The fields by Zabbix's names, such as `serialno_a`: templates. What is too long for its field is cut.
    pub fields: std::collections::BTreeMap<String, String>,
}

/// Who fills an inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InventoryFilledBy {
    /// Nobody.
    Disabled,
    /// People and this sync.
    Manual,
    /// Items too: fields that an item fills are left to it.
    Automatic,
}

/// How the server and the agent of a host authenticate each other.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EncryptionRule {
    /// The way.
    pub with: Encryption,
    /// For which hosts; empty means all.
    #[serde(default)]
    pub when: String,
}

/// A maintenance window that hosts are in. Hosts whose rules give the same name share one; where they do not agree about the rest of it,
/// it is told and not written.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaintenanceRule {
    /// Its name: a template. Where it is empty, the host is in no window.
    pub name: String,
    /// When it begins, in RFC 3339 (`2026-03-01T22:00:00+01:00`) or in seconds since 1970: a template. Seconds are cut off, as Zabbix does.
    /// Where it is empty, the host is not in the window.
    pub since: String,
    /// When it is over, likewise. A window that is over is deleted.
    pub until: String,
    /// What is done: a template.
    #[serde(default)]
    pub description: String,
    /// Whether data is collected all the same.
    #[serde(default = "yes")]
    pub collect_data: bool,
    /// For which hosts; empty means all.
    #[serde(default)]
    pub when: String,
}

/// A way to authenticate.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Encryption {
    /// None.
    None,
    /// A key that both sides share.
    Psk {
        /// Its public name; the host's technical name when empty.
        #[serde(default)]
        identity: String,
        /// The key by reference: at least 32 hexadecimal digits, an even number.
        key: syncline_core::settings::SecretRef,
    },
    /// Certificates.
    Certificate {
        /// Who must have issued the agent's; anybody when empty.
        #[serde(default)]
        issuer: String,
        /// Whose it must be; anybody's when empty.
        #[serde(default)]
        subject: String,
    },
}

fn primary_ip() -> String {
    "{{ primary_ip }}".to_owned()
}

fn community() -> String {
    "{$SNMP_COMMUNITY}".to_owned()
}

fn yes() -> bool {
    true
}

fn max_repetitions() -> u16 {
    10
}

impl Default for Mapping {
    /// A host for each device, in a group for its site and one for its role, with tags that say where it comes from.
    fn default() -> Self {
        let group = |name: &str| GroupRule { name: name.to_owned(), when: String::new() };
        Self {
            origin: String::new(),
            virtual_chassis: VirtualChassisAs::Host,
            virtual_machines: false,
            when: String::new(),
            name: "{{ name }}".to_owned(),
            visible_name: "{{ name }}".to_owned(),
            description: String::new(),
            monitored: "status == 'active'".to_owned(),
            groups: vec![group("Sites/{{ site.name }}"), group("Roles/{{ role.name }}")],
            managed_groups: Vec::new(),
            graveyard: String::new(),
            templates: Vec::new(),
            managed_templates: Vec::new(),
            interfaces: Vec::new(),
            monitored_by: Vec::new(),
            tags: Vec::new(),
            macros: Vec::new(),
            inventory: InventoryRule::default(),
            encryption: Vec::new(),
            maintenances: Vec::new(),
        }
    }
}

impl Mapping {
    /// The group of hosts whose device is gone, if there is to be one.
    pub(crate) fn graveyard(&self) -> Option<Text> {
        Text::new(&self.graveyard)
    }

    /// Every text of the rules that speaks of facts.
    pub(crate) fn texts(&self) -> Vec<&str> {
        let mut texts = vec![&*self.when, &*self.name, &*self.visible_name, &*self.description, &*self.monitored];
        texts.extend(self.groups.iter().flat_map(|rule| [&*rule.name, &*rule.when]));
        texts.extend(self.templates.iter().flat_map(|rule| [&*rule.template, &*rule.when]));
        texts.extend(self.interfaces.iter().flat_map(|rule| [&*rule.address, &*rule.port, &*rule.when]));
        texts.extend(self.monitored_by.iter().flat_map(|rule| [&*rule.proxy, &*rule.proxy_group, &*rule.when]));
        texts.extend(self.tags.iter().flat_map(|rule| [&*rule.value, &*rule.when]));
        texts.extend(self.macros.iter().flat_map(|rule| [&*rule.value, &*rule.vault, &*rule.when]));
        texts.extend(self.inventory.fields.values().map(String::as_str));
        texts.extend(self.encryption.iter().map(|rule| &*rule.when));
        let windows = self.maintenances.iter();
        texts.extend(
            windows.flat_map(|rule| [&*rule.name, &*rule.since, &*rule.until, &*rule.description, &*rule.when]),
        );
        texts
    }
}

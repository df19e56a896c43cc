//! The shape of NetBox's data model as data: every simulated kind is a table of fields, and one piece of code
//! reads, writes, checks and filters all of them.

use super::kinds;
use crate::django::Choice;

/// The kinds of objects that the simulator keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `dcim/regions`.
    Region,
    /// `dcim/site-groups`.
    SiteGroup,
    /// `tenancy/tenant-groups`.
    TenantGroup,
    /// `tenancy/tenants`.
    Tenant,
    /// `extras/tags`.
    Tag,
    /// `extras/custom-fields`.
    CustomField,
    /// `dcim/sites`.
    Site,
    /// `dcim/manufacturers`.
    Manufacturer,
    /// `dcim/platforms`.
    Platform,
    /// `dcim/device-types`.
    DeviceType,
    /// `dcim/device-roles`.
    DeviceRole,
    /// `dcim/devices`.
    Device,
    /// `dcim/virtual-chassis`.
    VirtualChassis,
    /// `dcim/interfaces`.
    Interface,
    /// `dcim/mac-addresses`.
    MacAddress,
    /// `ipam/roles`: the function of a prefix or a VLAN.
    Role,
    /// `ipam/vlan-groups`.
    VlanGroup,
    /// `ipam/vlans`.
    Vlan,
    /// `ipam/vrfs`.
    Vrf,
    /// `ipam/prefixes`.
    Prefix,
    /// `ipam/ip-addresses`.
    IpAddress,
    /// `virtualization/cluster-types`.
    ClusterType,
    /// `virtualization/cluster-groups`.
    ClusterGroup,
    /// `virtualization/clusters`.
    Cluster,
    /// `virtualization/virtual-machines`.
    VirtualMachine,
    /// `virtualization/interfaces`: interfaces of virtual machines.
    VmInterface,
}

impl Kind {
    /// Every kind, in the order of [`Kind::index`].
    pub const ALL: [Self; 26] = [
        Self::Region,
        Self::SiteGroup,
        Self::TenantGroup,
        Self::Tenant,
        Self::Tag,
        Self::CustomField,
        Self::Site,
        Self::Manufacturer,
        Self::Platform,
        Self::DeviceType,
        Self::DeviceRole,
        Self::Device,
        Self::VirtualChassis,
        Self::Interface,
        Self::MacAddress,
        Self::Role,
        Self::VlanGroup,
        Self::Vlan,
        Self::Vrf,
        Self::Prefix,
        Self::IpAddress,
        Self::ClusterType,
        Self::ClusterGroup,
        Self::Cluster,
        Self::VirtualMachine,
        Self::VmInterface,
    ];

    /// Position in tables that hold one entry a kind.
    pub(super) const fn index(self) -> usize {
        self as usize
    }

    /// The table that describes this kind.
    pub(super) fn def(self) -> &'static KindDef {
        kinds::def(self)
    }

    /// Path below `/api/`, for example `dcim/mac-addresses`.
    pub fn path(self) -> String {
        let def = self.def();
        format!("{}/{}", def.app, def.endpoint)
    }

    /// NetBox's name of the model, for example `dcim.macaddress`.
    pub fn content_type(self) -> String {
        let def = self.def();
        format!("{}.{}", def.app, def.model)
    }

    /// The kind behind `app.model`, if it is simulated.
    pub fn from_content_type(name: &str) -> Option<Self> {
        let (app, model) = name.split_once('.')?;
        Self::ALL.into_iter().find(|kind| kind.def().app == app && kind.def().model == model)
    }

    /// The kind behind an endpoint such as `dcim` and `devices`.
    pub(super) fn from_path(app: &str, endpoint: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.def().app == app && kind.def().endpoint == endpoint)
    }
}

/// What the simulator knows of one kind.
pub(super) struct KindDef {
    pub app: &'static str,
    pub endpoint: &'static str,
    /// Lower-case model name as in `dcim.macaddress`.
    pub model: &'static str,
    /// Class name, as in `No MACAddress matches the given query.`
    pub class: &'static str,
    /// Name in sentences: `virtual chassis`, `VLAN`.
    pub verbose: &'static str,
    /// Stem of the GraphQL fields: `mac_address` for `mac_address_list`.
    pub graphql: &'static str,
    /// Fields in the order of NetBox's answers.
    pub fields: &'static [Field],
    /// What `brief=1` shows; a reference shows the same without the counts.
    pub brief: &'static [&'static str],
    /// What the short form of a reference shows (masters, parents, LAGs).
    pub short: &'static [&'static str],
    pub unique: &'static [Unique],
    /// What lists are ordered by.
    pub order: &'static [Order],
}

impl KindDef {
    /// Position of a field, by name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// Name in an error's first place: NetBox raises the first letter only.
    pub fn verbose_capital(&self) -> String {
        capital(self.verbose)
    }
}

/// The text with its first letter raised.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// One field of a kind.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub name: &'static str,
    pub ty: Type,
    /// Must be in the body of a POST or PUT.
    pub required: bool,
    /// `null` may be written.
    pub null: bool,
    pub default: Default,
    /// What a reference shows of its target.
    pub shows: Shows,
    /// Kept in an index, so that filters and references by this field do not scan.
    pub indexed: bool,
}

/// What a reference shows of its target.
#[derive(Clone, Copy)]
pub(super) enum Shows {
    /// The target's brief fields.
    Brief,
    /// The target's short fields.
    Short,
    /// These fields.
    Fields(&'static [&'static str]),
}

/// Value of a field that is not in the body.
#[derive(Clone, Copy)]
pub(super) enum Default {
    Null,
    Text(&'static str),
    Bool(bool),
    Int(i64),
    Decimal(f64),
}

/// What happens to an object when the target of its reference is deleted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OnDelete {
    /// The deletion is refused.
    Protect,
    /// The deletion is refused unless this object goes with it.
    Restrict,
    /// The reference is cleared, and that is a change of this object.
    SetNull,
    /// The reference is cleared without a trace (one-to-one references).
    SetNullQuietly,
    /// This object is deleted too.
    Cascade,
}

/// Type of a field.
#[derive(Clone, Copy)]
pub(super) enum Type {
    Text {
        max: usize,
        blank: bool,
    },
    Slug,
    Color,
    Int {
        min: i64,
        max: i64,
    },
    /// A number with this many places behind the point.
    Decimal {
        places: usize,
    },
    Bool,
    Choice {
        options: &'static [Choice],
        blank: bool,
    },
    Ref {
        to: Kind,
        on_delete: OnDelete,
    },
    Refs {
        to: Kind,
    },
    /// First half of a reference to one of several kinds: `dcim.interface`.
    Model {
        allowed: &'static [&'static str],
    },
    /// Second half of such a reference; the first half is the field `type_field`.
    ObjectId {
        type_field: &'static str,
    },
    /// Host address with mask.
    Address,
    /// Network with mask.
    Network,
    Mac,
    Json,
    /// List of content types.
    Models,
    Computed(Computed),
}

/// Fields that are made at the time of reading.
#[derive(Clone, Copy)]
pub(super) enum Computed {
    Id,
    Url,
    DisplayUrl,
    Display,
    CustomFields,
    Created,
    LastUpdated,
    Null,
    EmptyList,
    /// The context of an object. Only what is kept at the object itself goes into it: contexts of sites, roles and so on are
    /// not simulated.
    ConfigContext,
    False,
    Zero,
    /// Objects whose field refers to this one; a reference shows it as the [`Nested`] says.
    Count {
        kind: Kind,
        field: &'static str,
        nested: Nested,
    },
    /// Objects that carry this tag.
    TaggedItems,
    Family,
    /// The preferred one of the two primary addresses.
    PrimaryIp,
    /// MAC address text of the primary MAC address.
    PrimaryMacText,
    /// Objects whose generic reference or plain reference points here.
    Reverse {
        kind: Kind,
        field: &'static str,
        shows: Shows,
    },
    /// The object behind a content type and an id.
    Generic {
        id_field: &'static str,
    },
    /// Number of prefixes around a prefix.
    PrefixDepth,
    /// Number of prefixes inside a prefix.
    PrefixChildren,
    /// Steps from the root of a tree of parents.
    TreeDepth,
    /// Number of VLAN ids of a group.
    VlanIds,
    /// Ranges of a VLAN group.
    VidRanges,
    /// Share of a VLAN group's ids in use, as text.
    Utilization,
}

/// How a count shows in a reference.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Nested {
    /// Left out.
    Hidden,
    /// Always 0: NetBox counts it only in lists of the kind itself.
    Zero,
    /// As everywhere.
    Shown,
}

/// A set of fields whose values may occur once.
pub(super) struct Unique {
    pub parts: &'static [Part],
    /// Holds only for objects where this field is null.
    pub when_null: Option<&'static str>,
    pub error: UniqueError,
    /// Name of the database's constraint, for the error of two equal objects in one list.
    pub constraint: &'static str,
}

/// One component of a unique key.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// The value; null takes the object out of the constraint.
    Value(&'static str),
    /// The text in lower case; null takes the object out of the constraint.
    Lower(&'static str),
    /// The value; null is a value like others.
    OrNull(&'static str),
    /// The host part of an address.
    Host(&'static str),
}

impl Part {
    pub fn field(self) -> &'static str {
        match self {
            Self::Value(name) | Self::Lower(name) | Self::OrNull(name) | Self::Host(name) => name,
        }
    }
}

/// How a violation is reported.
#[derive(Clone, Copy)]
pub(super) enum UniqueError {
    /// At the field: `site with this name already exists.` with this name of the field.
    Field(&'static str),
    /// `Interface with this Device and Name already exists.` with these names.
    Together(&'static [&'static str]),
    /// These words.
    Words(&'static str),
    /// Only the database refuses, with an answer of 500.
    Database,
    /// An index only; the kind's own rules decide.
    Index,
}

/// One component of the order of lists.
#[derive(Clone, Copy)]
pub(super) enum Order {
    /// Text with its numbers compared as numbers.
    Natural(&'static str),
    /// Text by its characters.
    Plain(&'static str),
    /// Interface names: slots and positions first, as NetBox sorts them.
    InterfaceName(&'static str),
    /// Numbers.
    Number(&'static str),
    /// Addresses: family, address, mask.
    Address(&'static str),
    /// The order of the object referred to; null last, or first.
    Ref { field: &'static str, nulls_first: bool },
}

/// A writable field that may be left out; null is refused.
pub(super) const fn field(name: &'static str, ty: Type, default: Default) -> Field {
    Field { name, ty, required: false, null: false, default, shows: Shows::Brief, indexed: false }
}

/// A field that is made at the time of reading.
pub(super) const fn made(name: &'static str, how: Computed) -> Field {
    field(name, Type::Computed(how), Default::Null)
}

/// Optional text that is blank by default.
pub(super) const fn blank(name: &'static str, max: usize) -> Field {
    field(name, Type::Text { max, blank: true }, Default::Text(""))
}

/// A reference that may be null.
pub(super) const fn reference(name: &'static str, to: Kind, on_delete: OnDelete) -> Field {
    field(name, Type::Ref { to, on_delete }, Default::Null).nullable()
}

/// A choice that falls back to `default`.
pub(super) const fn status(name: &'static str, options: &'static [Choice], default: &'static str) -> Field {
    field(name, Type::Choice { options, blank: false }, Default::Text(default))
}

/// A choice that may be blank; a null that is written is kept as blank, unless the field is made nullable.
pub(super) const fn optional_choice(name: &'static str, options: &'static [Choice]) -> Field {
    field(name, Type::Choice { options, blank: true }, Default::Null)
}

/// A count of the objects that refer to this one.
pub(super) const fn count(name: &'static str, kind: Kind, field: &'static str) -> Field {
    made(name, Computed::Count { kind, field, nested: Nested::Hidden })
}

impl Field {
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub const fn nullable(mut self) -> Self {
        self.null = true;
        self
    }

    pub const fn indexed(mut self) -> Self {
        self.indexed = true;
        self
    }

    pub const fn showing(mut self, shows: Shows) -> Self {
        self.shows = shows;
        self
    }

    /// A reference that must be given and may not be null.
    pub const fn required_reference(mut self) -> Self {
        self.required = true;
        self.null = false;
        self
    }

    /// Whether bodies may set it.
    pub const fn writable(&self) -> bool {
        !matches!(self.ty, Type::Computed(_))
    }
}

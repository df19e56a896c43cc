//! The shape of Nautobot's data model as data: every kind is a table of fields, and one piece of code reads, writes,
//! checks and filters all of them.

use super::kinds;
use crate::django::Choice;

pub(super) use super::how::{Filter, How};

/// The kinds of objects that the simulator keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    Tag,
    Role,
    Status,
    TenantGroup,
    Tenant,
    LocationType,
    Location,
    Manufacturer,
    DeviceType,
    Platform,
    Namespace,
    Vrf,
    Vlan,
    VlanLocation,
    Prefix,
    PrefixLocation,
    VrfPrefix,
    VirtualChassis,
    Device,
    Interface,
    IpAddress,
    IpToInterface,
    ClusterType,
    ClusterGroup,
    Cluster,
    VirtualMachine,
}

impl Kind {
    /// Every kind, in the order of [`Kind::index`].
    pub const ALL: [Self; 26] = [
        Self::Tag,
        Self::Role,
        Self::Status,
        Self::TenantGroup,
        Self::Tenant,
        Self::LocationType,
        Self::Location,
        Self::Manufacturer,
        Self::DeviceType,
        Self::Platform,
        Self::Namespace,
        Self::Vrf,
        Self::Vlan,
        Self::VlanLocation,
        Self::Prefix,
        Self::PrefixLocation,
        Self::VrfPrefix,
        Self::VirtualChassis,
        Self::Device,
        Self::Interface,
        Self::IpAddress,
        Self::IpToInterface,
        Self::ClusterType,
        Self::ClusterGroup,
        Self::Cluster,
        Self::VirtualMachine,
    ];

    /// Position in tables that hold one entry a kind.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The table that describes this kind.
    pub fn def(self) -> &'static KindDef {
        kinds::def(self)
    }

    /// The kind behind a list such as `dcim/devices`.
    pub fn from_path(path: &str) -> Option<Self> {
        let path = path.trim_matches('/');
        Self::ALL.into_iter().find(|kind| kind.def().path == path)
    }

    /// Position of a stored field, by name.
    pub fn position(self, name: &str) -> Option<usize> {
        self.def().fields.iter().position(|field| field.name == name)
    }
}

/// What the simulator knows of one kind.
pub(super) struct KindDef {
    /// The list below `/api/`: `dcim/devices`.
    pub path: &'static str,
    /// `dcim.device`.
    pub model: &'static str,
    /// Class name, as in `No Device matches the given query.`
    pub class: &'static str,
    /// Name in sentences: `virtual chassis`, `VLAN`.
    pub verbose: &'static str,
    /// GraphQL's field for one object and for the list.
    pub graphql: (&'static str, &'static str),
    /// GraphQL's name of the type.
    pub type_name: &'static str,
    /// What is stored.
    pub fields: &'static [Field],
    /// What may be written besides, and is stored elsewhere.
    pub inputs: &'static [Field],
    /// What is made at the time of reading.
    pub extras: &'static [Extra],
    pub unique: &'static [Unique],
    /// What lists are ordered by.
    pub order: &'static [Order],
    pub filters: &'static [Filter],
    /// Whether it has times, custom fields and a change log; links between two objects have not.
    pub primary: bool,
}

/// One stored field.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub name: &'static str,
    /// Name in sentences, where it is not the name with blanks for underscores.
    pub label: &'static str,
    pub ty: Type,
    /// Must be in the body of a POST.
    pub required: bool,
    /// `null` may be written.
    pub null: bool,
    pub default: Default,
    /// Whether bodies may set it.
    pub writable: bool,
    /// The first version that has it, as major times 100 plus minor.
    pub since: u32,
}

/// Value of a field that is not in the body.
#[derive(Clone, Copy)]
pub(super) enum Default {
    Null,
    Text(&'static str),
    Bool(bool),
    Int(i64),
    Empty,
    /// The namespace `Global`.
    GlobalNamespace,
}

/// What happens to an object when the target of its reference is deleted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OnDelete {
    /// The deletion is refused.
    Protect,
    /// The reference is cleared without a trace.
    SetNull,
    /// This object is deleted too.
    Cascade,
}

/// Type of a field.
#[derive(Clone, Copy)]
pub(super) enum Type {
    /// Text; 0 is no limit.
    Text {
        max: usize,
        blank: bool,
    },
    Color,
    Int {
        min: i64,
        max: i64,
    },
    /// A number kept as text, with this many digits in all and behind the point.
    Decimal {
        digits: usize,
        places: usize,
    },
    Bool,
    /// Written as value, answered as value and label.
    Choice {
        options: &'static [Choice],
        blank: bool,
    },
    /// Written and answered as value.
    PlainChoice {
        options: &'static [Choice],
    },
    Ref {
        to: Kind,
        on_delete: OnDelete,
    },
    Refs {
        to: Kind,
    },
    /// Content types.
    Models {
        allowed: &'static [&'static str],
    },
    Mac,
    Network,
    Address,
    TimeZone,
    /// A name in the domain name system.
    Dns,
    Json,
}

/// Where REST shows something that is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    No,
    Yes,
    /// Not within another object.
    Top,
    /// In answers to writes only.
    Written,
    /// A count, which is not made for an object that was just created.
    Count,
    /// Many objects, which are shown with `exclude_m2m=false` only.
    Many,
}

/// One thing that is made at the time of reading.
#[derive(Clone, Copy)]
pub(super) struct Extra {
    pub name: &'static str,
    pub made: Made,
    pub rest: Rest,
    /// GraphQL's type, where GraphQL has it.
    pub graphql: Option<&'static str>,
    pub since: u32,
}

/// How it is made.
#[derive(Clone, Copy)]
pub(super) enum Made {
    Null,
    EmptyObject,
    /// Null in REST, blank in GraphQL.
    NoImage,
    /// An object that is not simulated; always null.
    NoObject,
    /// Objects that are not simulated; always none.
    NoObjects,
    Zero,
    /// How many objects carry this tag.
    TaggedItems,
    /// How many objects refer to this one.
    Count {
        kind: Kind,
        field: &'static str,
    },
    /// The objects that refer to this one.
    Reverse {
        kind: Kind,
        field: &'static str,
    },
    /// The one object that refers to this one.
    ReverseOne {
        kind: Kind,
        field: &'static str,
    },
    /// The objects on the other side of a link.
    Through {
        link: Kind,
        here: &'static str,
        there: &'static str,
        to: Kind,
    },
    /// The first of them.
    ThroughFirst {
        link: Kind,
        here: &'static str,
        there: &'static str,
        to: Kind,
    },
    /// The first of a stored list.
    First {
        field: &'static str,
        to: Kind,
    },
    /// The address of a network, without its length.
    Host,
    Length,
    Version,
    Broadcast,
    PrimaryIp,
}

/// A set of fields whose values may occur once, or an index of them.
pub(super) struct Unique {
    pub parts: &'static [Part],
    pub error: UniqueError,
    /// Name of the database's constraint, for two equal objects in one list.
    pub constraint: &'static str,
}

/// One component of a unique key.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// The value; null takes the object out of the constraint.
    Value(&'static str),
    /// The value; null is a value like others.
    OrNull(&'static str),
    /// An address without its mask.
    Host(&'static str),
}

impl Part {
    pub fn field(self) -> &'static str {
        match self {
            Self::Value(name) | Self::OrNull(name) | Self::Host(name) => name,
        }
    }
}

/// How a violation is reported.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum UniqueError {
    /// At the field: `tag with this name already exists.`
    Field,
    /// `The fields manufacturer, model must make a unique set.`
    Set,
    /// The same where the body has all of the fields, else these words.
    SetOrWords(&'static str),
    /// The model's own sentence: `Prefix with this Namespace, Network and Prefix length already exists.`
    Words(&'static str),
    /// An index only; the kind's own rules decide.
    Index,
}

/// One component of the order of lists. Nothing comes last.
#[derive(Clone, Copy)]
pub(super) enum Order {
    /// Text by its characters.
    Text(&'static str),
    /// Text with its numbers compared as numbers.
    Natural(&'static str),
    /// Interface names: slots and positions first.
    InterfaceName(&'static str),
    Number(&'static str),
    /// The id of the object referred to.
    Id(&'static str),
    /// The order of the object referred to.
    Ref(&'static str),
    /// Family, address, mask.
    Net(&'static str),
    /// When it was created.
    Created,
}

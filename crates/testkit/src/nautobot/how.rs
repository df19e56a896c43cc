//! How the filters of lists choose.

use super::schema::Kind;

/// A filter: an argument of GraphQL's lists and of REST's.
#[derive(Clone, Copy)]
pub(super) struct Filter {
    pub name: &'static str,
    pub how: How,
}

/// How a filter chooses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Id,
    Text(&'static str),
    Int(&'static str),
    Bool(&'static str),
    Choice(&'static str),
    Names(&'static str),
    Mac(&'static str),
    /// By id or name of the object referred to.
    Ref(&'static str),
    /// By id only.
    RefId(&'static str),
    /// By id or name of a place, with all places below.
    Tree(&'static str),
    /// Any of a stored list, by id or name.
    Any(&'static str),
    /// By id or name of an object on the other side of a link.
    Through {
        link: Kind,
        here: &'static str,
        there: &'static str,
    },
    /// As `Through`, with all places below.
    ThroughTree {
        link: Kind,
        here: &'static str,
        there: &'static str,
    },
    /// By id or name of an object that the referred one refers to.
    Of {
        field: &'static str,
        then: &'static str,
    },
    /// By id or name of the device whose interfaces have the address; an unknown one has none.
    DeviceOfAddress,
    /// By id or name of a group with the groups below, of the object's tenant.
    TenantGroup,
    /// Exactly this network.
    Network,
    /// Networks within one of these.
    Within {
        itself: bool,
    },
    /// Networks that hold this.
    Contains,
    /// This address, with or without its mask.
    Address,
    /// Addresses in this network.
    InNetwork,
    MaskLength,
    Version,
}

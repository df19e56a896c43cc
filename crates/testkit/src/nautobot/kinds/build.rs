//! Short ways to write the tables.

use crate::nautobot::schema::{
    Default, Extra, Field, Filter, How, Kind, Made, OnDelete, Part, Rest, Type, Unique, UniqueError,
};

/// Longest name and description.
pub(super) const MAX: usize = 255;

const fn field(name: &'static str, ty: Type, default: Default) -> Field {
    Field { name, label: "", ty, required: false, null: false, default, writable: true, since: 0 }
}

/// Text that must be given and may not be blank.
pub(super) const fn name(name: &'static str) -> Field {
    Field { required: true, ..field(name, Type::Text { max: MAX, blank: false }, Default::Null) }
}

/// Text that may be blank, up to the usual length.
pub(super) const fn text(name: &'static str) -> Field {
    field(name, Type::Text { max: MAX, blank: true }, Default::Text(""))
}

/// Text without limit.
pub(super) const fn long(name: &'static str) -> Field {
    field(name, Type::Text { max: 0, blank: true }, Default::Text(""))
}

/// Text that may be null.
pub(super) const fn null_text(name: &'static str, max: usize) -> Field {
    Field { null: true, ..field(name, Type::Text { max, blank: true }, Default::Null) }
}

/// A field of any type that may be left out, and is null then.
pub(super) const fn optional(name: &'static str, ty: Type) -> Field {
    Field { null: true, ..field(name, ty, Default::Null) }
}

/// A field of any type with a default.
pub(super) const fn defaults(name: &'static str, ty: Type, default: Default) -> Field {
    field(name, ty, default)
}

/// A number that may be null.
pub(super) const fn number(name: &'static str, min: i64, max: i64) -> Field {
    optional(name, Type::Int { min, max })
}

/// A yes or no.
pub(super) const fn flag(name: &'static str, default: bool) -> Field {
    field(name, Type::Bool, Default::Bool(default))
}

/// A reference that may be null.
pub(super) const fn reference(name: &'static str, to: Kind, on_delete: OnDelete) -> Field {
    optional(name, Type::Ref { to, on_delete })
}

/// A reference that must be given.
pub(super) const fn needs(name: &'static str, to: Kind, on_delete: OnDelete) -> Field {
    Field { required: true, null: false, ..reference(name, to, on_delete) }
}

/// The tags.
pub(super) const TAGS: Field = many("tags", Kind::Tag);

/// References to many objects.
pub(super) const fn many(name: &'static str, to: Kind) -> Field {
    field(name, Type::Refs { to }, Default::Empty)
}

/// The content types that it is for.
pub(super) const fn models(allowed: &'static [&'static str], required: bool) -> Field {
    Field { required, ..field("content_types", Type::Models { allowed }, Default::Empty) }
}

impl Field {
    pub(super) const fn required(self) -> Self {
        Self { required: true, null: false, ..self }
    }

    pub(super) const fn labelled(self, label: &'static str) -> Self {
        Self { label, ..self }
    }

    pub(super) const fn read_only(self) -> Self {
        Self { writable: false, ..self }
    }

    pub(super) const fn since(self, since: u32) -> Self {
        Self { since, ..self }
    }
}

impl Extra {
    pub(super) const fn since(self, since: u32) -> Self {
        Self { since, ..self }
    }
}

/// Something that is made, for both.
pub(super) const fn made(name: &'static str, made: Made, rest: Rest, graphql: &'static str) -> Extra {
    Extra { name, made, rest, graphql: Some(graphql), since: 0 }
}

/// Something that is made, for REST alone.
pub(super) const fn rest(name: &'static str, made: Made) -> Extra {
    Extra { name, made, rest: Rest::Yes, graphql: None, since: 0 }
}

/// A count, for REST alone.
pub(super) const fn count(name: &'static str, kind: Kind, field: &'static str) -> Extra {
    Extra { name, made: Made::Count { kind, field }, rest: Rest::Count, graphql: None, since: 0 }
}

/// A count of what is not simulated.
pub(super) const fn no_count(name: &'static str) -> Extra {
    Extra { name, made: Made::Zero, rest: Rest::Count, graphql: None, since: 0 }
}

/// The objects that refer to this one, for GraphQL alone.
pub(super) const fn reverse(name: &'static str, kind: Kind, field: &'static str) -> Extra {
    Extra { name, made: Made::Reverse { kind, field }, rest: Rest::No, graphql: Some("[]"), since: 0 }
}

/// An object that is not simulated, for both.
pub(super) const fn absent(name: &'static str, graphql: &'static str) -> Extra {
    made(name, Made::NoObject, Rest::Yes, graphql)
}

/// One field that may occur once.
pub(super) const fn once(parts: &'static [Part], constraint: &'static str) -> Unique {
    Unique { parts, error: UniqueError::Field, constraint }
}

/// Fields that may occur once together.
pub(super) const fn set(parts: &'static [Part], constraint: &'static str) -> Unique {
    Unique { parts, error: UniqueError::Set, constraint }
}

/// An index of one field.
pub(super) const fn index(parts: &'static [Part]) -> Unique {
    Unique { parts, error: UniqueError::Index, constraint: "" }
}

/// A filter.
pub(super) const fn by(name: &'static str, how: How) -> Filter {
    Filter { name, how }
}

//! The types of GraphQL and their fields, made of the tables of the kinds.

use serde_json::{Value as Json, json};

use crate::nautobot::filter;
use crate::nautobot::kinds::others;
use crate::nautobot::log;
use crate::nautobot::schema::{Extra, Field, How, Kind, Made, Type};

/// What a field leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Scalar,
    Kind(Kind),
    /// An entry of the change log.
    Change,
    /// A content type.
    Model,
    /// A type that is not simulated: always null, or none. Whatever is asked of it is fine.
    Absent,
}

/// One field of a type.
#[derive(Clone)]
pub(super) struct Member {
    pub shape: Shape,
    pub list: bool,
    /// GraphQL's name of the type: `[DeviceType]`, `String!`.
    pub ty: String,
    pub source: Source,
}

/// Where the content comes from.
#[derive(Clone, Copy)]
pub(super) enum Source {
    Typename,
    Id,
    Created,
    Updated,
    CustomFields,
    Url,
    /// A stored field, by position.
    Stored(usize),
    Extra(&'static Extra),
    /// A field of the change log or of a content type, by name.
    Named(&'static str),
    /// A field that leads to nothing.
    Nothing,
}

const CHANGE: &[(&str, &str, Shape)] = &[
    ("id", "UUID!", Shape::Scalar),
    ("time", "DateTime!", Shape::Scalar),
    ("user_name", "String!", Shape::Scalar),
    ("request_id", "UUID!", Shape::Scalar),
    ("action", "ExtrasObjectChangeActionChoices!", Shape::Scalar),
    ("changed_object_type", "ContentTypeType", Shape::Model),
    ("changed_object_id", "UUID!", Shape::Scalar),
    ("change_context", "ExtrasObjectChangeChangeContextChoices!", Shape::Scalar),
    ("change_context_detail", "String!", Shape::Scalar),
    ("related_object_type", "ContentTypeType", Shape::Model),
    ("related_object_id", "UUID", Shape::Scalar),
    ("object_repr", "String!", Shape::Scalar),
    ("object_data", "GenericScalar", Shape::Scalar),
    ("object_data_v2", "GenericScalar", Shape::Scalar),
    ("url", "String", Shape::Scalar),
];

const MODEL: &[(&str, &str, Shape)] =
    &[("id", "ID!", Shape::Scalar), ("app_label", "String!", Shape::Scalar), ("model", "String!", Shape::Scalar)];

/// Fields that every kind has, or every primary one.
const COMMON: &[(&str, &str, Source, bool)] = &[
    ("id", "UUID!", Source::Id, false),
    ("created", "DateTime", Source::Created, true),
    ("last_updated", "DateTime", Source::Updated, true),
    ("_custom_field_data", "GenericScalar", Source::CustomFields, true),
    ("url", "String", Source::Url, false),
];

/// The name of a type.
pub(super) fn type_name(shape: Shape) -> &'static str {
    match shape {
        Shape::Kind(kind) => kind.def().type_name,
        Shape::Change => "ObjectChangeType",
        Shape::Model => "ContentTypeType",
        Shape::Scalar | Shape::Absent => "",
    }
}

fn shape_of(type_name: &str) -> Option<Shape> {
    match type_name {
        "ObjectChangeType" => Some(Shape::Change),
        "ContentTypeType" => Some(Shape::Model),
        // `LocationType` and `LocationTypeType` are different kinds, and no two kinds have the same name of a type but
        // for the ones that Nautobot calls alike.
        name => Kind::ALL.into_iter().find(|kind| kind.def().type_name == name).map(Shape::Kind),
    }
}

/// Every field of a type.
pub(super) fn members(shape: Shape, version: u32) -> Vec<(&'static str, Member)> {
    let mut members = Vec::new();
    match shape {
        Shape::Scalar | Shape::Absent => {}
        Shape::Change => members.extend(CHANGE.iter().map(named)),
        Shape::Model => members.extend(MODEL.iter().map(named)),
        Shape::Kind(kind) => {
            let def = kind.def();
            for (name, ty, source, primary) in COMMON {
                if def.primary || !primary {
                    members.push((*name, scalar(ty, *source)));
                }
            }
            let stored = def.fields.iter().enumerate().filter(|(_, field)| field.since <= version);
            members.extend(stored.map(|(at, field)| (field.name, stored_member(at, field))));
            let extras = def.extras.iter().filter(|extra| extra.since <= version);
            members.extend(extras.filter_map(|extra| extra_member(extra).map(|member| (extra.name, member))));
            members.extend(others(kind).map(|(name, ty)| (*name, nothing(ty))));
        }
    }
    members
}

/// One field of a type.
pub(super) fn member(shape: Shape, name: &str, version: u32) -> Option<Member> {
    if name == "__typename" {
        return Some(scalar("String!", Source::Typename));
    }
    members(shape, version).into_iter().find(|(known, _)| *known == name).map(|(_, member)| member)
}

fn scalar(ty: &str, source: Source) -> Member {
    Member { shape: Shape::Scalar, list: false, ty: ty.to_owned(), source }
}

fn named((name, ty, shape): &(&'static str, &'static str, Shape)) -> (&'static str, Member) {
    (*name, Member { shape: *shape, ..scalar(ty, Source::Named(name)) })
}

fn stored_member(at: usize, field: &Field) -> Member {
    let source = Source::Stored(at);
    let to = |kind: Kind, list: bool| {
        let name = kind.def().type_name;
        let ty = if list { format!("[{name}]") } else { name.to_owned() };
        Member { shape: Shape::Kind(kind), list, ty, source }
    };
    match field.ty {
        Type::Ref { to: kind, .. } => to(kind, false),
        Type::Refs { to: kind } => to(kind, true),
        Type::Models { .. } => Member { shape: Shape::Model, list: true, ty: "[ContentTypeType]".to_owned(), source },
        Type::Int { .. } if field.null => scalar(if field.name == "asn" { "BigInt" } else { "Int" }, source),
        Type::Int { .. } => scalar("Int!", source),
        Type::Bool => scalar("Boolean!", source),
        Type::Decimal { .. } => scalar("Decimal", source),
        Type::Json => scalar("GenericScalar", source),
        Type::Choice { blank: false, .. } | Type::PlainChoice { .. } => scalar("Choices!", source),
        Type::Choice { .. } | Type::TimeZone => scalar("Choices", source),
        Type::Mac | Type::Network | Type::Address => scalar("String", source),
        _ if field.null => scalar("String", source),
        _ => scalar("String!", source),
    }
}

fn nothing(ty: &str) -> Member {
    let member = scalar(ty, Source::Nothing);
    match ty.strip_prefix('[') {
        Some(_) => Member { shape: Shape::Absent, list: true, ..member },
        None if ty.ends_with("Type") || ty.ends_with("Types") => Member { shape: Shape::Absent, ..member },
        None => member,
    }
}

fn extra_member(extra: &'static Extra) -> Option<Member> {
    let ty = extra.graphql.filter(|ty| !ty.is_empty())?;
    let source = Source::Extra(extra);
    let one =
        |kind: Kind| Member { shape: Shape::Kind(kind), list: false, ty: kind.def().type_name.to_owned(), source };
    let list = |kind: Kind| Member { list: true, ty: format!("[{}]", kind.def().type_name), ..one(kind) };
    Some(match extra.made {
        Made::Reverse { kind, .. } => list(kind),
        Made::Through { to, .. } => list(to),
        Made::ThroughFirst { to, .. } | Made::First { to, .. } => one(to),
        Made::ReverseOne { kind, .. } => one(kind),
        Made::PrimaryIp => one(Kind::IpAddress),
        Made::NoObject => Member { shape: Shape::Absent, ..scalar(ty, source) },
        Made::NoObjects => Member { shape: Shape::Absent, list: true, ..scalar(ty, source) },
        _ => scalar(ty, source),
    })
}

/// What a top-level field gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Root {
    List(Shape),
    One(Kind),
}

/// The top-level field of this name. Where one object and the list are called alike, it is the list.
pub(super) fn root(name: &str) -> Option<Root> {
    if name == "object_changes" {
        return Some(Root::List(Shape::Change));
    }
    let list = Kind::ALL.into_iter().find(|kind| kind.def().graphql.1 == name);
    let one = || Kind::ALL.into_iter().find(|kind| kind.def().graphql.0 == name);
    list.map(|kind| Root::List(Shape::Kind(kind))).or_else(|| one().map(Root::One))
}

/// The names of all top-level fields.
pub(super) fn roots() -> Vec<String> {
    let names = Kind::ALL.into_iter().flat_map(|kind| [kind.def().graphql.0, kind.def().graphql.1]);
    names.chain(["object_changes"]).map(str::to_owned).collect()
}

/// What an argument takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Int,
    Bool,
    Text,
    Ints,
    Texts,
}

/// The arguments of a list.
pub(super) fn arguments(shape: Shape, version: u32) -> Vec<(String, Takes)> {
    let mut arguments = vec![("limit".to_owned(), Takes::Int), ("offset".to_owned(), Takes::Int)];
    match shape {
        Shape::Change => {
            let takes = |name: &str| if name == "changed_object_type" { Takes::Text } else { Takes::Texts };
            arguments.extend(log::FILTERS.iter().map(|name| ((*name).to_owned(), takes(name))));
        }
        Shape::Kind(kind) => {
            arguments.push(("id".to_owned(), Takes::Texts));
            for filter in kind.def().filters {
                let takes = match filter.how {
                    How::Int(_) | How::MaskLength => Takes::Ints,
                    How::Bool(_) => Takes::Bool,
                    How::Version => Takes::Int,
                    _ => Takes::Texts,
                };
                arguments.push((filter.name.to_owned(), takes));
                arguments.push((format!("{}__n", filter.name), takes));
                arguments.push((format!("{}__isnull", filter.name), Takes::Bool));
            }
            for stem in ["created", "last_updated"] {
                arguments.push((stem.to_owned(), Takes::Texts));
                arguments.extend(["gte", "lte", "gt", "lt"].map(|end| (format!("{stem}__{end}"), Takes::Texts)));
            }
            arguments
                .retain(|(name, _)| matches!(name.as_str(), "limit" | "offset") || filter::takes(kind, name, version));
        }
        _ => {}
    }
    arguments
}

/// What `__type` answers for a name: the fields and their types.
pub(super) fn describe(name: &str, version: u32) -> Json {
    let field = |name: &str, ty: &str| json!({"name": name, "type": describe_type(ty), "args": []});
    if name == "Query" {
        let fields: Vec<Json> = roots()
            .iter()
            .filter_map(|name| root(name).map(|root| (name, root)))
            .map(|(name, root)| match root {
                Root::One(kind) => json!({
                    "name": name,
                    "type": describe_type(kind.def().type_name),
                    "args": [{"name": "id", "type": describe_type("ID")}],
                }),
                Root::List(shape) => {
                    let arguments = arguments(shape, version).into_iter().map(|(name, takes)| {
                        let ty = match takes {
                            Takes::Int => "Int",
                            Takes::Bool => "Boolean",
                            Takes::Text => "String",
                            Takes::Ints => "[Int]",
                            Takes::Texts => "[String]",
                        };
                        json!({"name": name, "type": describe_type(ty)})
                    });
                    json!({
                        "name": name,
                        "type": describe_type(&format!("[{}]", type_name(shape))),
                        "args": arguments.collect::<Json>(),
                    })
                }
            })
            .collect();
        return json!({"name": "Query", "kind": "OBJECT", "fields": fields});
    }
    // `ClusterType` is the type of clusters and `DeviceType` the one of devices, as Nautobot names them.
    let Some(shape) = shape_of(name) else { return Json::Null };
    let fields: Vec<Json> = members(shape, version).iter().map(|(name, member)| field(name, &member.ty)).collect();
    json!({"name": name, "kind": "OBJECT", "fields": fields})
}

fn describe_type(ty: &str) -> Json {
    if let Some(inner) = ty.strip_suffix('!') {
        return json!({"kind": "NON_NULL", "name": null, "ofType": describe_type(inner)});
    }
    if let Some(inner) = ty.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        return json!({"kind": "LIST", "name": null, "ofType": describe_type(inner)});
    }
    let kind = if ty.ends_with("Type") { "OBJECT" } else { "SCALAR" };
    json!({"kind": kind, "name": ty, "ofType": null})
}

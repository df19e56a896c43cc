//! What a model's author wrote.

use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::spanned::Spanned as _;
use syn::{Attribute, Data, DeriveInput, Error, Expr, Fields, Ident, LitStr, Path, Result, Token, Type};

pub struct Model {
    pub ident: Ident,
    /// `ip_address` for `IpAddress`.
    pub name: String,
    pub label: LitStr,
    pub plural: LitStr,
    pub deletion: Ident,
    pub description: String,
    pub fields: Vec<Field>,
    /// Positions of the fields of each alternate key.
    pub alternates: Vec<Vec<usize>>,
    /// Positions of the fields of each identity.
    pub identities: Vec<Vec<usize>>,
    /// The models that are written first although no field refers to them.
    pub after: Vec<LitStr>,
}

pub struct Field {
    pub ident: Ident,
    /// The identifier without `r#`.
    pub name: String,
    pub r#type: Type,
    pub description: String,
    pub key: Option<KeyPart>,
    pub preserve: bool,
    pub deferred: bool,
    pub exact: bool,
}

/// How a field enters the key.
pub enum KeyPart {
    /// As it is.
    Value,
    /// Through a function that takes the field by reference.
    Through(Path),
}

impl Model {
    pub fn parse(input: &DeriveInput) -> Result<Self> {
        let Data::Struct(data) = &input.data else {
            return Err(Error::new(input.span(), "a model is a struct"));
        };
        let Fields::Named(named) = &data.fields else {
            return Err(Error::new(input.span(), "a model has named fields"));
        };
        let fields = named.named.iter().map(Field::parse).collect::<Result<Vec<_>>>()?;
        if !fields.iter().any(|field| field.key.is_some()) {
            return Err(Error::new(input.ident.span(), "a model needs a key: mark its fields with `#[model(key)]`"));
        }
        if fields.len() > 64 {
            return Err(Error::new(input.ident.span(), "a model has at most 64 fields"));
        }

        let (mut label, mut plural, mut deletion) = (None, None, None);
        let mut alternates: Vec<Vec<usize>> = Vec::new();
        let mut identities: Vec<Vec<usize>> = Vec::new();
        let mut after = Vec::new();
        for attribute in model_attributes(&input.attrs) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("label") {
                    label = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("plural") {
                    plural = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("deletion") {
                    deletion = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("after") {
                    after.push(meta.value()?.parse()?);
                } else if meta.path.is_ident("alternate") || meta.path.is_ident("identity") {
                    let content;
                    syn::parenthesized!(content in meta.input);
                    let names =
                        content.parse_terminated(|stream: ParseStream<'_>| stream.parse::<Ident>(), Token![,])?;
                    let positions = names.iter().map(|name| position(&fields, name)).collect::<Result<_>>()?;
                    let is_alternate = meta.path.is_ident("alternate");
                    let list = if is_alternate { &mut alternates } else { &mut identities };
                    list.push(positions);
                } else {
                    return Err(
                        meta.error("known are `label`, `plural`, `deletion`, `after`, `alternate` and `identity`")
                    );
                }
                Ok(())
            })?;
        }
        let missing = |what: &str| {
            Error::new(input.ident.span(), format!("a model needs `#[model({what})]`; see `syncline_model::Model`"))
        };
        Ok(Self {
            name: snake_case(&input.ident.to_string()),
            ident: input.ident.clone(),
            label: label.ok_or_else(|| missing("label = \"…\""))?,
            plural: plural.ok_or_else(|| missing("plural = \"…\""))?,
            deletion: deletion.ok_or_else(|| missing("deletion = Part | Standalone | Shared | Passing"))?,
            description: first_paragraph(&input.attrs),
            fields,
            alternates,
            identities,
            after,
        })
    }
}

impl Field {
    fn parse(field: &syn::Field) -> Result<Self> {
        let ident = field.ident.clone().ok_or_else(|| Error::new(field.span(), "a model has named fields"))?;
        let (mut key, mut preserve, mut deferred, mut exact) = (None, false, false, false);
        for attribute in model_attributes(&field.attrs) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("key") {
                    let through = meta.input.peek(Token![=]);
                    key = Some(if through { KeyPart::Through(meta.value()?.parse()?) } else { KeyPart::Value });
                } else if meta.path.is_ident("preserve") {
                    preserve = true;
                } else if meta.path.is_ident("deferred") {
                    deferred = true;
                } else if meta.path.is_ident("exact") {
                    exact = true;
                } else {
                    return Err(meta.error("known are `key`, `key = path`, `preserve`, `deferred` and `exact`"));
                }
                Ok(())
            })?;
        }
        let description = first_paragraph(&field.attrs);
        if description.is_empty() {
            return Err(Error::new(ident.span(), "document the field: people read it as its description"));
        }
        Ok(Self {
            name: ident.unraw().to_string(),
            r#type: field.ty.clone(),
            ident,
            description,
            key,
            preserve,
            deferred,
            exact,
        })
    }
}

fn model_attributes(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("model"))
}

fn position(fields: &[Field], name: &Ident) -> Result<usize> {
    let found = fields.iter().position(|field| field.ident == *name);
    found.ok_or_else(|| Error::new(name.span(), format!("there is no field `{name}`")))
}

/// The documentation up to its first blank line, on one line.
fn first_paragraph(attributes: &[Attribute]) -> String {
    let mut lines = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        let Ok(meta) = attribute.meta.require_name_value() else { continue };
        let Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &meta.value else { continue };
        let text = text.value();
        if text.trim().is_empty() {
            break;
        }
        lines.push(text.trim().to_owned());
    }
    lines.join(" ")
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (position, c) in name.chars().enumerate() {
        if c.is_uppercase() && position > 0 {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

//! The code that the derive writes.

use proc_macro2::TokenStream;
use quote::quote;

use crate::input::{Field, KeyPart, Model};

pub fn model(model: &Model) -> TokenStream {
    let Model { ident, name, label, plural, deletion, description, alternates, identities, after, .. } = model;
    let fields = model.fields.iter().map(field_schema);
    let alternates = alternates.iter().map(|positions| quote!(&[#(#positions),*]));
    let identities = identities.iter().map(|positions| quote!(&[#(#positions),*]));
    let key_of = key_of(model);
    let key_parts = model.fields.iter().filter_map(|field| {
        let name = &field.ident;
        key_part(field, &quote!(&self.#name))
    });
    let key_parts = separated(key_parts);
    let written = model.fields.iter().enumerate().map(|(position, field)| written_field(position, field));
    let filled = model.fields.iter().enumerate().map(|(position, field)| {
        let name = &field.ident;
        quote! {
            if !::syncline_model::Canonical::is_null(&self.#name) {
                filled = filled.with(#position);
            }
        }
    });

    quote! {
        #key_of

        #[automatically_derived]
        impl ::syncline_model::Model for #ident {
            const NAME: &'static str = #name;

            const SCHEMA: &'static ::syncline_model::ModelSchema = &::syncline_model::ModelSchema {
                name: #name,
                label: #label,
                plural: #plural,
                description: #description,
                deletion: ::syncline_model::DeletionClass::#deletion,
                fields: &[#(#fields),*],
                alternates: &[#(#alternates),*],
                identities: &[#(#identities),*],
                after: &[#(#after),*],
            };

            fn key(&self) -> ::syncline_model::Key<Self> {
                let mut out = ::std::vec::Vec::with_capacity(64);
                ::syncline_model::Model::write_key(self, &mut out);
                ::syncline_model::Key::from_canonical_bytes(&out)
            }

            fn write_key(&self, out: &mut ::std::vec::Vec<u8>) {
                out.push(b'[');
                #key_parts
                out.push(b']');
            }

            fn write_fields(&self, fields: ::syncline_model::FieldSet, out: &mut ::std::vec::Vec<u8>) {
                let start = out.len();
                #(#written)*
                if out.len() == start {
                    out.push(b'{');
                }
                out.push(b'}');
            }

            fn filled(&self) -> ::syncline_model::FieldSet {
                let mut filled = ::syncline_model::FieldSet::EMPTY;
                #(#filled)*
                filled
            }
        }
    }
}

fn field_schema(field: &Field) -> TokenStream {
    let Field { name, r#type, description, key, preserve, deferred, exact, .. } = field;
    let key_from_json = match key {
        Some(KeyPart::Through(function)) => quote! {
            |value, out| {
                let value = <#r#type as ::syncline_model::FieldType>::from_json(value)?;
                let part = #function(&value);
                ::syncline_model::Canonical::write(&part, out);
                Ok(!::syncline_model::Canonical::is_null(&part))
            }
        },
        Some(KeyPart::Value) | None => quote!(::syncline_model::read_json::<#r#type>),
    };
    let key = key.is_some();
    quote! {
        ::syncline_model::FieldSchema {
            name: #name,
            description: #description,
            kind: <#r#type as ::syncline_model::FieldType>::KIND,
            nullable: <#r#type as ::syncline_model::FieldType>::NULLABLE,
            key: #key,
            preserve: #preserve,
            deferred: #deferred,
            exact: #exact,
            from_json: ::syncline_model::read_json::<#r#type>,
            key_from_json: #key_from_json,
        }
    }
}

/// The function that makes a key, hence a reference, from the key's fields alone.
fn key_of(model: &Model) -> TokenStream {
    let ident = &model.ident;
    let documentation = format!("The key of the {} with these fields.", model.label.value());
    let keys: Vec<_> = model.fields.iter().filter(|field| field.key.is_some()).collect();
    let parameters = keys.iter().map(|field| {
        let (name, r#type) = (&field.ident, &field.r#type);
        quote!(#name: &#r#type)
    });
    let parts = separated(keys.iter().filter_map(|field| {
        let name = &field.ident;
        key_part(field, &quote!(#name))
    }));
    quote! {
        impl #ident {
            #[doc = #documentation]
            pub fn key_of(#(#parameters),*) -> ::syncline_model::Key<Self> {
                let mut out = ::std::vec::Vec::with_capacity(64);
                let out = &mut out;
                out.push(b'[');
                #parts
                out.push(b']');
                ::syncline_model::Key::from_canonical_bytes(out)
            }
        }
    }
}

fn key_part(field: &Field, value: &TokenStream) -> Option<TokenStream> {
    Some(match field.key.as_ref()? {
        KeyPart::Value => quote!(::syncline_model::Canonical::write(#value, out);),
        KeyPart::Through(function) => quote!(::syncline_model::Canonical::write(&#function(#value), out);),
    })
}

/// The statements with a comma written between each two.
fn separated(parts: impl Iterator<Item = TokenStream>) -> TokenStream {
    let mut all = TokenStream::new();
    for (position, part) in parts.enumerate() {
        if position > 0 {
            all.extend(quote!(out.push(b',');));
        }
        all.extend(part);
    }
    all
}

fn written_field(position: usize, field: &Field) -> TokenStream {
    let ident = &field.ident;
    let present = if field.preserve {
        quote!(fields.contains(#position) && !::syncline_model::Canonical::is_null(&self.#ident))
    } else {
        quote!(fields.contains(#position))
    };
    let label = format!("\"{}\":", field.name);
    let label = proc_macro2::Literal::byte_string(label.as_bytes());
    quote! {
        if #present {
            out.push(if out.len() == start { b'{' } else { b',' });
            out.extend_from_slice(#label);
            ::syncline_model::Canonical::write(&self.#ident, out);
        }
    }
}

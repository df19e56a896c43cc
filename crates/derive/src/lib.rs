//! `#[derive(Model)]`.
//!
//! See `syncline_model::Model` for what it makes. On the struct, `#[model(label = "…", plural = "…", deletion = …)]` is
//! required and `after = "model"`, `alternate(field, …)` and `identity(field, …)` may be repeated; on a field, `#[model(key)]`, `#[model(key = path::to::function)]`,
//! `#[model(preserve)]`, `#[model(deferred)]` or `#[model(exact)]`. Documentation comments become the descriptions that people see.

mod input;
mod output;

use proc_macro::TokenStream;

/// Makes a struct a model: its schema, its key, and its canonical form.
#[proc_macro_derive(Model, attributes(model))]
pub fn derive_model(input: TokenStream) -> TokenStream {
    let derived = syn::parse(input).and_then(|input| input::Model::parse(&input)).map(|model| output::model(&model));
    derived.unwrap_or_else(|error| error.to_compile_error()).into()
}

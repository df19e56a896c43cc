//! `host.*`.

mod check;
mod get;
mod mass;
mod write;

pub(super) use get::{get, show, show_tags};
pub(super) use mass::{mass_add, mass_remove, mass_update};
pub(super) use write::{create, delete, update};

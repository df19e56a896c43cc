//! How things look to a person. Pure: from data to text.

pub mod access;
pub mod connector;
pub mod drift;
pub mod finding;
pub mod ignore;
pub mod number;
pub mod plan;
pub mod quarantine;
pub mod rejected;
pub mod report;
pub mod states;
pub mod table;

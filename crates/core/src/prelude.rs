//! What a connector is written with: `use syncline_core::prelude::*;`.

pub use async_trait::async_trait;
pub use serde_json::Value;

pub use crate::bindings::Bindings;
pub use crate::change::{Action, Change, FieldChange};
pub use crate::connector::{ConnectContext, ConnectSource, ConnectTarget, Connector};
pub use crate::describe::{CheckReport, ConfigItem, DataMapping, Icon, ObjectLink};
pub use crate::fields::ModelFields;
pub use crate::native::Native;
pub use crate::outcome::Outcome;
pub use crate::permit::WritePermit;
pub use crate::read::{KeysById, ReadRequest, Referred, by_offset};
pub use crate::settings::{NoSettings, Problem};
pub use crate::side::{AsSource, AsTarget, Role, Side};
pub use crate::snapshot::{ModelSink, NoRecord, Snapshot, SnapshotSink};
pub use crate::source::{Absence, DataSource};
pub use crate::target::lists::{self, List};
pub use crate::target::{
    Batch, BatchError, Capabilities, DataTarget, Item, Items, Pass, Release, TargetWriter, Writing, Written,
};
pub use crate::{Error, ErrorKind, Result, register_connector};

/// A JSON object: a record as an interface tells it.
pub type Object = serde_json::Map<String, Value>;

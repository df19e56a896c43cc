//! Taking a run back: what the target had before the run, as far as nobody has touched it since.
//!
//! The comparison that makes the plan is the ordinary one, of the target's snapshot with another one. That other one is made
//! here: the target's snapshot itself, with the changes of the run taken back record by record, in one merge of two sorted
//! streams. What cannot be taken back stays as it is, and says why in the plan.

mod changes;
mod former;
mod names;
mod notes;

pub use changes::{Changes, Collected};
pub use former::Former;
pub use notes::Annotated;

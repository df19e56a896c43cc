//! Plans for people: Markdown for the comment of a merge request, HTML for everybody else.
//!
//! Both are written piece by piece while the plan is read, so that a plan of a million changes needs no more memory than
//! one of a hundred. The plan is read twice: once to count, because a heading stands before what it counts, once to write.
//!
//! - [`group`]: the parts of a plan that stand together, counted.
//! - [`pick`]: which changes stand for the others when not everything is shown.
//! - [`row`]: one change with its values as texts. What a new kind of fact about a change looks like is decided there.
//! - [`words`]: what causes, rules and purposes are called, and what a person can do about a change that is held back.
//! - [`markdown`], [`html`]: how both look. Every text from outside passes through their escaping. Another format is another
//!   [`Page`]: the terminal's is in the command line.
//!
//! Nothing here knows where the text goes.

mod group;
mod html;
mod markdown;
mod page;
mod pick;
mod row;
mod text;
pub mod words;

#[cfg(test)]
mod schema_tests;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use syncline_core::plan::PlanReader;

pub use group::{Counts, Group, GroupKind, Outline, ambiguous};
pub use page::{Page, write};
pub use pick::{FieldSet, LeftOut, Limits, Says};
pub use row::{ChangeRow, FieldRow, HoldRow};
pub use text::{clean, count, parts};

/// How much of a plan is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Enough to judge it: some changes of a kind stand for the others, and long values are cut. Of bounded size.
    Short,
    /// Every change with every value.
    Full,
}

/// Why a plan was not written.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The plan cannot be read.
    #[error(transparent)]
    Plan(#[from] syncline_core::Error),
    /// What was written is not taken.
    #[error("cannot write the document")]
    Output(#[from] io::Error),
}

/// The size that short Markdown stays below, in bytes: what the comments of a merge request hold.
pub const MARKDOWN_BYTES: u64 = 65_536;

/// Writes a plan as Markdown with GitHub's tables, for the comment of a merge request. Values cannot break a table, bring
/// HTML along or call people. Short, it is smaller than [`MARKDOWN_BYTES`].
pub fn markdown(plan: &PlanReader, extent: Extent, out: &mut dyn Write) -> Result<(), RenderError> {
    write(plan, extent, &markdown::LIMITS, &mut markdown::Markdown, out)
}

/// Writes a plan as one HTML file that needs nothing else: no script, no font, no network; light and dark.
pub fn html(plan: &PlanReader, extent: Extent, out: &mut dyn Write) -> Result<(), RenderError> {
    write(plan, extent, &html::LIMITS, &mut html::Html, out)
}

//! Writing a plan, piece by piece, in whatever format.

use std::io::{self, Write};

use syncline_core::plan::PlanReader;

use crate::group::{Group, Outline};
use crate::pick::{LeftOut, Limits, Picker, Says};
use crate::row::ChangeRow;
use crate::{Extent, RenderError};

/// A format.
pub trait Page {
    /// Writes what stands before the changes.
    fn begin(&mut self, plan: &Outline<'_>, out: &mut dyn Write) -> io::Result<()>;

    /// Begins a group, the `number`th one.
    fn begin_group(&mut self, number: usize, group: &Group, out: &mut dyn Write) -> io::Result<()>;

    /// Writes a change.
    fn change(&mut self, change: &ChangeRow, out: &mut dyn Write) -> io::Result<()>;

    /// Writes, behind a group's changes, what is not shown of it.
    fn left_out(&mut self, left_out: &LeftOut, out: &mut dyn Write) -> io::Result<()>;

    /// Ends the changes of a group; what is left out follows.
    fn end_changes(&mut self, out: &mut dyn Write) -> io::Result<()>;

    /// Ends a group.
    fn end_group(&mut self, out: &mut dyn Write) -> io::Result<()>;

    /// Writes a group of which nothing is shown any more.
    fn only_counted(&mut self, number: usize, group: &Group, out: &mut dyn Write) -> io::Result<()>;

    /// Writes what stands behind the changes.
    fn end(&mut self, plan: &Outline<'_>, out: &mut dyn Write) -> io::Result<()>;
}

/// Writes a plan; `limits` are those of [`Extent::Short`].
pub fn write(
    plan: &PlanReader,
    extent: Extent,
    limits: &Limits,
    page: &mut dyn Page,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let limits = match extent {
        Extent::Short => limits,
        Extent::Full => &Limits::NONE,
    };
    let outline = Outline::of(plan)?;
    let mut out = Counted { out, written: 0 };
    page.begin(&outline, &mut out)?;
    let mut changes = plan.changes()?;
    for (number, group) in outline.groups.iter().enumerate() {
        if !out.has_room(limits) {
            page.only_counted(number, group, &mut out)?;
            continue;
        }
        page.begin_group(number, group, &mut out)?;
        let mut picker = Picker::new(limits);
        for change in changes.by_ref().take(usize::try_from(group.counts.all()).unwrap_or(usize::MAX)) {
            if let Some(row) = picker.pick(&change?, out.has_room(limits)) {
                page.change(&row, &mut out)?;
            }
        }
        page.end_changes(&mut out)?;
        let (particular, mut others) = picker.left_out();
        for left_out in particular {
            if out.has_room(limits) {
                page.left_out(&left_out, &mut out)?;
            } else {
                others.join(left_out.counts);
            }
        }
        if others.all() > 0 {
            page.left_out(&LeftOut { counts: others, says: Says::Nothing }, &mut out)?;
        }
        page.end_group(&mut out)?;
    }
    page.end(&outline, &mut out)?;
    out.flush()?;
    Ok(())
}

/// Counts what is written.
struct Counted<'a> {
    out: &'a mut dyn Write,
    written: u64,
}

impl Counted<'_> {
    /// Whether more may be shown. There is no way back: what is written stays.
    fn has_room(&self, limits: &Limits) -> bool {
        limits.bytes.is_none_or(|bytes| self.written < bytes)
    }
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

//! Writing formatted text behind a string.

use std::fmt::{Arguments, Write as _};

/// Appends formatted text.
pub(super) fn push(out: &mut String, text: Arguments<'_>) {
    out.write_fmt(text).expect("a string takes any text");
}

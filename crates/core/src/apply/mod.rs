//! Applying a plan.

use crate::Result;
use crate::target::TargetWriter;

/// What an apply works with.
pub struct ApplyContext<'a> {
    private: std::marker::PhantomData<&'a ()>,
}

/// What an apply did.
#[derive(Debug, Clone, Default)]
pub struct Applied {}

/// Applies a plan with a writer.
pub async fn execute<W: TargetWriter + ?Sized>(writer: &W, context: &mut ApplyContext<'_>) -> Result<Applied> {
    let _ = (writer, &context.private);
    Ok(Applied {})
}

//! K15: what is not proven has a reason.

use super::{Proof, Shown};
use crate::check::Check;
use crate::lab::Lab;

pub fn have_reasons(lab: &dyn Lab) -> Shown {
    let skips = lab.skips();
    for (position, skip) in skips.iter().enumerate() {
        if skip.reason.trim().split(' ').count() < 3 {
            return Err(format!(
                "{} is skipped without a reason: say in a sentence why it cannot be proven",
                skip.check
            )
            .into());
        }
        if skip.check == Check::Skips {
            return Err("that skips have reasons is proven by the lab alone".into());
        }
        if skips[..position].iter().any(|other| other.check == skip.check) {
            return Err(format!("{} is skipped twice", skip.check).into());
        }
    }
    let ids: Vec<_> = skips.iter().map(|skip| skip.check.id()).collect();
    Ok(Proof::Shown(if ids.is_empty() {
        "the lab skips nothing".to_owned()
    } else {
        format!("skipped with a reason: {}", ids.join(", "))
    }))
}

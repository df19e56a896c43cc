//! The symbol of a system, as its connector gives it.

use askama::Template;
use askama::filters::HtmlSafe;
use syncline_core::describe::Icon;

/// What a system without a symbol of its own has: a box.
const PLAIN: Icon = Icon::path("M4 7.5L12 3l8 4.5v9L12 21l-8-4.5zM4 7.5l8 4.5l8-4.5M12 12v9");

/// The symbol of a system. Decoration: its name stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Template)]
#[template(
    ext = "html",
    source = r#"<svg class="icon system" viewBox="0 0 24 24" aria-hidden="true"><path d="{{ self.0.data() }}"/></svg>"#
)]
pub struct SystemIcon(Icon);

impl HtmlSafe for SystemIcon {}

impl SystemIcon {
    /// That of a connector.
    pub fn of(icon: Option<Icon>) -> Self {
        Self(icon.unwrap_or(PLAIN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_symbol_is_a_box() {
        let own = Icon::path("M4 12h16");
        assert!(SystemIcon::of(Some(own)).to_string().contains(r#"<path d="M4 12h16"/>"#));
        assert_eq!(SystemIcon::of(None), SystemIcon(PLAIN));
    }
}

//! Looking for a text in columns.

use sea_orm::sea_query::extension::postgres::PgExpr;
use sea_orm::sea_query::{Expr, ExprTrait, LikeExpr};
use sea_orm::{Condition, DbBackend};

/// A text that is looked for, wherever in a column it stands. Letters from A to Z match in either case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wording<'a>(pub(super) &'a str);

impl Wording<'_> {
    /// The rows in which one of some columns has the text, and those in which one of some columns of JSON has it.
    pub(super) fn within(&self, backend: DbBackend, plain: &[&'static str], json: &[&'static str]) -> Condition {
        let Self(text) = self;
        // Quotation marks and the like stand in JSON as it writes them.
        let quoted = serde_json::Value::from(*text).to_string();
        let quoted = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        let columns = plain.iter().map(|column| (column, *text)).chain(json.iter().map(|column| (column, quoted)));
        columns.fold(Condition::any(), |any, (column, text)| {
            let pattern = LikeExpr::new(pattern(text));
            any.add(match backend {
                // The backslash is what it takes anyway, and here nothing else may be said of it.
                DbBackend::Postgres => Expr::col(*column).ilike(pattern),
                // Here it is all the same in which case a letter is.
                _ => Expr::col(*column).like(pattern.escape('\\')),
            })
        })
    }
}

/// What a database takes for "has this text in it".
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_to_a_database_is_a_text_like_others() {
        assert_eq!(pattern(r"50%_a\b"), r"%50\%\_a\\b%");
    }
}

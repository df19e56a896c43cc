//! The style, the script and the icon. Their names have the hash of their content, so that a browser may keep them for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::PageProblem;

/// A file that pages refer to.
struct Asset {
    kind: &'static str,
    content: &'static str,
    name: String,
}

static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::of("style", "css", "text/css; charset=utf-8", include_str!("../../assets/style.css")));
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::of("script", "js", "text/javascript; charset=utf-8", include_str!("../../assets/script.js"))
});
/// Browsers ask for one at a path of their own, and find a login there, when a page names none.
static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::of("icon", "svg", "image/svg+xml", include_str!("../../assets/icon.svg")));

impl Asset {
    fn of(stem: &str, ending: &str, kind: &'static str, content: &'static str) -> Self {
        let hash = blake3::hash(content.as_bytes()).to_hex();
        Self { kind, content, name: format!("{stem}-{}.{ending}", &hash[..16]) }
    }
}

/// The path of the style sheet.
pub fn style() -> String {
    format!("/assets/{}", STYLE.name)
}

/// The path of the script.
pub fn script() -> String {
    format!("/assets/{}", SCRIPT.name)
}

/// The path of the icon.
pub fn icon() -> String {
    format!("/assets/{}", ICON.name)
}

/// `GET /assets/{name}`.
pub async fn asset(Path(name): Path<String>) -> Result<Response, PageProblem> {
    let asset = [&*STYLE, &*SCRIPT, &*ICON].into_iter().find(|asset| asset.name == name);
    let asset = asset.ok_or_else(|| {
        PageProblem::not_found("There is no such file: this version has another one. Load the page again.")
    })?;
    let headers = [(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, asset.content).into_response())
}

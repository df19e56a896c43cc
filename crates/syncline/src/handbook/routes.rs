//! The table of the API's routes is made of the routes.

use std::fmt::Write as _;

use syncline_web::routes::endpoints;

use super::holds;

#[test]
fn the_api_has_its_table_of_routes() {
    let mut text = "\n| method | path | what it does | who may |\n|---|---|---|---|\n".to_owned();
    for endpoint in endpoints() {
        let role = match endpoint.access {
            Some(access) => access.role.as_str(),
            None if endpoint.is_signed => "whoever has the sync's secret",
            None => "anybody",
        };
        let _ = writeln!(text, "| `{}` | `{}` | {} | {role} |", endpoint.method, endpoint.path, endpoint.summary);
    }
    holds("api-routes.md", &text);
}

//! Both sides prove themselves over a simulated shelf.

mod lab;

use syncline_connector_shelf as _;

syncline_conformance::conformance!(lab::ShelfLab { connector: "shelf", parameters: serde_json::json!({}), skips: &[] });

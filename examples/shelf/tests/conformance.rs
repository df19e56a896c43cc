//! Both sides prove themselves over a simulated shelf, or a real one: `CONFORMANCE_SHELF_URL` and `CONFORMANCE_SHELF_TOKEN`.

mod lab;

use syncline_connector_shelf as _;

syncline_conformance::conformance!(lab::ShelfLab);

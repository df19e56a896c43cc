//! NetBox as a data source and a data target.

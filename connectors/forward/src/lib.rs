//! Forward Enterprise as a data source.

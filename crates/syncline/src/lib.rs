//! The host: wiring, configuration and the command line.

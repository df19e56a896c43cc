//! The connector against the simulated server: whole reads, and everything that can go wrong on the way.

mod check;
mod faults;
mod reading;
mod scope;
mod support;

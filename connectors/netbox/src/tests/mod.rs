//! Whole exchanges: against recorded answers, against the simulator, and against a real NetBox when there is one.

mod branches;
mod dependants;
mod exchanges;
mod faults;
mod real;
mod scenario;
mod support;
mod virtualization;

//! Whole exchanges: against recorded answers, against the simulator, and against a real NetBox when there is one.

mod real;
mod support;

//! Whole syncs from a simulated NetBox to a simulated Zabbix, or to the real one that the environment names.

mod budget;
mod foresee;
mod lab;
mod lessons;
mod machines;
mod odd;
mod pickers;
mod rate;
mod retirement;
mod scenario;
mod undone;
mod windows;

//! Whole syncs from a simulated NetBox to a simulated Zabbix, or to the real one that the environment names.

mod budget;
mod foresee;
mod lab;
mod lessons;
mod pickers;
mod scenario;

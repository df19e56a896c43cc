//! Simulated systems over real HTTP, the estate generator, fault injection.

pub mod estate;
pub mod fault_proxy;
pub mod forward;
pub mod netbox;
pub mod postgres;

//! Simulated systems over real HTTP, the estate generator, fault injection.

//! #[derive(Model)] and #[derive(Choices)].

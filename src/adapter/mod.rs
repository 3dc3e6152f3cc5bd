//! The drivers: thin, and using nothing of the core that a user could not.

pub mod blocking;

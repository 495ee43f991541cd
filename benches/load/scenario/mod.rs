//! What is measured. Each scenario has its figures as a type that the file of results keeps.

pub(crate) mod compare;
pub(crate) mod growth;
pub(crate) mod latency;
pub(crate) mod skew;
pub(crate) mod soak;
pub(crate) mod standby;
pub(crate) mod unbound;

//! Checks of this machine's setup for building and serving.
//!
//! *Invariant:* checks change nothing: they leave no files, install nothing and do not use the network.
mod check;
#[cfg(unix)]
mod data;
mod durability;
mod examination;
#[cfg(unix)]
mod filesystem;
mod machine;
mod storage;
mod toolchain;

pub(crate) use examination::Examination;

//! Checks of this machine's setup for building and serving.
//!
//! *Invariant:* checks change nothing: they leave no files, install nothing and do not use the network.
mod check;
mod examination;
mod machine;
mod storage;
mod toolchain;

pub(crate) use examination::Examination;

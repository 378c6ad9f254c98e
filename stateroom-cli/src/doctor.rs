//! What is checked of a machine, and what is found.
//!
//! *Invariant:* nothing is changed by it: not a file is left, nothing is installed, no network is asked.
mod check;
mod examination;
mod machine;
mod storage;
mod toolchain;

pub(crate) use examination::Examination;

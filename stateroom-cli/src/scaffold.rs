//! Creating service crates from templates.
//!
//! Most templates are the examples of the repository: their sources are links to them, so that the templates are tested. In the
//! templates, the name of the example stands for that of the new crate.
//!
//! Cargo decides which workspace and which repository a crate belongs to, as for `cargo new`.
//!
//! *Invariant:* existing files are never overwritten.
mod args;
mod name;
mod source;
mod template;
mod undo;
mod workspace;
mod write;

pub(crate) use self::{
    args::{ScaffoldArgs, missing_argument, with_templates},
    name::CrateName,
};

//! From a template to a crate that builds, tests and serves at once.
//!
//! Most templates are the repository's own examples: their sources are links to these, so that what is handed out is what is
//! tested. In them, the name of the example stands for that of the new crate.
//!
//! *Invariant:* nothing that is there already is written over.
mod args;
mod name;
mod source;
mod template;
mod write;

pub(crate) use self::{
    args::{ScaffoldArgs, missing, with_templates},
    name::CrateName,
};

//! The verbs, a file each: a struct of what the verb can be told, which runs with that.
//!
//! *Invariant:* no verb knows another one, nor the command line it is part of.
mod bench;
mod build;
mod completions;
mod config;
mod dev;
mod doctor;
mod init;
mod inspect;
mod man;
mod new;
mod serve;

pub(crate) use self::{
    bench::BenchCommand, build::BuildCommand, completions::CompletionsCommand, config::ConfigCommand, dev::DevCommand,
    doctor::DoctorCommand, init::InitCommand, inspect::InspectCommand, man::ManCommand, new::NewCommand,
    serve::ServeCommand,
};

//! The commands, one file each: a struct with the arguments, which has a method `run`.
//!
//! *Invariant:* no command depends on another one, nor on the command line that it is part of.
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

#![doc = include_str!("../README.md")]

mod block_on;
mod compiler;
mod config;
mod demangle;
mod display;
mod effects;
mod engine;
pub mod environment;
mod error;
mod factory;
mod guest_log;
mod host;
mod imports;
mod instance;
mod limits;
mod loader;
mod memory;
mod module;
mod state;
#[cfg(feature = "testing")]
pub mod testing;
mod violation;

pub use compiler::CompilerProcess;
pub use config::WasmHostConfig;
pub use error::WasmHostError;
pub use factory::WasmHostFactory;
pub use host::WasmHost;
pub use imports::offers_import;
pub use module::{compile_as_process, durability};
/// The reason why the rooms of a module cannot be durable.
pub use stateroom::durable::NotDurable;
pub use stateroom_memory::MemoryBudget;
/// The version of wasmtime whose types are part of this crate's public interface.
pub use wasmtime;

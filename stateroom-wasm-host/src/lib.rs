#![doc = include_str!("../README.md")]

mod block_on;
mod config;
mod engine;
pub mod environment;
mod error;
mod factory;
mod host;
mod imports;
mod instance;
mod limits;
mod memory;
mod module;
mod output;
#[cfg(feature = "testing")]
pub mod testing;
mod violation;

pub use config::WasmHostConfig;
pub use error::WasmHostError;
pub use factory::WasmHostFactory;
pub use host::WasmHost;
pub use imports::offers_import;
/// The version of wasmtime whose types are part of this interface.
pub use wasmtime;

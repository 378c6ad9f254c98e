//! The attribute of [`stateroom-wasm`](https://docs.rs/stateroom-wasm), which re-exports it: use it through that crate.
//!
//! *Invariant:* what the attribute adds only forwards. Whatever a guest does is written in `stateroom-wasm`.
#![forbid(unsafe_code)]

mod expand;

use proc_macro::TokenStream;

/// Makes a WebAssembly module of a service.
///
/// Goes above a struct, an enum or a type alias without parameters, whose type implements `StateroomService` and
/// `Default`. A crate can have one. Each room is an instance of the module, and begins with the type's default.
///
/// On targets other than `wasm32` it only checks the type, so that a service's tests run natively.
#[proc_macro_attribute]
pub fn stateroom_wasm(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(arguments.into(), item.into()).into()
}

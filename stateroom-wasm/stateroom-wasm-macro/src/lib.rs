//! The attribute of [`stateroom-wasm`](https://docs.rs/stateroom-wasm), which re-exports it: use it through that crate.
//!
//! *Invariant:* the generated code only forwards. The behavior of a guest is implemented in `stateroom-wasm`.
#![forbid(unsafe_code)]

mod arguments;
mod expand;

use proc_macro::TokenStream;

/// Exports a service from a WebAssembly module.
///
/// It applies to a struct, an enum or a type alias without generic parameters, of a type that implements `StateroomService`
/// and `Default`, once per crate. Each room is an instance of the module and starts with the type's default.
///
/// ```
/// use stateroom_wasm::*;
///
/// #[stateroom_wasm]
/// #[derive(Default)]
/// struct Counter {
///     value: i32,
/// }
///
/// impl StateroomService for Counter {
///     fn message(&mut self, _: ClientId, message: MessagePayload, context: &impl StateroomContext) {
///         if message.text() == Some("increment") {
///             self.value += 1;
///             context.send_message(MessageRecipient::Broadcast, format!("new value: {}", self.value));
///         }
///     }
/// }
/// ```
///
/// A generic service takes an alias: `#[stateroom_wasm] type Service = Game<Chess>;`.
///
/// The crate may have another name, as a dependency `rooms = { package = "stateroom-wasm", .. }` or in a re-export. Where the
/// compiler does not find it nevertheless, for example if the attribute is written by a macro, name it:
/// `#[stateroom_wasm(crate = rooms)]`.
///
/// On targets other than `wasm32` it only checks the type, so that a service's tests run natively.
#[proc_macro_attribute]
pub fn stateroom_wasm(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(arguments.into(), item.into()).into()
}

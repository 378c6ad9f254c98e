//! The expansion of the attribute.
//!
//! *Invariant:* the item is unchanged, and followed by an error or by the exports.
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Error, Generics, Item, Path, Result};

use crate::arguments::{Arguments, attribute_path};

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let added = match syn::parse2(arguments).and_then(|arguments| Ok((arguments, service(item.clone())?))) {
        Ok((Arguments { path }, service)) => exports(&service, &path.unwrap_or_else(attribute_path)),
        Err(error) => error.into_compile_error(),
    };
    quote!(#item #added)
}

/// Returns the name of the type to export.
fn service(item: TokenStream) -> Result<Ident> {
    match syn::parse2(item)? {
        Item::Struct(item) => concrete(item.ident, item.generics),
        Item::Enum(item) => concrete(item.ident, item.generics),
        Item::Type(item) => concrete(item.ident, item.generics),
        Item::Union(item) => {
            Err(Error::new_spanned(item.union_token, "a union cannot be a service: use a struct or an enum"))
        }
        Item::Impl(item) => {
            let help =
                "an `impl` block cannot be a service: apply `#[stateroom_wasm]` to the struct, enum or type alias";
            Err(Error::new_spanned(item.impl_token, help))
        }
        Item::Fn(item) => Err(not_a_type(item.sig.fn_token, "a function")),
        Item::Trait(item) => Err(not_a_type(item.trait_token, "a trait")),
        Item::Mod(item) => Err(not_a_type(item.mod_token, "a module")),
        item => Err(not_a_type(item, "this item")),
    }
}

/// Returns the item's name if it has no generic parameters: a module's exports are those of one type.
fn concrete(name: Ident, generics: Generics) -> Result<Ident> {
    if generics.params.is_empty() {
        return Ok(name);
    }
    let help = format!(
        "a module exports one concrete type: remove the generic parameters, or apply the attribute to a type alias \
         such as `type Concrete = {name}<..>;`"
    );
    Err(Error::new_spanned(generics, help))
}

fn not_a_type(at: impl quote::ToTokens, what: &str) -> Error {
    let help = format!(
        "{what} cannot be a service: apply the attribute to the struct, enum or type alias that implements `StateroomService`"
    );
    Error::new_spanned(at, help)
}

fn exports(service: &Ident, path: &Path) -> TokenStream {
    let guest = quote!(#path::__guest);
    // The compiler reports a type that is not a service at the name of that type.
    let at_name = Span::call_site().located_at(service.span());
    let mut path = path.clone();
    path.segments
        .iter_mut()
        .for_each(|segment| segment.ident.set_span(segment.ident.span().located_at(service.span())));
    let of_service = quote_spanned!(at_name=> #path::__guest::Guest<#service>);
    quote! {
        const _: () = {
            // On every target, so that native builds and editors report a type that is not a service.
            #[allow(dead_code)]
            static GUEST: #of_service = #guest::Guest::new();

            #[cfg(target_arch = "wasm32")]
            const _: () = {
                // The export of a static is its address, at which the host finds the number.
                #[unsafe(no_mangle)]
                static STATEROOM_API_VERSION: i32 = #guest::API_VERSION;

                #[unsafe(no_mangle)]
                static STATEROOM_API_PROTOCOL: i32 = #guest::API_PROTOCOL;

                #[unsafe(no_mangle)]
                static STATEROOM_EFFECTS: #guest::Effects = #guest::Effects::new();

                #[unsafe(no_mangle)]
                extern "C" fn _initialize() {
                    #guest::initialize()
                }

                #[unsafe(no_mangle)]
                extern "C" fn stateroom_malloc(length: u32) -> *mut u8 {
                    #guest::malloc(length)
                }

                // SAFETY, of these four: the host passes memory that `stateroom_malloc` returned.
                #[unsafe(no_mangle)]
                unsafe extern "C" fn stateroom_free(pointer: *mut u8, length: u32) {
                    unsafe { #guest::free(pointer, length) }
                }

                #[unsafe(no_mangle)]
                unsafe extern "C" fn stateroom_hello(pointer: *const u8, length: u32) -> u64 {
                    unsafe { #guest::hello(&GUEST, pointer, length) }
                }

                #[unsafe(no_mangle)]
                unsafe extern "C" fn stateroom_recv(pointer: *const u8, length: u32) {
                    unsafe { #guest::recv(&GUEST, pointer, length) }
                }

                #[unsafe(no_mangle)]
                unsafe extern "C" fn stateroom_batch(pointer: *const u8, length: u32) {
                    unsafe { #guest::batch(&GUEST, &STATEROOM_EFFECTS, pointer, length) }
                }
            };
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the name found in an item, or the first error.
    fn name(item: TokenStream) -> std::result::Result<String, String> {
        service(item).map(|name| name.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn accepts_structs_enums_and_aliases_with_any_attributes() {
        assert_eq!(
            name(quote!(
                pub struct Unit;
            ))
            .unwrap(),
            "Unit"
        );
        assert_eq!(
            name(quote!(
                struct Tuple(u32, String);
            ))
            .unwrap(),
            "Tuple"
        );
        assert_eq!(
            name(quote!(
                #[derive(Default)]
                pub(crate) struct Fields {
                    value: u32,
                }
            ))
            .unwrap(),
            "Fields"
        );
        assert_eq!(
            name(quote!(
                /** A comment. */
                enum Choice {
                    #[default]
                    One,
                    Two(u8),
                }
            ))
            .unwrap(),
            "Choice"
        );
        assert_eq!(
            name(quote!(
                type Alias = some::Service<u32>;
            ))
            .unwrap(),
            "Alias"
        );
        assert_eq!(
            name(quote!(
                struct Raw
                where
                    u32: Copy;
            ))
            .unwrap(),
            "Raw"
        );
    }

    #[test]
    fn rejects_generic_parameters_of_every_kind() {
        for item in [
            quote!(
                struct S<T>(T);
            ),
            quote!(
                struct S<'a>(&'a str);
            ),
            quote!(
                struct S<const N: usize>;
            ),
            quote!(
                enum S<T> {
                    One(T),
                }
            ),
            quote!(
                type S<T> = Vec<T>;
            ),
        ] {
            assert!(name(item).unwrap_err().contains("such as `type Concrete = S<..>;`"));
        }
    }

    #[test]
    fn rejects_other_items_by_their_kind() {
        for (item, what) in [
            (quote!(union U { a: u32, b: f32 }), "a union"),
            (quote!(impl StateroomService for S {}), "an `impl` block"),
            (
                quote!(
                    fn service() {}
                ),
                "a function",
            ),
            (
                quote!(
                    trait Service {}
                ),
                "a trait",
            ),
            (
                quote!(
                    mod service {}
                ),
                "a module",
            ),
            (
                quote!(
                    static SERVICE: u32 = 0;
                ),
                "this item",
            ),
            (
                quote!(
                    use a::Service;
                ),
                "this item",
            ),
        ] {
            assert!(name(item).unwrap_err().starts_with(what));
        }
    }

    #[test]
    fn the_item_is_unchanged_and_comes_first() {
        for item in [
            quote!(
                struct S {
                    value: u32,
                }
            ),
            quote!(
                struct S<T>(T);
            ),
        ] {
            assert!(expand(TokenStream::new(), item.clone()).to_string().starts_with(&item.to_string()));
        }
    }

    #[test]
    fn generates_each_export_once() {
        let code = expand(
            TokenStream::new(),
            quote!(
                struct S;
            ),
        )
        .to_string();
        for export in [
            "static STATEROOM_API_VERSION : i32",
            "static STATEROOM_API_PROTOCOL : i32",
            "fn _initialize ()",
            "fn stateroom_malloc (",
            "fn stateroom_free (",
            "fn stateroom_hello (",
            "fn stateroom_recv (",
            "static STATEROOM_EFFECTS :",
            "fn stateroom_batch (",
        ] {
            assert_eq!(code.matches(export).count(), 1, "{export}");
        }
    }
}

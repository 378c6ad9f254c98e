//! The arguments of the attribute, and the path by which the exports refer to `stateroom-wasm`.
//!
//! *Invariant:* by default, it is the path of the attribute itself, as the user has written it. `stateroom-wasm` exports itself
//! under the attribute's name, so what imports one imports the other, under whichever name.
use proc_macro2::{Ident, Span, TokenStream};
use syn::{
    Attribute, Error, LitStr, Path, Result, Token,
    parse::{Parse, ParseStream, Parser},
};

/// The arguments of the attribute.
pub(crate) struct Arguments {
    /// The path of `stateroom-wasm`.
    pub(crate) path: Option<Path>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.is_empty() {
            return Ok(Arguments { path: None });
        }
        if !input.peek(Token![crate]) {
            let help =
                "`#[stateroom_wasm]` takes no argument but `crate = PATH`: rooms are configured in `stateroom.toml`";
            return Err(Error::new_spanned(input.parse::<TokenStream>()?, help));
        }
        input.parse::<Token![crate]>()?;
        input.parse::<Token![=]>()?;
        let help = "expected the path of the crate `stateroom-wasm`, such as `crate = rooms`";
        // serde has its path in a string, others have not.
        let path =
            if input.peek(LitStr) { input.parse::<LitStr>()?.parse() } else { input.call(Path::parse_mod_style) };
        let path = path.map_err(|error| Error::new(error.span(), help))?;
        input.parse::<Option<Token![,]>>()?;
        if input.is_empty() { Ok(Arguments { path: Some(path) }) } else { Err(input.error(help)) }
    }
}

/// Returns the path of the attribute in the source, or its usual name if the source is unknown.
pub(crate) fn attribute_path() -> Path {
    let call_site = Span::call_site();
    let text = call_site.source_text().unwrap_or_default();
    let usual = || Ident::new("stateroom_wasm", call_site).into();
    parse_attribute_path(&text).unwrap_or_else(usual)
}

/// Returns the path of an attribute, of which `#[` and `]` may be missing, as within `cfg_attr`.
fn parse_attribute_path(text: &str) -> Option<Path> {
    let text = if text.starts_with('#') { text.to_owned() } else { format!("#[{text}]") };
    let attributes = Attribute::parse_outer.parse_str(&text).ok()?;
    Some(attributes.first()?.path().clone())
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    /// Returns the path in arguments, or the error.
    fn argument(text: &str) -> std::result::Result<String, String> {
        let arguments = syn::parse_str::<Arguments>(text).map_err(|error| error.to_string())?;
        Ok(arguments.path.map(|path| quote!(#path).to_string()).unwrap_or_default())
    }

    #[test]
    fn takes_the_path_of_the_crate_and_no_other_argument() {
        for (text, path) in [
            ("", ""),
            ("crate = rooms", "rooms"),
            ("crate = \"rooms::wasm\",", "rooms :: wasm"),
            ("crate = ::rooms", ":: rooms"),
            ("crate = crate::prelude", "crate :: prelude"),
        ] {
            assert_eq!(argument(text).unwrap(), path);
        }
        for text in ["room = \"a\"", "rooms"] {
            assert!(argument(text).unwrap_err().contains("takes no argument but"));
        }
        for text in ["crate = 1", "crate = \"\"", "crate = \"a b\"", "crate = rooms, room", "crate = a<b>"] {
            assert!(argument(text).unwrap_err().contains("expected the path"), "{text}: {:?}", argument(text));
        }
        assert!(argument("crate").is_err());
    }

    #[test]
    fn finds_the_path_of_the_attribute() {
        for (text, path) in [
            ("#[stateroom_wasm]", "stateroom_wasm"),
            ("#[ rooms :: stateroom_wasm ]", "rooms :: stateroom_wasm"),
            ("#[::rooms::stateroom_wasm()]", ":: rooms :: stateroom_wasm"),
            ("rooms::service", "rooms :: service"),
        ] {
            let found = parse_attribute_path(text).unwrap();
            assert_eq!(quote!(#found).to_string(), path);
        }
        for text in ["", "#[", "#[$crate::stateroom_wasm]", "1"] {
            assert!(parse_attribute_path(text).is_none(), "{text}");
        }
    }
}

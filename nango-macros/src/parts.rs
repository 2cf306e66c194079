//! Fields that several attributes declare in the same way.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{LitStr, ext::IdentExt};

use crate::{args::Args, func::Func};

/// Returns the tokens of `Some(tokens)` or `None`.
pub(crate) fn option_tokens(tokens: Option<impl ToTokens>) -> TokenStream {
    tokens.map_or_else(|| quote!(::core::option::Option::None), |tokens| quote!(::core::option::Option::Some(#tokens)))
}

/// Part of a declaration that every named function has.
pub(crate) struct Head {
    function: Ident,
    integration: Option<LitStr>,
    pub(crate) name: String,
    pub(crate) description: String,
}

impl Head {
    /// Reads `integration`, `name` and `description`. The defaults are the module, the function's name, and the first
    /// paragraph of its documentation.
    pub(crate) fn read(args: &mut Args, func: &Func) -> Self {
        Self {
            function: func.sig.ident.clone(),
            integration: identifier(args, "integration"),
            name: identifier(args, "name").map_or_else(|| func.name(), |name| name.value()),
            description: args.string("description").map_or_else(|| func.description(), |text| text.value()),
        }
    }
}

/// Expands to the descriptor fields `at`, `integration`, `name` and `description`.
impl ToTokens for Head {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { function, integration, name, description } = self;
        let integration = integration
            .as_ref()
            .map_or_else(|| quote!(__nango::integration_of(::core::module_path!())), ToTokens::into_token_stream);
        let at = location(function);
        tokens.extend(quote!(at: #at, integration: #integration, name: #name, description: #description,));
    }
}

/// Returns the source location of the attribute, with the path of its function.
pub(crate) fn location(function: &Ident) -> TokenStream {
    let name = format!("::{}", function.unraw());
    quote! {
        __nango::Location {
            file: ::core::file!(),
            line: ::core::line!(),
            function: ::core::concat!(::core::module_path!(), #name),
        }
    }
}

/// Reads a string that becomes part of URLs and file names: letters, digits, `-` and `_`.
fn identifier(args: &mut Args, key: &str) -> Option<LitStr> {
    let text = args.string(key)?;
    let value = text.value();
    if !value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
        args.errors.push_at(text.span(), format!("`{key}` has only letters, digits, `-` and `_`"));
    }
    Some(text)
}

/// Reads `version = "1.0.0"`; the default is `0.0.1`.
pub(crate) fn version(args: &mut Args) -> String {
    let Some(text) = args.string("version") else { return "0.0.1".to_owned() };
    let value = text.value();
    let parts: Vec<&str> = value.split('.').collect();
    if parts.len() != 3 || !parts.iter().all(|part| part.parse::<u32>().is_ok()) {
        args.errors.push_at(text.span(), format!("`{value}` is not a version: write three numbers, such as \"1.0.0\""));
    }
    value
}

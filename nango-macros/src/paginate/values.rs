//! Texts and paths of `paginate(…)`.

use nango_grammar::json_path;
use proc_macro2::TokenStream;
use quote::quote;
use syn::LitStr;

use crate::{
    args::{Args, Errors},
    parts::option_tokens as option,
};

pub(super) fn text(text: &LitStr) -> TokenStream {
    quote!(__nango::Cow::Borrowed(#text))
}

pub(super) fn optional_text(value: Option<&LitStr>) -> TokenStream {
    option(value.map(text))
}

/// Reads the path of one value.
pub(crate) fn path(args: &mut Args, key: &str) -> Option<LitStr> {
    let path = args.string(key);
    check_text(path.as_ref(), json_path::check, &mut args.errors);
    path
}

/// Reports a text that `check` refuses.
pub(super) fn check_text(text: Option<&LitStr>, check: fn(&str) -> Result<(), String>, errors: &mut Errors) {
    if let Some(text) = text
        && let Err(message) = check(&text.value())
    {
        errors.push_at(text.span(), message);
    }
}

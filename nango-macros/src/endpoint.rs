//! Key `endpoint = "/repos/{owner}/issues"`: a path whose names in braces are fields of the connection's metadata.

use nango_grammar::{Template, template::is_name};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{LitStr, Type};

use crate::args::Errors;

const FIELD: &str = "a field of the metadata is written `{field}`";

/// Returns the `Endpoint` of a mapper's descriptor.
pub(crate) fn expand(text: &LitStr, metadata: Option<&Type>, marker: &TokenStream, errors: &mut Errors) -> TokenStream {
    let span = text.span();
    let template = match parse(&text.value()) {
        Ok(template) => template,
        Err(message) => {
            errors.push_at(span, message);
            return TokenStream::new();
        }
    };
    let Some(first) = template.names().first() else {
        return quote!(__nango::Endpoint::Fixed(#text));
    };
    if metadata.is_none() {
        errors.push_at(span, without_metadata(first));
        return TokenStream::new();
    }
    let (literals, names) = (template.literals(), template.names());
    let m = Ident::new("m", span);
    let fields = names.iter().map(|name| field(name, span));
    quote_spanned! {span=>
        __nango::Endpoint::Metadata(|v| {
            let #m = __nango::metadata::<#marker>(v)?;
            __nango::endpoint(&[#(#literals),*], &[#((#names, &#m.#fields)),*])
        })
    }
}

/// Returns the message for a field in a path without a metadata type.
pub(crate) fn without_metadata(name: &str) -> String {
    format!("`{{{name}}}` is a field of the connection's metadata: add `metadata = YourType`")
}

/// Returns the identifier of a field with this span; a raw identifier if the name is a keyword.
pub(crate) fn field(name: &str, span: Span) -> Ident {
    let field = syn::parse_str::<Ident>(name).unwrap_or_else(|_| Ident::new_raw(name, span));
    crate::marker::with_span(&field, span)
}

/// Parses a path. `value` explains the syntax of a value in messages, such as `` a field of the metadata is written
/// `{field}` ``.
pub(crate) fn template(text: &str, value: &str) -> Result<Template, String> {
    Template::parse(text)
        .map_err(|error| if error.is_about_braces() { format!("{error}: {value}") } else { error.to_string() })
}

fn parse(text: &str) -> Result<Template, String> {
    let template = template(text, FIELD)?;
    match template.names().iter().find(|name| !is_name(name)) {
        Some(name) => Err(format!("`{{{name}}}` is not the name of a field of the metadata")),
        None => Ok(template),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_about_braces_explains_the_syntax_of_a_value() {
        let error = |text: &str| template(text, "write `{field}`").unwrap_err();
        assert_eq!(error("/{owner"), "`{` without `}`: write `{field}`");
        assert_eq!(error("/owner}"), "`}` without `{`: write `{field}`");
        assert_eq!(error("/a b"), "an endpoint has no spaces: write `%20`");
    }

    #[test]
    fn name_that_is_not_a_field_is_refused() {
        for name in ["", "a.b", "0", "a b", "self::a"] {
            let error = parse(&format!("/{{{name}}}")).unwrap_err();
            assert!(error.contains("is not the name of a field"), "{name}: {error}");
        }
        assert_eq!(parse("/{type}").unwrap().names(), ["type"]);
    }
}

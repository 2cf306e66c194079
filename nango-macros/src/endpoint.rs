//! Key `endpoint = "/repos/{owner}/issues"`: a path whose names in braces are fields of the connection's metadata.

use nango_grammar::{Template, template::is_name};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{LitStr, Type};

use crate::args::Errors;

const FIELD: &str = "a field of the metadata is written `{field}`";

/// Path of a mapper's requests.
pub(crate) struct Endpoint {
    text: LitStr,
    template: Template,
}

impl Endpoint {
    /// Checks the path. A path with names needs the type of the metadata.
    pub(crate) fn validate(text: LitStr, metadata: Option<&Type>, errors: &mut Errors) -> Option<Self> {
        let template = parse(&text.value()).map_err(|message| errors.push_at(text.span(), message)).ok()?;
        if let (Some(first), None) = (template.names().first(), metadata) {
            errors.push_at(text.span(), without_metadata(first));
            return None;
        }
        Some(Self { text, template })
    }

    /// Returns the path as declared.
    pub(crate) fn text(&self) -> String {
        self.text.value()
    }

    /// Returns the `Endpoint` of the descriptor.
    pub(crate) fn expand(&self, marker: &TokenStream) -> TokenStream {
        let Self { text, template } = self;
        let (literals, names) = (template.literals(), template.names());
        if names.is_empty() {
            return quote!(__nango::Endpoint::Fixed(#text));
        }
        let span = text.span();
        let m = Ident::new("m", span);
        let fields = names.iter().map(|name| field(name, span));
        quote_spanned! {span=>
            __nango::Endpoint::Metadata(|v| {
                let #m = __nango::metadata::<#marker>(v)?;
                __nango::endpoint(&[#(#literals),*], &[#((#names, &#m.#fields)),*])
            })
        }
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
    fn path_with_names_needs_the_type_of_the_metadata() {
        let check = |text: &str, metadata: Option<Type>, expect: bool| {
            let mut errors = Errors::default();
            let got = Endpoint::validate(LitStr::new(text, Span::call_site()), metadata.as_ref(), &mut errors);
            assert_eq!((got.is_some(), errors.is_empty()), (expect, expect), "{text}");
        };
        check("/user", None, true);
        check("/repos/{owner}", Some(syn::parse_quote!(Repository)), true);
        check("/repos/{owner}", None, false);
        check("user", None, false);
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

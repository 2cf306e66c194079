//! Key `endpoint = "POST /repos/{owner}/issues"`: a method, `GET` if omitted, and a path whose names in braces are
//! fields of the connection's metadata or, as `{each.id}`, of the parent. A path of a constant, `endpoint = ISSUES`,
//! has no names; the compiler checks it when it evaluates the descriptor.

use nango_grammar::{Template, template::is_name};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{LitStr, Path, spanned::Spanned};

use crate::{
    args::{Arg, Errors, Value},
    each::{Each, fields_of_parent},
    scope::Scope,
    value::string,
};

const FIELD: &str = "a field of the metadata is written `{field}`";
const FIELD_OR_EACH: &str = "a field of the metadata is written `{field}`, one of the parent `{each.field}`";

/// Methods of a mapper's requests, with the variants of `declare::ListMethod`.
const METHODS: [(&str, &str); 4] = [("GET", "Get"), ("POST", "Post"), ("PUT", "Put"), ("PATCH", "Patch")];

/// Method and path of a mapper's requests.
pub(crate) enum Endpoint {
    Text {
        /// Variant of `declare::ListMethod`; `None` if it is omitted.
        method: Option<&'static str>,
        path: LitStr,
        template: Template,
    },
    /// Constant of type `&str`.
    Constant(Path),
}

/// Method of a mapper's requests.
pub(crate) enum Method<'a> {
    Get,
    /// Variant of `declare::ListMethod`, of a method with a body.
    Named(&'static str),
    /// The method in a constant.
    Constant(&'a Path),
}

impl Endpoint {
    /// Checks method and path. A path with names needs the type of the metadata, or a parent.
    pub(crate) fn validate(arg: &Arg, scope: Scope<'_>, errors: &mut Errors) -> Option<Self> {
        if let Value::Assigned(tokens) = &arg.value
            && syn::parse2::<LitStr>(tokens.clone()).is_err()
            && let Ok(path) = syn::parse2::<Path>(tokens.clone())
        {
            return Some(Self::Constant(path));
        }
        let text = string(arg).map_err(|error| errors.add(error)).ok()?;
        let (value, span) = (text.value(), text.span());
        let (method, path) = split_method(&value).map_err(|message| errors.push_at(span, message)).ok()?;
        let template = parse(path, scope.each).map_err(|message| errors.push_at(span, message)).ok()?;
        let of_metadata = metadata_names(&template, scope.each).next();
        if let (Some(first), None) = (of_metadata, scope.metadata) {
            errors.push_at(span, without_metadata(first));
            return None;
        }
        Some(Self::Text { method, path: LitStr::new(path, span), template })
    }

    /// Returns the method of the requests.
    pub(crate) fn method(&self) -> Method<'_> {
        match self {
            Self::Text { method: None | Some("Get"), .. } => Method::Get,
            Self::Text { method: Some(variant), .. } => Method::Named(variant),
            Self::Constant(path) => Method::Constant(path),
        }
    }

    /// Returns the path as declared; empty if it is a constant.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text { path, .. } => path.value(),
            Self::Constant(_) => String::new(),
        }
    }

    /// Returns the constant of the endpoint, under the name that the descriptor uses: a constant of another type is
    /// reported once. Empty for a string.
    pub(crate) fn items(&self) -> TokenStream {
        let Self::Constant(path) = self else { return TokenStream::new() };
        let (span, text) = (path.span(), constant(path.span()));
        quote_spanned!(span=> const #text: &str = #path;)
    }

    /// Returns whether the path has a field of the metadata.
    pub(crate) fn uses_metadata(&self, each: Option<&Each>) -> bool {
        matches!(self, Self::Text { template, .. } if metadata_names(template, each).next().is_some())
    }

    /// Returns whether the path of a mapper with `each` has a field of the parent.
    pub(crate) fn uses_each(&self) -> bool {
        matches!(self, Self::Text { template, .. } if template.names().iter().any(|name| fields_of_parent(name).is_some()))
    }

    /// Returns the `Endpoint` of the descriptor.
    pub(crate) fn expand(&self, scope: Scope<'_>, marker: &TokenStream) -> TokenStream {
        let (text, template) = match self {
            Self::Text { path, template, .. } => (path, template),
            Self::Constant(path) => {
                let (span, text) = (path.span(), constant(path.span()));
                return quote_spanned!(span=> __nango::Endpoint::Fixed(__nango::path_of(#text)));
            }
        };
        let (literals, names) = (template.literals(), template.names());
        if names.is_empty() {
            return quote!(__nango::Endpoint::Fixed(#text));
        }
        let span = text.span();
        let m = Ident::new("m", span);
        if let Some(each) = scope.each {
            let (s, e) = (Ident::new("s", span), Ident::new("e", span));
            let parent = self.uses_each().then(|| {
                let parent = each.parent(&s, marker, span);
                quote_spanned!(span=> let #e = #parent;)
            });
            let metadata = self
                .uses_metadata(Some(each))
                .then(|| quote_spanned!(span=> let #m = __nango::metadata_of::<#marker>(#s)?;));
            let values = names.iter().map(|name| {
                if let Some(fields) = fields_of_parent(name) {
                    let fields = fields.map(|name| field(name, span));
                    quote_spanned!(span=> &#e #(.#fields)*)
                } else {
                    let field = field(name, span);
                    quote_spanned!(span=> &#m.#field)
                }
            });
            return quote_spanned! {span=>
                __nango::Endpoint::Each(|#s| {
                    #parent
                    #metadata
                    __nango::endpoint_of_parent(&[#(#literals),*], &[#((#names, #values)),*])
                }, #text)
            };
        }
        let fields = names.iter().map(|name| field(name, span));
        quote_spanned! {span=>
            __nango::Endpoint::Metadata(|v| {
                let #m = __nango::metadata::<#marker>(v)?;
                __nango::endpoint(&[#(#literals),*], &[#((#names, &#m.#fields)),*])
            }, #text)
        }
    }
}

/// Returns the name of the constant with the endpoint, with this span.
pub(crate) fn constant(span: Span) -> Ident {
    Ident::new("__ENDPOINT", span)
}

/// Splits a method from the path after it. Returns a message if it is not a method of a mapper.
fn split_method(text: &str) -> Result<(Option<&'static str>, &str), String> {
    let Some((word, path)) = text.split_once(' ').filter(|(word, _)| !word.is_empty() && !word.contains('/')) else {
        return Ok((None, text));
    };
    let found = METHODS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
    match found {
        Some((name, variant)) if *name == word => Ok((Some(*variant), path.trim_start())),
        Some((name, _)) => Err(format!("write the method in upper case: `{name} {}`", path.trim_start())),
        None => Err(format!(
            "`{word}` is not a method of a mapper: write `GET`, which can be omitted, `POST`, `PUT` or `PATCH`, then \
             one space and the path"
        )),
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

fn parse(text: &str, each: Option<&Each>) -> Result<Template, String> {
    let template = template(text, if each.is_some() { FIELD_OR_EACH } else { FIELD })?;
    for name in template.names() {
        match fields_of_parent(name) {
            Some(mut fields) if each.is_some() => {
                if !fields.all(is_name) {
                    return Err(format!("`{{{name}}}` is not a field of the parent: write `{{each.id}}`"));
                }
            }
            Some(_) if name.contains('.') => {
                return Err(format!(
                    "`{{{name}}}` is a field of the parent: add `each = YourModel`, a model of the same integration"
                ));
            }
            _ if is_name(name) => {}
            _ => return Err(format!("`{{{name}}}` is not the name of a field of the metadata")),
        }
    }
    Ok(template)
}

/// Returns the names in a path that are fields of the metadata.
fn metadata_names<'t>(template: &'t Template, each: Option<&Each>) -> impl Iterator<Item = &'t str> {
    let has_parent = each.is_some();
    template.names().iter().map(String::as_str).filter(move |name| !has_parent || fields_of_parent(name).is_none())
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

    fn endpoint(text: &str) -> Arg {
        let key = Ident::new("endpoint", Span::call_site());
        Arg { key, value: Value::Assigned(quote!(#text)) }
    }

    #[test]
    fn method_is_a_word_in_front_of_the_path() {
        assert_eq!(split_method("/items"), Ok((None, "/items")));
        assert_eq!(split_method("GET /items"), Ok((Some("Get"), "/items")));
        assert_eq!(split_method("POST /items"), Ok((Some("Post"), "/items")));
        assert_eq!(split_method("PATCH  /items"), Ok((Some("Patch"), "/items")));
        assert_eq!(split_method("/a b"), Ok((None, "/a b")), "the path reports its space");
        assert_eq!(split_method("post /items").unwrap_err(), "write the method in upper case: `POST /items`");
        assert!(split_method("DELETE /items").unwrap_err().starts_with("`DELETE` is not a method of a mapper: write"));
    }

    #[test]
    fn constant_is_taken_in_place_of_a_string() {
        let mut errors = Errors::default();
        let arg = Arg { key: Ident::new("endpoint", Span::call_site()), value: Value::Assigned(quote!(paths::ITEMS)) };
        let scope = Scope { metadata: None, each: None };
        let got = Endpoint::validate(&arg, scope, &mut errors).unwrap();
        assert!(matches!(got.method(), Method::Constant(_)) && errors.is_empty());
        let expect = "__nango :: Endpoint :: Fixed (__nango :: path_of (__ENDPOINT))";
        assert_eq!(got.items().to_string(), "const __ENDPOINT : & str = paths :: ITEMS ;");
        assert_eq!(got.expand(scope, &TokenStream::new()).to_string(), expect);
    }

    #[test]
    fn path_with_names_needs_the_type_of_the_metadata() {
        let check = |text: &str, metadata: Option<syn::Type>, expect: bool| {
            let mut errors = Errors::default();
            let scope = Scope { metadata: metadata.as_ref(), each: None };
            let got = Endpoint::validate(&endpoint(text), scope, &mut errors);
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
            let error = parse(&format!("/{{{name}}}"), None).unwrap_err();
            assert!(error.contains("is not the name of a field"), "{name}: {error}");
        }
        assert_eq!(parse("/{type}", None).unwrap().names(), ["type"]);
    }
}

//! `endpoint = "/repos/{owner}/{repo}/issues"`: a path whose names in braces are fields of the connection's metadata.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{LitStr, Type};

use crate::args::Errors;

/// The `Endpoint` of a mapper's descriptor.
pub(crate) fn expand(text: &LitStr, metadata: Option<&Type>, marker: &TokenStream, errors: &mut Errors) -> TokenStream {
    let span = text.span();
    let template = match Template::parse(&text.value()) {
        Ok(template) => template,
        Err(message) => {
            errors.at(span, message);
            return TokenStream::new();
        }
    };
    if template.fields.is_empty() {
        return quote!(__nango::Endpoint::Fixed(#text));
    }
    if metadata.is_none() {
        let first = &template.fields[0];
        errors.at(span, format!("`{{{first}}}` is a field of the connection's metadata: add `metadata = YourType`"));
        return TokenStream::new();
    }
    let (literals, names) = (&template.literals, &template.fields);
    let m = Ident::new("m", span);
    let fields = template.fields.iter().map(|name| {
        // A raw identifier, since the field may be called `type`.
        let field = syn::parse_str::<Ident>(name).unwrap_or_else(|_| Ident::new_raw(name, span));
        let field = crate::marker::at(&field, span);
        quote_spanned!(span=> &#m.#field)
    });
    quote_spanned! {span=>
        __nango::Endpoint::Metadata(|v| {
            let #m = __nango::metadata::<#marker>(v)?;
            __nango::endpoint(&[#(#literals),*], &[#((#names, #fields)),*])
        })
    }
}

/// A path in pieces: `literals` has one more than `fields`, and they alternate.
#[derive(Debug, PartialEq)]
struct Template {
    literals: Vec<String>,
    fields: Vec<String>,
}

impl Template {
    fn parse(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') || text.starts_with("//") {
            return Err("an endpoint starts with `/`: it is joined to the base URL of the provider".to_owned());
        }
        if text.contains(char::is_whitespace) {
            return Err("an endpoint has no spaces: write `%20`".to_owned());
        }
        let (mut literals, mut fields) = (Vec::new(), Vec::new());
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                return Err("`{` without `}`: a field of the metadata is written `{field}`".to_owned());
            };
            let good = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_alphanumeric() || c == '_');
            if !good {
                return Err(format!("`{{{name}}}` is not the name of a field of the metadata"));
            }
            literals.push(closed(literal)?);
            fields.push(name.to_owned());
            rest = after;
        }
        literals.push(closed(rest)?);
        Ok(Self { literals, fields })
    }
}

fn closed(literal: &str) -> Result<String, String> {
    if literal.contains('}') {
        return Err("`}` without `{`: a field of the metadata is written `{field}`".to_owned());
    }
    Ok(literal.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<(&[&str], &[&str]), &str>) {
        let got = Template::parse(text);
        let expect = expect
            .map(|(literals, fields)| Template {
                literals: literals.iter().map(|&s| s.to_owned()).collect(),
                fields: fields.iter().map(|&s| s.to_owned()).collect(),
            })
            .map_err(str::to_owned);
        match (&got, &expect) {
            (Err(got), Err(expect)) => assert!(got.contains(expect.as_str()), "{text}: {got}"),
            _ => assert_eq!(got, expect, "{text}"),
        }
    }

    #[test]
    fn literals_and_fields_alternate() {
        check("/user", Ok((&["/user"], &[])));
        check("/repos/{owner}/{repo}?a=b", Ok((&["/repos/", "/", "?a=b"], &["owner", "repo"])));
        check("/{a}{type}", Ok((&["/", "", ""], &["a", "type"])));
    }

    #[test]
    fn what_is_no_endpoint() {
        check("repos", Err("starts with `/`"));
        check("", Err("starts with `/`"));
        check("//evil.example/a", Err("starts with `/`"));
        check("https://api.example/a", Err("starts with `/`"));
        check("/a b", Err("has no spaces"));
        check("/{owner", Err("without `}`"));
        check("/owner}", Err("without `{`"));
        check("/{}", Err("`{}` is not the name"));
        check("/{a.b}", Err("`{a.b}` is not the name"));
        check("/{0}", Err("`{0}` is not the name"));
    }
}

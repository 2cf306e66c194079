//! Expansion of `path!("/repos/{owner}/labels/{name}", owner = input.owner)`: a path whose names in braces are values.

use nango_grammar::{Template, template::is_name};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Expr, LitStr, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream},
    spanned::Spanned,
};

use crate::{args::Errors, endpoint};

const VALUE: &str = "a value is written `{name}`, the name of a variable or of an argument";
const USAGE: &str =
    "`path!` takes a string literal and values by name: `path!(\"/repos/{owner}\", owner = input.owner)`";

/// Returns the expression of an `EndpointPath`.
pub(crate) fn expand(tokens: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let call = match syn::parse2::<PathInput>(tokens) {
        Ok(call) => call,
        Err(error) => {
            errors.add(error);
            return error_tokens(errors);
        }
    };
    let span = call.text.span();
    let path = match endpoint::template(&call.text.value(), VALUE) {
        Ok(template) => values(&call, &template, &mut errors).map(|values| (template, values)),
        Err(message) => {
            errors.push_at(span, message);
            None
        }
    };
    match path {
        Some((template, values)) if errors.is_empty() => {
            let (literals, names) = (template.literals(), template.names());
            // Each value is bound first, and the result last, so that no temporary is kept across an `await` in the
            // same statement or in a later value.
            let bound: Vec<_> =
                values.iter().enumerate().map(|(at, (_, span))| local(&format!("value{at}"), *span)).collect();
            let values = values.iter().map(|(value, _)| value);
            let path = local("path", Span::call_site());
            quote!({
                #(let #bound = #values;)*
                let #path = ::__nango_core::__private::path(&[#(#literals),*], &[#((#names, #bound)),*]);
                #path
            })
        }
        _ => error_tokens(errors),
    }
}

/// Returns a hygienic identifier, which values cannot refer to, with this span.
fn local(name: &str, span: Span) -> Ident {
    Ident::new(name, Span::mixed_site().located_at(span))
}

/// Returns the errors with an expression of the right type, so that an invalid path causes no further errors.
fn error_tokens(errors: Errors) -> TokenStream {
    let errors = errors.into_tokens();
    quote!({
        #errors
        ::__nango_core::__private::path(&[], &[])
    })
}

/// Returns a reference to the value of each name, in order, with the span at which its errors are reported.
fn values(call: &PathInput, template: &Template, errors: &mut Errors) -> Option<Vec<(TokenStream, Span)>> {
    let span = call.text.span();
    for (at, argument) in call.arguments.iter().enumerate() {
        let name = argument.name();
        if call.arguments[..at].iter().any(|earlier| earlier.name() == name) {
            errors.push_at(argument.name.span(), format!("`{name}` is given twice"));
        } else if !template.names().contains(&name) {
            errors.push_at(argument.name.span(), format!("the path has no `{{{name}}}`"));
        }
    }
    let mut values = Vec::new();
    for name in template.names() {
        if !is_name(name) {
            errors.push_at(span, wrong_name(name));
            return None;
        }
        let argument = call.arguments.iter().find(|argument| argument.name() == *name);
        values.push(if let Some(Argument { value, .. }) = argument {
            (quote_spanned!(value.span()=> &(#value)), value.span())
        } else {
            let variable = endpoint::field(name, span);
            (quote_spanned!(span=> &#variable), span)
        });
    }
    Some(values)
}

fn wrong_name(name: &str) -> String {
    let hint = match name.trim() {
        "" => "give the value a name: `path!(\"/repos/{owner}\", owner = input.owner)`".to_owned(),
        trimmed => {
            let short = trimmed.rsplit(['.', ':']).next().filter(|last| is_name(last)).unwrap_or("value");
            format!("write `{{{short}}}` and give its value as an argument, `{short} = …`")
        }
    };
    format!("`{{{name}}}` is not the name of a value: {hint}")
}

/// Parsed arguments of `path!`.
struct PathInput {
    text: LitStr,
    arguments: Vec<Argument>,
}

struct Argument {
    name: Ident,
    value: Expr,
}

impl Argument {
    fn name(&self) -> String {
        self.name.unraw().to_string()
    }
}

impl Parse for PathInput {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let usage = |span: Span| syn::Error::new(span, USAGE);
        let text: LitStr = input.parse().map_err(|error| usage(error.span()))?;
        let mut arguments = Vec::new();
        while !input.is_empty() {
            input.parse::<Token![,]>().map_err(|error| usage(error.span()))?;
            if input.is_empty() {
                break;
            }
            let name = input.call(Ident::parse_any).map_err(|error| usage(error.span()))?;
            input.parse::<Token![=]>().map_err(|_| usage(name.span()))?;
            arguments.push(Argument { name, value: input.parse()? });
        }
        Ok(Self { text, arguments })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn error(input: &str, expect: &str) {
        let got = expand(input.parse().unwrap()).to_string();
        assert!(got.contains("compile_error") && got.contains(expect), "{input}: {got}");
    }

    #[test]
    fn value_of_a_path_is_a_variable_or_an_argument() {
        let got = expand("\"/a/{b}?c={c}\", c = x.y + 1,".parse().unwrap()).to_string();
        let expect = quote!({
            let value0 = &b;
            let value1 = &(x.y + 1);
            let path = ::__nango_core::__private::path(&["/a/", "?c=", ""], &[("b", value0), ("c", value1)]);
            path
        });
        assert_eq!(got, expect.to_string());
    }

    #[test]
    fn invalid_path_does_not_compile() {
        error("", "takes a string literal");
        error("path", "takes a string literal");
        error("\"/{a}\", b.c", "takes a string literal");
        error("\"/{a}\" a", "takes a string literal");
        error("\"/{}\"", "give the value a name");
        error("\"/{input.owner}\"", "write `{owner}` and give its value as an argument, `owner = …`");
        error("\"/{a:?}\"", "is not the name of a value");
        error("\"/{a}\", a = 1, a = 2", "`a` is given twice");
        error("\"/{a}\", b = 1", "the path has no `{b}`");
        error("\"/a/../{b}\"", "no segment `..`");
    }
}

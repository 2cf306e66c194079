//! Keys `query(…)`, `headers(…)` and `body = …`: parts of a mapper's requests, whose values are expressions.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Expr, LitStr, Token, Type,
    parse::{ParseStream, Parser},
    spanned::Spanned,
};

use crate::{
    args::{Arg, Args, Value},
    endpoint::{self, Endpoint, Method},
};

const QUERY: &str = "query(\"status\" = \"open\", \"team\" = metadata.team)";
const HEADERS: &str = "headers(\"X-Api-Version\" = \"2026-01-01\")";
const BODY: &str = "body = json!({ \"query\": QUERY })";
/// Name of the variable that holds the connection's metadata in the expressions.
const METADATA: &str = "metadata";
/// Headers that the runtime sets, in lower case, and what sets them.
const REFUSED: [(&str, &str); 12] = [
    ("authorization", "the credentials of the connection set it"),
    ("cookie", "requests have no cookies but those of the credentials"),
    ("host", "the base URL of the connection sets it"),
    ("content-length", "the length of the body sets it"),
    ("connection", CONNECTION),
    ("keep-alive", CONNECTION),
    ("proxy-authenticate", CONNECTION),
    ("proxy-authorization", CONNECTION),
    ("te", CONNECTION),
    ("trailer", CONNECTION),
    ("transfer-encoding", CONNECTION),
    ("upgrade", CONNECTION),
];
const CONNECTION: &str = "it is about the connection to the server, not about the request";

/// Parts of a mapper's requests besides the endpoint.
#[derive(Default)]
pub(crate) struct Request {
    query: Vec<Pair>,
    headers: Vec<Pair>,
    body: Option<Expr>,
}

/// A parameter or a header with its value.
struct Pair {
    name: LitStr,
    value: Expr,
}

impl Request {
    /// Reads and checks the keys. Invalid ones are among the errors.
    pub(crate) fn validate(args: &mut Args, endpoint: Option<&Endpoint>, metadata: Option<&Type>) -> Self {
        let query = pairs(args, "query", QUERY);
        let headers = pairs(args, "headers", HEADERS);
        for (at, header) in headers.iter().enumerate() {
            check_header(args, header, &headers[..at]);
        }
        for Pair { name, .. } in &query {
            if name.value().is_empty() {
                args.errors.push_at(name.span(), "the name of a parameter is empty");
            }
        }
        let body = args.take("body").and_then(|arg| body(args, &arg, endpoint));
        let request = Self { query, headers, body };
        let used = request.values().find_map(|value| metadata_variable(value.to_token_stream()));
        if let (None, Some(span)) = (metadata, used) {
            args.errors.push_at(
                span,
                "`metadata` is the metadata of the connection: add `metadata = YourType` to the attribute, the type of \
                 its values",
            );
        }
        request
    }

    /// Returns whether the query declares a parameter.
    pub(crate) fn query_parameter(&self, name: &str) -> Option<Span> {
        self.query.iter().find(|pair| pair.name.value() == name).map(|pair| pair.name.span())
    }

    fn values(&self) -> impl Iterator<Item = &Expr> {
        self.query.iter().chain(&self.headers).map(|pair| &pair.value).chain(&self.body)
    }

    /// Returns the `ListRequest` of the descriptor. Parts that are absent expand to nothing.
    pub(crate) fn expand(&self, endpoint: &Endpoint, marker: &TokenStream) -> TokenStream {
        let method = match endpoint.method() {
            Method::Get => None,
            Method::Named(variant) => {
                let variant = Ident::new(variant, Span::call_site());
                Some(quote!(method: __nango::ListMethod::#variant,))
            }
            Method::Constant(path) => {
                let span = path.span();
                let read = if self.body.is_some() { "method_with_body_of" } else { "method_of" };
                let (read, text) = (Ident::new(read, span), endpoint::constant(span));
                Some(quote_spanned!(span=> method: __nango::#read(#text),))
            }
        };
        let query = pairs_part("query", &self.query, marker);
        let headers = pairs_part("headers", &self.headers, marker);
        let body = self.body.as_ref().map(|body| {
            let value = value(body);
            let (v, metadata) = metadata_binding(std::iter::once(body), marker);
            quote!(body: ::core::option::Option::Some(|#v| { #metadata __nango::body(#value) }),)
        });
        if method.is_none() && query.is_none() && headers.is_none() && body.is_none() {
            return quote!(__nango::ListRequest::GET);
        }
        // A struct update without an absent field is a finding of clippy in the user's crate.
        let is_complete = method.is_some() && query.is_some() && headers.is_some() && body.is_some();
        let absent = (!is_complete).then(|| quote!(..__nango::ListRequest::GET));
        quote!(__nango::ListRequest { #method #query #headers #body #absent })
    }
}

/// Returns one closure for all values of `query` or `headers`; `None` if there are none.
fn pairs_part(field: &str, pairs: &[Pair], marker: &TokenStream) -> Option<TokenStream> {
    if pairs.is_empty() {
        return None;
    }
    let names_field = Ident::new(if field == "query" { "query_names" } else { "header_names" }, Span::call_site());
    let names = pairs.iter().map(|pair| &pair.name);
    let field = Ident::new(field, Span::call_site());
    let values = Ident::new("values", Span::mixed_site());
    let (v, metadata) = metadata_binding(pairs.iter().map(|pair| &pair.value), marker);
    let adds = pairs.iter().map(|pair| {
        let (name, value) = (&pair.name, value(&pair.value));
        quote_spanned!(pair.value.span()=> #values.add(#name, #value)?;)
    });
    Some(quote! {
        #names_field: &[#(#names),*],
        #field: ::core::option::Option::Some(|#v, #values| {
            #metadata
            #(#adds)*
            ::core::result::Result::Ok(())
        }),
    })
}

/// Returns a reference to the value: a field that is used by value would be moved out of the metadata.
fn value(value: &Expr) -> TokenStream {
    quote_spanned!(value.span()=> &(#value))
}

/// Returns the parameter of a closure, and the statement that binds `metadata`, if a value may use it. The text is
/// searched, because a string such as `"{metadata}"` can use it too.
fn metadata_binding<'a>(values: impl Iterator<Item = &'a Expr>, marker: &TokenStream) -> (TokenStream, TokenStream) {
    let mut values = values;
    if !values.any(|value| value.to_token_stream().to_string().contains(METADATA)) {
        return (quote!(_), TokenStream::new());
    }
    // The expressions refer to `metadata` by name, and to nothing else of the expansion.
    let (v, metadata) = (Ident::new("v", Span::mixed_site()), Ident::new(METADATA, Span::call_site()));
    let binding = quote! {
        #[allow(unused_variables)]
        let #metadata = &__nango::metadata::<#marker>(#v)?;
    };
    (quote!(#v), binding)
}

/// Returns the span of the first variable `metadata`: not a field, a method or a part of a path.
fn metadata_variable(tokens: TokenStream) -> Option<Span> {
    let mut before = None;
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match &token {
            TokenTree::Group(group) => {
                if let Some(span) = metadata_variable(group.stream()) {
                    return Some(span);
                }
            }
            TokenTree::Ident(ident) if ident == METADATA => {
                let is_member =
                    matches!(&before, Some(TokenTree::Punct(punct)) if matches!(punct.as_char(), '.' | ':'));
                let is_other = match tokens.peek() {
                    Some(TokenTree::Punct(punct)) => punct.as_char() == ':',
                    Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Parenthesis,
                    _ => false,
                };
                if !is_member && !is_other {
                    return Some(ident.span());
                }
            }
            _ => {}
        }
        before = Some(token);
    }
    None
}

fn body(args: &mut Args, arg: &Arg, endpoint: Option<&Endpoint>) -> Option<Expr> {
    let Value::Assigned(tokens) = &arg.value else {
        args.errors.push_at(arg.key.span(), format!("`body` is an expression: `{BODY}`"));
        return None;
    };
    if let Some(Method::Get) = endpoint.map(Endpoint::method) {
        args.errors.push_at(
            arg.key.span(),
            "a GET request has no body: write the method in the endpoint, `endpoint = \"POST /path\"`",
        );
    }
    syn::parse2(tokens.clone()).map_err(|error| args.errors.add(error)).ok()
}

/// Reads the list of a key: `key("name" = expression, …)`.
fn pairs(args: &mut Args, key: &str, example: &str) -> Vec<Pair> {
    let Some(arg) = args.take(key) else { return Vec::new() };
    let usage = format!("`{key}` has names and values in brackets: `{example}`");
    let Value::List(tokens) = arg.value else {
        args.errors.push_at(arg.key.span(), usage);
        return Vec::new();
    };
    if tokens.is_empty() {
        args.errors.push_at(arg.key.span(), usage);
        return Vec::new();
    }
    let mut pairs = Vec::new();
    let parsed = (|input: ParseStream<'_>| {
        while !input.is_empty() {
            let name: LitStr = input.parse().map_err(|error| syn::Error::new(error.span(), &usage))?;
            if !input.peek(Token![=]) {
                let message = format!("`{}` needs a value: `{example}`", name.value());
                return Err(syn::Error::new(name.span(), message));
            }
            input.parse::<Token![=]>()?;
            pairs.push(Pair { name, value: input.parse()? });
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    })
    .parse2(tokens);
    if let Err(error) = parsed {
        args.errors.add(error);
    }
    pairs
}

fn check_header(args: &mut Args, header: &Pair, before: &[Pair]) {
    let (name, span) = (header.name.value(), header.name.span());
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(is_token) {
        args.errors.push_at(span, format!("{name:?} is not the name of a header: write letters, digits and `-`"));
        return;
    }
    let lower = name.to_ascii_lowercase();
    if let Some((_, reason)) = REFUSED.iter().find(|(refused, _)| *refused == lower) {
        args.errors.push_at(span, format!("the header `{name}` cannot be declared: {reason}"));
    } else if before.iter().any(|pair| pair.name.value().eq_ignore_ascii_case(&name)) {
        args.errors.push_at(span, format!("the header `{name}` is given twice"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[&str] = &["query", "headers", "body", "endpoint"];

    fn request(keys: &str, endpoint: &str, metadata: bool) -> Result<String, Vec<String>> {
        let mut args = Args::parse("`#[sync]`", KEYS, format!("endpoint = {endpoint}, {keys}").parse().unwrap());
        let metadata: Option<Type> = metadata.then(|| syn::parse_quote!(Team));
        let arg = args.take("endpoint").unwrap();
        let endpoint = Endpoint::validate(&arg, metadata.as_ref(), &mut args.errors);
        let request = Request::validate(&mut args, endpoint.as_ref(), metadata.as_ref());
        match args.errors.or(()) {
            Ok(()) => Ok(request.expand(&endpoint.unwrap(), &quote!(f)).to_string().replace(' ', "")),
            Err(error) => Err(error.into_iter().map(|error| error.to_string()).collect()),
        }
    }

    #[test]
    fn absent_parts_expand_to_a_constant() {
        assert_eq!(request("", "\"/items\"", false).unwrap(), "__nango::ListRequest::GET");
        assert_eq!(
            request("", "\"POST /items\"", false).unwrap(),
            "__nango::ListRequest{method:__nango::ListMethod::Post,..__nango::ListRequest::GET}"
        );
    }

    #[test]
    fn values_are_borrowed_in_one_closure_for_each_part() {
        let keys = "query(\"a\" = 1 > 0, \"b\" = metadata.b), headers(\"X-A\" = A), body = json!({ \"c\": [1, 2] })";
        let got = request(keys, "\"POST /items\"", true).unwrap();
        for part in [
            "values.add(\"a\",&(1>0))?;values.add(\"b\",&(metadata.b))?;",
            "letmetadata=&__nango::metadata::<f>(v)?;",
            "headers:::core::option::Option::Some(|_,values|{values.add(\"X-A\",&(A))?;",
            "__nango::body(&(json!({\"c\":[1,2]})))",
        ] {
            assert!(got.contains(part), "no {part} in {got}");
        }
        assert_eq!(got.matches("letmetadata").count(), 1, "{got}");
    }

    #[test]
    fn constant_endpoint_is_checked_by_constant_functions() {
        let got = request("body = BODY", "paths::ITEMS", false).unwrap();
        assert!(got.contains("method:__nango::method_with_body_of(__ENDPOINT)"), "{got}");
    }

    #[test]
    fn invalid_part_is_reported_with_what_is_allowed() {
        #[track_caller]
        fn check(keys: &str, expect: &str) {
            let errors = request(keys, "\"/items\"", false).unwrap_err();
            assert!(matches!(errors.as_slice(), [error] if error.contains(expect)), "{keys}: {errors:?}");
        }
        check("query", "`query` has names and values in brackets");
        check("query = \"a\"", "`query` has names and values in brackets");
        check("query()", "`query` has names and values in brackets");
        check("query(a = 1)", "`query` has names and values in brackets");
        check("query(\"a\")", "`a` needs a value");
        check("query(\"\" = 1)", "the name of a parameter is empty");
        check("headers(\"Authorization\" = \"x\")", "the credentials of the connection set it");
        check("headers(\"Transfer-Encoding\" = \"x\")", "about the connection to the server");
        check("headers(\"a b\" = \"x\")", "is not the name of a header");
        check("headers(\"X-A\" = 1, \"x-a\" = 2)", "`x-a` is given twice");
        check("body = 1", "a GET request has no body");
        check("body(1)", "`body` is an expression");
        check("query(\"a\" = metadata.team)", "add `metadata = YourType`");
        check("query(\"a\" = f(metadata))", "add `metadata = YourType`");
    }

    #[test]
    fn field_or_module_named_metadata_is_not_the_variable() {
        for value in ["config.metadata", "metadata::TEAM", "self::metadata", "metadata()"] {
            assert!(request(&format!("query(\"a\" = {value})"), "\"/items\"", false).is_ok(), "{value}");
        }
    }
}

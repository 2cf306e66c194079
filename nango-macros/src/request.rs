//! Keys `query(…)`, `headers(…)` and `body = …`: parts of a mapper's requests, whose values are expressions.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, spanned::Spanned};

use crate::{
    args::{Arg, Args, Value},
    endpoint::{self, Endpoint, Method},
    pairs::{self, Pair},
    parts,
    scope::{self, Scope},
};

const QUERY: &str = "query(\"status\" = \"open\", \"team\" = metadata.team)";
const HEADERS: &str = "headers(\"X-Api-Version\" = \"2026-01-01\")";
const BODY: &str = "body = json!({ \"query\": QUERY })";
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

impl Request {
    /// Reads and checks the keys. Invalid ones are among the errors.
    pub(crate) fn validate(args: &mut Args, endpoint: Option<&Endpoint>, scope: Scope<'_>) -> Self {
        let query = pairs::pairs(args, "query", QUERY);
        let headers = pairs::pairs(args, "headers", HEADERS);
        for (at, header) in headers.iter().enumerate() {
            check_header(args, header, &headers[..at]);
        }
        pairs::check_parameters(args, &query);
        let body = args.take("body").and_then(|arg| body(args, &arg, endpoint));
        let request = Self { query, headers, body };
        scope.check(&request.values(), &mut args.errors);
        request
    }

    /// Returns whether the query declares a parameter.
    pub(crate) fn query_parameter(&self, name: &str) -> Option<Span> {
        self.query.iter().find(|pair| pair.name.value() == name).map(|pair| pair.name.span())
    }

    /// Returns whether a value may use the metadata.
    pub(crate) fn may_use_metadata(&self) -> bool {
        scope::may_use_metadata(self.values())
    }

    /// Returns whether a value may use the parent.
    pub(crate) fn may_use_each(&self) -> bool {
        scope::may_use_each(self.values())
    }

    fn values(&self) -> impl Iterator<Item = &Expr> + Clone {
        self.query.iter().chain(&self.headers).map(|pair| &pair.value).chain(&self.body)
    }

    /// Returns the `ListRequest` of the descriptor. Parts that are absent expand to nothing. With `each`, the values
    /// are in [`Self::expand_each`].
    pub(crate) fn expand(&self, endpoint: &Endpoint, scope: Scope<'_>, marker: &TokenStream) -> TokenStream {
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
        let with_values = scope.each.is_none();
        let part = |field: &str, names_field: &str, pairs: &[Pair]| {
            let names = (!pairs.is_empty()).then(|| pairs.iter().map(|pair| &pair.name))?;
            let (field, names_field) =
                (Ident::new(field, Span::call_site()), Ident::new(names_field, Span::call_site()));
            let closure = with_values.then(|| {
                let closure = pairs::closure(pairs, scope, marker);
                quote!(#field: ::core::option::Option::Some(#closure),)
            });
            Some(quote!(#names_field: &[#(#names),*], #closure))
        };
        let query = part("query", "query_names", &self.query);
        let headers = part("headers", "header_names", &self.headers);
        let body = self.body.as_ref().filter(|_| with_values).map(|body| {
            let closure = body_closure(body, scope, marker);
            quote!(body: ::core::option::Option::Some(#closure),)
        });
        if method.is_none() && query.is_none() && headers.is_none() && body.is_none() {
            return quote!(__nango::ListRequest::GET);
        }
        // A struct update without an absent field is a finding of clippy in the user's crate.
        let is_complete = method.is_some() && query.is_some() && headers.is_some() && body.is_some();
        let absent = (!is_complete).then(|| quote!(..__nango::ListRequest::GET));
        quote!(__nango::ListRequest { #method #query #headers #body #absent })
    }

    /// Returns the `EachRequest` of the descriptor of a mapper with `each`.
    pub(crate) fn expand_each(&self, scope: Scope<'_>, marker: &TokenStream) -> TokenStream {
        if self.query.is_empty() && self.headers.is_empty() && self.body.is_none() {
            return quote!(__nango::EachRequest::NONE);
        }
        let part =
            |pairs: &[Pair]| parts::option_tokens((!pairs.is_empty()).then(|| pairs::closure(pairs, scope, marker)));
        let (query, headers) = (part(&self.query), part(&self.headers));
        let body = parts::option_tokens(self.body.as_ref().map(|body| body_closure(body, scope, marker)));
        quote!(__nango::EachRequest { query: #query, headers: #headers, body: #body })
    }
}

fn body_closure(body: &Expr, scope: Scope<'_>, marker: &TokenStream) -> TokenStream {
    let value = pairs::reference(body);
    let (v, variables) = scope.bindings(std::iter::once(body), marker);
    quote!(|#v| { #variables __nango::body(#value) })
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
        let metadata: Option<syn::Type> = metadata.then(|| syn::parse_quote!(Team));
        let scope = Scope { metadata: metadata.as_ref(), each: None };
        let arg = args.take("endpoint").unwrap();
        let endpoint = Endpoint::validate(&arg, scope, &mut args.errors);
        let request = Request::validate(&mut args, endpoint.as_ref(), scope);
        match args.errors.or(()) {
            Ok(()) => Ok(request.expand(&endpoint.unwrap(), scope, &quote!(f)).to_string().replace(' ', "")),
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

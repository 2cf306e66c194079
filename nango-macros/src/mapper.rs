//! Mapper: a sync with an `endpoint`. It is a function of one record; the loop is in `nango_core::run`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{LitStr, Path, ReturnType, Type, parse_quote, spanned::Spanned};

use crate::{
    args::{Arg, Args, Errors},
    capability::Capabilities,
    conflicts,
    endpoint::{Endpoint, Method},
    func::Func,
    marker,
    paginate::Paginate,
    parts,
    request::Request,
    since::Since,
};

const WHAT: &str = "a mapper";
const PLAIN: &str = "fn name(raw: Raw) -> Model";
const ASYNC: &str = "async fn name(nango: NangoSync, raw: Raw) -> Result<Model>";

/// A valid declaration of the walk of a mapper.
pub(crate) struct Mapper {
    endpoint: Endpoint,
    request: Request,
    paginate: Option<Paginate>,
    retries: u32,
    since: Option<Since>,
    /// Variant of `declare::OnInvalid`.
    on_invalid: &'static str,
}

impl Mapper {
    /// Reads and checks the keys of the walk, and checks the rest of the declaration against them. `None` if the
    /// endpoint is invalid, which is then among the errors.
    pub(crate) fn validate(
        args: &mut Args,
        endpoint: &Arg,
        func: &Func,
        models: &[Path],
        capabilities: &Capabilities,
        track_deletes: bool,
    ) -> Option<Self> {
        if let Some(second) = models.get(1) {
            args.errors
                .push_at(second.span(), "a mapper produces one model: write one mapper for each, or a sync by hand");
        }
        if let Some(checkpoint) = &capabilities.checkpoint {
            let message = "a mapper keeps its own resume point: remove `checkpoint`, or write the loop by hand without \
                           `endpoint`";
            args.errors.push_at(checkpoint.span(), message);
        }
        let metadata = capabilities.metadata.as_ref();
        let endpoint = Endpoint::validate(endpoint, metadata, &mut args.errors);
        let request = Request::validate(args, endpoint.as_ref(), metadata);
        let paginate = Paginate::validate(args);
        let retries = args.number32("retries", 0..=10).unwrap_or(0);
        let since = Since::validate(args, track_deletes);
        if let Some(endpoint) = &endpoint {
            let parameters = query_parameters(endpoint, paginate.as_ref(), since.as_ref());
            conflicts::check(&endpoint.text(), &parameters, &mut args.errors);
            for (key, name) in &parameters {
                if let Some(span) = request.query_parameter(&name.value()) {
                    args.errors.push_at(span, format!("`{key}` sends this parameter: remove one of the two"));
                }
            }
        }
        let on_invalid = args.choice("on_invalid", &[("fail", "Fail"), ("skip", "Skip")]).unwrap_or("Fail");
        check_signature(func, &mut args.errors);
        Some(Self { endpoint: endpoint?, request, paginate, retries, since, on_invalid })
    }

    /// Returns the static that describes the walk. `func` is the function with its marker.
    pub(crate) fn expand(&self, func: &Func, marker: &TokenStream) -> TokenStream {
        let (endpoint, retries) = (self.endpoint.expand(marker), self.retries);
        let request = self.request.expand(&self.endpoint, marker);
        let (paginate, since) =
            (parts::option_tokens(self.paginate.as_ref()), parts::option_tokens(self.since.as_ref()));
        let on_invalid = format_ident!("{}", self.on_invalid);
        let map = map(func, marker);
        quote! {
            static __MAPPER: __nango::Mapper = __nango::Mapper {
                endpoint: #endpoint,
                request: #request,
                paginate: #paginate,
                retries: #retries,
                since: #since,
                on_invalid: __nango::OnInvalid::#on_invalid,
                map: #map,
            };
        }
    }
}

fn is_list(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Vec"))
}

/// Returns the parameters of the pages and of `since` that are sent in the query, each with its key.
fn query_parameters<'a>(
    endpoint: &Endpoint,
    paginate: Option<&'a Paginate>,
    since: Option<&'a Since>,
) -> Vec<(&'static str, &'a LitStr)> {
    let in_body = paginate.and_then(Paginate::in_body).unwrap_or(!matches!(endpoint.method(), Method::Get));
    if in_body {
        return Vec::new();
    }
    let pages = paginate.into_iter().flat_map(Paginate::parameters);
    pages.chain(since.map(|since| ("since", since.param()))).collect()
}

fn check_signature(func: &Func, errors: &mut Errors) {
    let is_async = func.sig.asyncness.is_some();
    func.check(WHAT, if is_async { ASYNC } else { PLAIN }, false, errors);
    match (is_async, func.arity()) {
        (false, 1) => {}
        (true, 2) => func.check_handle("NangoSync", "an async mapper", ASYNC, errors),
        (false, 2) => {
            let message = format!("a mapper that takes the handle is async: `{ASYNC}`");
            errors.push_at(func.sig.fn_token.span(), message);
        }
        (true, 1) => {
            let message = format!(
                "with `endpoint` the loop is written for you, and the function maps one record: `{PLAIN}`, or `{ASYNC}`"
            );
            errors.push_at(func.sig.ident.span(), message);
        }
        (_, 0) => errors.push_at(
            func.sig.paren_token.span.close(),
            format!("a mapper takes the record as the API sends it: `{PLAIN}`"),
        ),
        (_, arity) => {
            let signature = if is_async { ASYNC } else { PLAIN };
            errors.push_at(func.param_span(arity - 1), format!("a mapper takes only the record: `{signature}`"));
        }
    }
    // An API may send rows as arrays, so a list alone is a valid record.
    if let (Some(raw), ReturnType::Type(_, returned)) = (func.param(usize::from(is_async)), &func.sig.output)
        && is_list(raw)
        && is_list(returned)
    {
        let message = format!(
            "a mapper takes one record, not the list of a page: `{PLAIN}`\nif the list is inside of the response, name its \
             path: `paginate(response_path = \"data.items\")`"
        );
        errors.push_at(raw.span(), message);
    }
    if let ReturnType::Type(_, ty) = &func.sig.output
        && matches!(**ty, Type::Tuple(_) | Type::Reference(_) | Type::Array(_) | Type::Slice(_))
    {
        let found = ty.to_token_stream();
        let message =
            format!("a mapper returns `Model`, `Option<Model>`, `Vec<Model>` or a `Result` of these, not `{found}`");
        errors.push_at(ty.span(), message);
    }
}

/// Returns the closure that calls the function for one record. Everything else is in `nango_core`.
fn map(func: &Func, marker: &TokenStream) -> TokenStream {
    let is_async = func.sig.asyncness.is_some();
    let raw = func.param(usize::from(is_async)).cloned().unwrap_or_else(|| parse_quote!(()));
    let (output, span) = func.output();
    let function = marker::with_span(&func.sig.ident, span);
    let marker = marker::respan(marker, span);
    if is_async {
        let decode = quote_spanned!(raw.span()=> __nango::decode::<#raw>);
        let (n, raw, record) = (local("n", span), local("raw", span), local("record", span));
        quote_spanned! {span=>
            __nango::MapRecord::Async(|#n, #raw| match #decode(&#raw) {
                ::core::result::Result::Ok(#record) => __nango::box_mapped::<#marker, _>(#function(#n.into(), #record)),
                ::core::result::Result::Err(error) => __nango::fail(error),
            })
        }
    } else {
        let (record, batch) = (local("record", span), local("batch", span));
        quote_spanned! {span=>
            __nango::MapRecord::Plain(|#record, #batch| {
                __nango::map_record::<#marker, #raw, #output>(#function, #record, #batch)
            })
        }
    }
}

fn local(name: &str, span: Span) -> Ident {
    Ident::new(name, span)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[&str] = &[
        "endpoint",
        "query",
        "headers",
        "body",
        "paginate",
        "retries",
        "since",
        "on_invalid",
        "checkpoint",
        "metadata",
    ];

    fn func(item: &str) -> Func {
        syn::parse_str(item).unwrap()
    }

    fn mapper(keys: &str, item: &str) -> Result<Mapper, Vec<String>> {
        let mut args = Args::parse("`#[sync]`", KEYS, keys.parse().unwrap());
        let capabilities = Capabilities::read(&mut args);
        let endpoint = args.take("endpoint").unwrap();
        let models = [parse_quote!(Issue)];
        let mapper = Mapper::validate(&mut args, &endpoint, &func(item), &models, &capabilities, false);
        match args.errors.or(()) {
            Ok(()) => Ok(mapper.unwrap()),
            Err(error) => Err(error.into_iter().map(|error| error.to_string()).collect()),
        }
    }

    #[test]
    fn only_the_endpoint_is_required() {
        let got = mapper("endpoint = \"/issues\"", "fn f(raw: Raw) -> Issue {}").unwrap();
        assert!(got.paginate.is_none() && got.since.is_none());
        assert_eq!((got.retries, got.on_invalid), (0, "Fail"));
        let keys = "endpoint = \"/issues\", paginate, retries = 3, since(param = \"since\"), on_invalid = \"skip\"";
        let got = mapper(keys, "async fn f(nango: NangoSync, raw: Raw) -> Result<Issue> {}").unwrap();
        assert!(got.paginate.is_some() && got.since.is_some());
        assert_eq!((got.retries, got.on_invalid), (3, "Skip"));
    }

    #[test]
    fn signature_of_a_mapper_is_checked() {
        let check = |item: &str, expect: &str| {
            let messages = mapper("endpoint = \"/issues\"", item).err().unwrap();
            assert!(matches!(messages.as_slice(), [message] if message.contains(expect)), "{item}: {messages:?}");
        };
        check("fn f() -> Issue {}", "takes the record as the API sends it");
        check("fn f(nango: NangoSync, raw: Raw) -> Issue {}", "a mapper that takes the handle is async");
        check("async fn f(raw: Raw) -> Result<Issue> {}", "the loop is written for you");
        check("async fn f(nango: NangoAction, raw: Raw) -> Result<Issue> {}", "takes `NangoSync` first");
        check("fn f(a: A, b: B, c: C) -> Issue {}", "takes only the record");
        check("fn f(raw: Raw) -> (A, B) {}", "a mapper returns `Model`");
        check("fn f<T>(raw: T) -> Issue {}", "cannot be generic");
        check("fn f(raw: Raw) {}", "needs a return type");
    }

    #[test]
    fn all_mistakes_are_in_one_error() {
        let keys = "endpoint = \"issues\", retries = 11, on_invalid = \"stop\", checkpoint = Position";
        let messages = mapper(keys, "fn f() {}").err().unwrap();
        let expect = [
            "keeps its own resume point",
            "starts with `/`",
            "from 0 to 10",
            "not \"stop\"",
            "needs a return type",
            "takes the record as the API sends it",
        ];
        assert_eq!(messages.len(), expect.len(), "{messages:?}");
        assert!(messages.iter().zip(expect).all(|(got, expect)| got.contains(expect)), "{messages:?}");
    }

    #[test]
    fn plain_mapper_is_passed_as_a_function_and_an_async_one_is_called() {
        let expanded = |item: &str| map(&func(item), &quote!(__f::f)).to_string().replace(' ', "");
        let plain = expanded("fn f(raw: Raw) -> Option<Issue> {}");
        assert!(plain.contains("map_record::<__f::f,Raw,Option<Issue>>(f,record,batch)"), "{plain}");
        let called = expanded("async fn f(nango: NangoSync, raw: Raw) -> Result<Issue> {}");
        assert!(called.contains("decode::<Raw>(&raw)") && called.contains("f(n.into(),record)"), "{called}");
    }
}

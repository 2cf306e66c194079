//! Mapper: a sync with an `endpoint`. It is a function of one record; the loop is in `nango_core::run`.

mod signature;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{LitStr, Path, parse_quote, spanned::Spanned};

use crate::{
    args::{Arg, Args},
    capability::Capabilities,
    conflicts,
    endpoint::{Endpoint, Method},
    error_at::ErrorAt,
    func::Func,
    marker,
    paginate::Paginate,
    parts,
    request::Request,
    since::Since,
};

/// Number of records of a page that an async mapper maps at the same time.
const RECORDS_AT_ONCE: u32 = 4;
/// Maximum number of models, which is the maximum number of parts of a returned tuple.
const MAX_MODELS: usize = 8;

/// A valid declaration of the walk of a mapper.
pub(crate) struct Mapper {
    endpoint: Endpoint,
    request: Request,
    paginate: Option<Paginate>,
    retries: u32,
    since: Option<Since>,
    errors: Vec<ErrorAt>,
    /// Variant of `declare::OnInvalid`.
    on_invalid: &'static str,
    records_at_once: u32,
    /// Number of models.
    models: usize,
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
        if let Some(ninth) = models.get(MAX_MODELS) {
            let message = format!("a mapper has at most {MAX_MODELS} models: write several mappers, or a sync by hand");
            args.errors.push_at(ninth.span(), message);
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
        let errors = ErrorAt::all(args);
        let on_invalid = args.choice("on_invalid", &[("fail", "Fail"), ("skip", "Skip")]).unwrap_or("Fail");
        let records_at_once = records_at_once(args, func);
        signature::check(func, metadata, models.len(), &mut args.errors);
        let models = models.len();
        Some(Self {
            endpoint: endpoint?,
            request,
            paginate,
            retries,
            since,
            errors,
            on_invalid,
            records_at_once,
            models,
        })
    }

    /// Returns the static that describes the walk. `func` is the function with its marker.
    pub(crate) fn expand(&self, func: &Func, marker: &TokenStream) -> TokenStream {
        let (endpoint, retries) = (self.endpoint.expand(marker), self.retries);
        let request = self.request.expand(&self.endpoint, marker);
        let items = self.endpoint.items();
        let (paginate, since) =
            (parts::option_tokens(self.paginate.as_ref()), parts::option_tokens(self.since.as_ref()));
        let errors = &self.errors;
        let on_invalid = format_ident!("{}", self.on_invalid);
        let map = map_of_models(func, self.models, map(func, self.records_at_once, marker), marker);
        quote! {
            #items
            static __MAPPER: __nango::Mapper = __nango::Mapper {
                endpoint: #endpoint,
                request: #request,
                paginate: #paginate,
                retries: #retries,
                since: #since,
                errors: &[#(#errors),*],
                on_invalid: __nango::OnInvalid::#on_invalid,
                each: ::core::option::Option::None,
                delta: ::core::option::Option::None,
                map: #map,
            };
        }
    }
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

fn records_at_once(args: &mut Args, func: &Func) -> u32 {
    let key = args.peek("records_at_once").map(|arg| arg.key.span());
    let number = args.number32("records_at_once", 1..=64);
    if let (Some(span), None) = (key, func.sig.asyncness) {
        let message = "`records_at_once` is for async mappers, which wait for requests: a plain mapper maps one record \
                       after the other; remove the key";
        args.errors.push_at(span, message);
    }
    number.unwrap_or(RECORDS_AT_ONCE)
}

/// Adds the check of the parts that the function returns, if it maps a record to several models.
fn map_of_models(func: &Func, models: usize, map: TokenStream, marker: &TokenStream) -> TokenStream {
    if models < 2 {
        return map;
    }
    let (output, span) = func.output();
    let marker = marker::respan(marker, span);
    quote_spanned!(span=> __nango::map_of_models::<#marker, #output>(#models, #map))
}

/// Returns the closure that calls the function for one record. Everything else is in `nango_core`.
fn map(func: &Func, records_at_once: u32, marker: &TokenStream) -> TokenStream {
    let is_async = func.sig.asyncness.is_some();
    let at = usize::from(is_async);
    let raw = func.param(at).cloned().unwrap_or_else(|| parse_quote!(()));
    let takes_metadata = func.param(at + 1).is_some();
    let (output, span) = func.output();
    let function = marker::with_span(&func.sig.ident, span);
    let marker = marker::respan(marker, span);
    let (record, batch, metadata) = (local("record", span), local("batch", span), local("metadata", span));
    if !is_async {
        if !takes_metadata {
            return quote_spanned! {span=>
                __nango::MapRecord::Plain(|#record, #batch| {
                    __nango::map_record::<#marker, #raw, #output>(#function, #record, #batch)
                })
            };
        }
        return quote_spanned! {span=>
            __nango::MapRecord::PlainWith {
                metadata: __nango::shared_metadata::<#marker>,
                map: |#metadata, #record, #batch| {
                    __nango::map_record_with::<#marker, #raw, #output>(#function, #metadata, #record, #batch)
                },
            }
        };
    }
    let records_at_once = Literal::u32_unsuffixed(records_at_once);
    let (raw_type, raw_span) = (&raw, raw.span());
    let (n, raw) = (local("n", span), local("raw", span));
    if !takes_metadata {
        let decode = quote_spanned!(raw_span=> __nango::decode::<#raw_type>);
        return quote_spanned! {span=>
            __nango::MapRecord::Async {
                records_at_once: #records_at_once,
                map: |#n, #raw| match #decode(&#raw) {
                    ::core::result::Result::Ok(#record) => {
                        __nango::box_mapped::<#marker, _>(#function(#n.into(), #record))
                    }
                    ::core::result::Result::Err(error) => __nango::fail(error),
                },
            }
        };
    }
    let decode = quote_spanned!(raw_span=> __nango::decode_with::<#marker, #raw_type>);
    // The call borrows the metadata, so that its future must own it.
    quote_spanned! {span=>
        __nango::MapRecord::AsyncWith {
            records_at_once: #records_at_once,
            metadata: __nango::shared_metadata::<#marker>,
            map: |#metadata, #n, #raw| match #decode(#metadata, &#raw) {
                ::core::result::Result::Ok((#record, #metadata)) => __nango::box_mapped::<#marker, _>(async move {
                    #function(#n.into(), #record, &*#metadata).await
                }),
                ::core::result::Result::Err(error) => __nango::fail(error),
            },
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
        "records_at_once",
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
        let expanded = |item: &str| map(&func(item), 8, &quote!(__f::f)).to_string().replace(' ', "");
        let plain = expanded("fn f(raw: Raw) -> Option<Issue> {}");
        assert!(plain.contains("map_record::<__f::f,Raw,Option<Issue>>(f,record,batch)"), "{plain}");
        let called = expanded("async fn f(nango: NangoSync, raw: Raw) -> Result<Issue> {}");
        assert!(called.contains("decode::<Raw>(&raw)") && called.contains("f(n.into(),record)"), "{called}");
        assert!(called.contains("records_at_once:8,"), "{called}");
    }

    #[test]
    fn parts_are_checked_only_for_several_models() {
        let expanded = |models| {
            let func = func("fn f(raw: Raw) -> (Order, Vec<Line>) {}");
            map_of_models(&func, models, quote!(map), &quote!(__f::f)).to_string().replace(' ', "")
        };
        assert_eq!(expanded(1), "map");
        assert_eq!(expanded(2), "__nango::map_of_models::<__f::f,(Order,Vec<Line>)>(2usize,map)");
    }

    #[test]
    fn metadata_is_decoded_once_and_passed_by_reference() {
        let expanded = |item: &str| map(&func(item), 4, &quote!(__f::f)).to_string().replace(' ', "");
        let plain = expanded("fn f(raw: Raw, metadata: &Team) -> Issue {}");
        assert!(plain.contains("map_record_with::<__f::f,Raw,Issue>(f,metadata,record,batch)"), "{plain}");
        let called = expanded("async fn f(nango: NangoSync, raw: Raw, metadata: &Team) -> Result<Issue> {}");
        assert!(called.contains("asyncmove{f(n.into(),record,&*metadata).await}"), "{called}");
    }

    #[test]
    fn number_of_records_at_once_is_for_async_mappers() {
        let keys = "endpoint = \"/issues\", records_at_once = 64";
        let item = "async fn f(nango: NangoSync, raw: Raw) -> Result<Issue> {}";
        assert_eq!(mapper(keys, item).unwrap().records_at_once, 64);
        assert_eq!(mapper("endpoint = \"/issues\"", item).unwrap().records_at_once, 4);
        let messages = mapper(keys, "fn f(raw: Raw) -> Issue {}").err().unwrap();
        assert!(matches!(messages.as_slice(), [message] if message.contains("is for async mappers")), "{messages:?}");
        let messages = mapper("endpoint = \"/issues\", records_at_once = 65", item).err().unwrap();
        assert!(messages[0].contains("from 1 to 64"), "{messages:?}");
    }
}

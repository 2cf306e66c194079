//! Mapper: a sync with an `endpoint`. It is a function of one record; the loop is in `nango_core::run`.

mod each_signature;
mod map;
mod signature;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{LitStr, Path, Type, spanned::Spanned};

use crate::{
    args::{Arg, Args},
    capability::Capabilities,
    conflicts,
    deletes::Deletes,
    delta::Delta,
    each::Each,
    endpoint::{Endpoint, Method},
    error_at::ErrorAt,
    func::Func,
    paginate::Paginate,
    parts,
    request::Request,
    scope::Scope,
    since::Since,
};

/// Number of records of a page that an async mapper maps at the same time.
const RECORDS_AT_ONCE: u32 = 4;
/// Maximum number of models, which is the maximum number of parts of a returned tuple.
const MAX_MODELS: usize = 8;

/// A valid declaration of the walk of a mapper.
pub(crate) struct Mapper {
    /// Type of the connection's metadata.
    metadata: Option<Type>,
    each: Option<Each>,
    endpoint: Endpoint,
    request: Request,
    paginate: Option<Paginate>,
    retries: u32,
    since: Option<Since>,
    delta: Option<Delta>,
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
        deletes: &Deletes,
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
        let each = each(args, metadata, deletes);
        let scope = Scope { metadata, each: each.as_ref() };
        let endpoint = Endpoint::validate(endpoint, scope, &mut args.errors);
        let request = Request::validate(args, endpoint.as_ref(), scope);
        let paginate = Paginate::validate(args);
        let retries = args.number32("retries", 0..=10).unwrap_or(0);
        let has_since = args.has("since");
        let since = Since::validate(args, deletes.track);
        let delta = Delta::validate(args, scope, has_since);
        if let Some(delta) = &delta {
            delta.check_pages(paginate.as_ref().and_then(Paginate::kind), &mut args.errors);
        }
        if let Some(endpoint) = &endpoint {
            check_parameters(args, endpoint, &request, (paginate.as_ref(), since.as_ref(), delta.as_ref()));
            if let Some(each) = each.as_ref().filter(|_| !endpoint.uses_each() && !request.may_use_each()) {
                let message = "the requests do not use the parent, so that each would return the same list: write \
                               `{each.id}` in the endpoint, or `each` in `query(…)`, `headers(…)` or `body = …`";
                args.errors.push_at(each.span(), message);
            }
        }
        let errors = ErrorAt::all(args, each.is_some());
        let on_invalid = args.choice("on_invalid", &[("fail", "Fail"), ("skip", "Skip")]).unwrap_or("Fail");
        let records_at_once = records_at_once(args, func);
        signature::check(func, metadata, each.as_ref(), models.len(), &mut args.errors);
        let (metadata, endpoint) = (metadata.cloned(), endpoint?);
        Some(Self {
            metadata,
            each,
            endpoint,
            request,
            paginate,
            retries,
            since,
            delta,
            errors,
            on_invalid,
            records_at_once,
            models: models.len(),
        })
    }

    fn scope(&self) -> Scope<'_> {
        Scope { metadata: self.metadata.as_ref(), each: self.each.as_ref() }
    }

    /// Returns whether the requests or the function of a mapper with `each` use the metadata.
    fn uses_metadata(&self, func: &Func) -> bool {
        self.endpoint.uses_metadata(self.each.as_ref())
            || self.request.may_use_metadata()
            || self.delta.as_ref().is_some_and(Delta::may_use_metadata)
            || func.param(2 + usize::from(func.sig.asyncness.is_some())).is_some()
    }

    /// Returns the static that describes the walk. `func` is the function with its marker.
    pub(crate) fn expand(&self, func: &Func, marker: &TokenStream) -> TokenStream {
        let scope = self.scope();
        let (endpoint, retries) = (self.endpoint.expand(scope, marker), self.retries);
        let request = self.request.expand(&self.endpoint, scope, marker);
        let items = self.endpoint.items();
        let (paginate, since) =
            (parts::option_tokens(self.paginate.as_ref()), parts::option_tokens(self.since.as_ref()));
        let errors = &self.errors;
        let on_invalid = format_ident!("{}", self.on_invalid);
        let each_items = self
            .each
            .as_ref()
            .map(|each| each.items(&self.request.expand_each(scope, marker), self.uses_metadata(func), marker));
        let each = parts::option_tokens(self.each.as_ref().map(|_| quote!(&__EACH)));
        let delta_items = self.delta.as_ref().map(|delta| delta.items(scope, marker));
        let delta = parts::option_tokens(self.delta.as_ref().map(|_| quote!(&__DELTA)));
        let map = map::map(func, self.records_at_once, self.each.as_ref(), self.models, marker);
        quote! {
            #items
            #each_items
            #delta_items
            static __MAPPER: __nango::Mapper = __nango::Mapper {
                endpoint: #endpoint,
                request: #request,
                paginate: #paginate,
                retries: #retries,
                since: #since,
                errors: &[#(#errors),*],
                on_invalid: __nango::OnInvalid::#on_invalid,
                each: #each,
                delta: #delta,
                map: #map,
            };
        }
    }
}

/// Reads the parents, and checks the rest of the declaration against them.
fn each(args: &mut Args, metadata: Option<&Type>, deletes: &Deletes) -> Option<Each> {
    let each = Each::validate(args)?;
    if each.is_in_metadata() && metadata.is_none() {
        let message = "`each = metadata.…` is a list in the metadata of the connection: add `metadata = YourType`";
        args.errors.push_at(each.span(), message);
    }
    if let Some(span) = deletes.confirm_request() {
        let message = "`confirm_deletes(get = …)` is not available with `each`, because the request has no parent: \
                       write `confirm_deletes = 2`, the number of walks that do not return the record";
        args.errors.push_at(span, message);
    }
    Some(each)
}

/// Reports parameters that are set twice.
fn check_parameters(
    args: &mut Args,
    endpoint: &Endpoint,
    request: &Request,
    (paginate, since, delta): (Option<&Paginate>, Option<&Since>, Option<&Delta>),
) {
    let in_body = paginate.and_then(Paginate::in_body).unwrap_or(!matches!(endpoint.method(), Method::Get));
    if in_body {
        return;
    }
    let pages: Vec<_> = paginate.into_iter().flat_map(Paginate::parameters).collect();
    let since = since.map(|since| ("since", since.param()));
    // The parameter of the pages may carry the position too.
    let delta = delta.into_iter().flat_map(Delta::parameters);
    let delta = delta.filter(|(key, name)| {
        let is_of_pages = pages.iter().any(|(_, page)| page.value() == name.value());
        *key != "delta" || !is_of_pages
    });
    let parameters: Vec<(&str, &LitStr)> = pages.iter().copied().chain(since).chain(delta).collect();
    conflicts::check(&endpoint.text(), &parameters, &mut args.errors);
    for (key, name) in &parameters {
        if let Some(span) = request.query_parameter(&name.value()) {
            args.errors.push_at(span, format!("`{key}` sends this parameter: remove one of the two"));
        }
    }
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

#[cfg(test)]
mod tests;

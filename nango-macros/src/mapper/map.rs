//! The closure of the descriptor that calls the function of a mapper.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::quote_spanned;
use syn::{Type, parse_quote, spanned::Spanned};

use crate::{each::Each, func::Func, marker};

/// Returns the closure that calls the function for one record. Everything else is in `nango_core`.
pub(super) fn map(
    func: &Func,
    records_at_once: u32,
    each: Option<&Each>,
    models: usize,
    marker: &TokenStream,
) -> TokenStream {
    let map = match each {
        Some(each) => map_each(func, records_at_once, each, marker),
        None => map_one_list(func, records_at_once, marker),
    };
    map_of_models(func, models, map, marker)
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

/// Returns the closure of a mapper without `each`.
fn map_one_list(func: &Func, records_at_once: u32, marker: &TokenStream) -> TokenStream {
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

/// Returns the closure of a mapper with `each`, which takes the parent before the record.
fn map_each(func: &Func, records_at_once: u32, each: &Each, marker: &TokenStream) -> TokenStream {
    let is_async = func.sig.asyncness.is_some();
    let at = usize::from(is_async);
    let raw: Type = func.param(at + 1).cloned().unwrap_or_else(|| parse_quote!(()));
    let takes_metadata = func.param(at + 2).is_some();
    let (output, span) = func.output();
    let function = marker::with_span(&func.sig.ident, span);
    let marker = marker::respan(marker, span);
    let scope = local("scope", span);
    // A parent of another type than declared is reported at the parameter.
    let parent_span = func.param_span(at);
    let (record, raw_text, parent, metadata) =
        (local("record", span), local("raw", span), local("each", parent_span), local("metadata", span));
    if !is_async {
        let batch = local("batch", span);
        let value = each.parent(&scope, &marker, span);
        let bind =
            takes_metadata.then(|| quote_spanned!(span=> let #metadata = __nango::metadata_of::<#marker>(#scope)?;));
        let argument = takes_metadata.then(|| quote_spanned!(span=> , #metadata));
        return quote_spanned! {span=>
            __nango::MapRecord::PlainEach(|#scope, #raw_text, #batch| {
                let #parent = #value;
                #bind
                __nango::map_each::<#marker, #raw, #output>(#raw_text, #batch, |#record| {
                    #function(#parent, #record #argument)
                })
            })
        };
    }
    let records_at_once = Literal::u32_unsuffixed(records_at_once);
    let (raw_type, raw_span) = (&raw, raw.span());
    let n = local("n", span);
    let decode = quote_spanned!(raw_span=> __nango::decode::<#raw_type>);
    let value = each.shared_parent(&scope, &marker, span);
    let shared = takes_metadata.then(|| quote_spanned!(span=> , __nango::shared_metadata_of::<#marker>(&#scope)?));
    let pattern = takes_metadata.then(|| quote_spanned!(span=> , #metadata));
    let argument = takes_metadata.then(|| quote_spanned!(span=> , &*#metadata));
    let by_reference = quote_spanned!(parent_span=> &*#parent);
    // The call borrows the parent and the metadata, so that its future must own them.
    quote_spanned! {span=>
        __nango::MapRecord::AsyncEach {
            records_at_once: #records_at_once,
            map: |#scope, #n, #raw_text| match #decode(&#raw_text)
                .and_then(|#record| ::core::result::Result::Ok((#record, #value #shared)))
            {
                ::core::result::Result::Ok((#record, #parent #pattern)) => {
                    __nango::box_mapped::<#marker, _>(async move {
                        #function(#n.into(), #by_reference, #record #argument).await
                    })
                }
                ::core::result::Result::Err(error) => __nango::fail(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;
    use crate::args::Args;

    fn func(item: &str) -> Func {
        syn::parse_str(item).unwrap()
    }

    #[test]
    fn plain_mapper_is_passed_as_a_function_and_an_async_one_is_called() {
        let expanded = |item: &str| map(&func(item), 8, None, 1, &quote!(__f::f)).to_string().replace(' ', "");
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
        let expanded = |item: &str| map(&func(item), 4, None, 1, &quote!(__f::f)).to_string().replace(' ', "");
        let plain = expanded("fn f(raw: Raw, metadata: &Team) -> Issue {}");
        assert!(plain.contains("map_record_with::<__f::f,Raw,Issue>(f,metadata,record,batch)"), "{plain}");
        let called = expanded("async fn f(nango: NangoSync, raw: Raw, metadata: &Team) -> Result<Issue> {}");
        assert!(called.contains("asyncmove{f(n.into(),record,&*metadata).await}"), "{called}");
    }

    #[test]
    fn parent_is_passed_before_the_record() {
        let expanded = |each: &str, item: &str| {
            let mut args = Args::parse("`#[sync]`", &["each"], format!("each = {each}").parse().unwrap());
            let each = Each::validate(&mut args).unwrap();
            map(&func(item), 4, Some(&each), 1, &quote!(__f::f)).to_string().replace(' ', "")
        };
        let plain = expanded("Channel", "fn f(channel: &Channel, raw: Raw, team: &Team) -> Issue {}");
        assert!(plain.contains("leteach=__nango::parent::<__Parent>(scope)?;"), "{plain}");
        assert!(plain.contains("map_each::<__f::f,Raw,Issue>(raw,batch,|record|{f(each,record,metadata)})"), "{plain}");
        let item = "async fn f(nango: NangoSync, repo: &Repo, raw: Raw) -> Result<Issue> {}";
        let called = expanded("metadata.repos", item);
        let expect = "letlist=__nango::parent_list::<__f::f,_>(|m|&m.repos);\
                      __nango::shared_element::<__f::f,_>(&scope,list)?";
        assert!(called.contains(expect), "{called}");
        assert!(called.contains("asyncmove{f(n.into(),&*each,record).await}"), "{called}");
    }
}

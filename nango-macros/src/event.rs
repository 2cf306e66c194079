//! Expansion of `#[on_event]`: a function that runs when a connection is created, validated or deleted.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

use crate::{
    args::{Args, Value, list},
    func::{Func, capability},
    marker, parts,
    sync::schema,
};

const WHAT: &str = "`#[on_event]`";
const EXAMPLE: &str = "async fn name(nango: NangoAction) -> Result<()>";
const EVENTS: [(&str, &str); 3] = [
    ("post_connection_creation", "PostConnectionCreation"),
    ("pre_connection_deletion", "PreConnectionDeletion"),
    ("validate_connection", "ValidateConnection"),
];
const KEYS: &[&str] = &[
    "post_connection_creation",
    "pre_connection_deletion",
    "validate_connection",
    "integration",
    "name",
    "description",
    "metadata",
];

pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut args = Args::parse(WHAT, KEYS, args);
    let mut func = match Func::read(WHAT, EXAMPLE, item) {
        Ok(func) => func,
        Err(tokens) => return tokens,
    };
    let ident = func.sig.ident.clone();
    let marker = marker::path(&ident, Span::call_site());
    let event = Ident::new(event(&mut args), Span::call_site());
    let head = parts::descriptor_fields(&mut args, &func);
    let metadata = args.ty("metadata");
    func.check(WHAT, EXAMPLE, true, &mut args.errors);
    if func.sig.asyncness.is_some() || func.has_handle() {
        func.inject("NangoAction", WHAT, EXAMPLE, &marker, &mut args.errors);
    }
    if func.arity() > 1 {
        args.errors.push_at(func.param_span(1), format!("{WHAT} takes only the handle: `{EXAMPLE}`"));
    }
    let has_metadata = capability("Metadata", metadata.as_ref(), &marker);
    if !args.errors.is_empty() {
        return func.with_errors(args.errors, &has_metadata);
    }

    let (_, span) = func.output();
    let function = marker::with_span(&ident, span);
    let run = quote_spanned!(span=> |n| __nango::box_sync(#function(n.into())));
    let metadata = schema("metadata_schema", metadata.as_ref(), &marker);
    let cfgs = func.cfgs();
    let marker_type = marker::define(&ident, &func.vis, &cfgs);
    quote! {
        #func
        #marker_type
        #(#cfgs)*
        const _: () = {
            use ::__nango_core::__private as __nango;
            #has_metadata
            static __DEF: __nango::EventDef = __nango::EventDef {
                #head
                event: __nango::Event::#event,
                metadata: #metadata,
                run: #run,
            };
            __nango::inventory::submit!(__nango::Item::Event(&__DEF));
        };
    }
}

/// Reads the event. Returns the name of its `declare::Event` variant.
fn event(args: &mut Args) -> &'static str {
    let name: Vec<_> = EVENTS.iter().filter_map(|(key, variant)| Some((args.take(key)?, *variant))).collect();
    for (arg, _) in &name {
        if !matches!(arg.value, Value::Flag) {
            args.errors.push_at(arg.key.span(), format!("an event has no value: `#[on_event({})]`", arg.key));
        }
    }
    match name.as_slice() {
        [] => {
            if args.errors.is_empty() {
                let events: Vec<&str> = EVENTS.iter().map(|(key, _)| *key).collect();
                let message = format!("{WHAT} needs the event: one of {}", list(&events));
                args.errors.push_at(Span::call_site(), message);
            }
            EVENTS[0].1
        }
        [(_, variant)] => variant,
        [_, (second, variant), ..] => {
            args.errors.push_at(second.key.span(), "a function runs on one event: write one function for each");
            variant
        }
    }
}

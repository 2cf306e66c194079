//! `#[on_event]`: a function that runs when a connection is created, validated or deleted.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Result;

use crate::{
    args::{Args, Value, list},
    capability::Capabilities,
    func::Func,
    marker,
    parts::Head,
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
    let args = Args::parse(WHAT, KEYS, args);
    let func = match Func::read(WHAT, EXAMPLE, item) {
        Ok(func) => func,
        Err(tokens) => return tokens,
    };
    let capabilities = Capabilities::of(&args);
    match EventDeclaration::validate(args, &func) {
        Ok(declaration) => declaration.expand(func),
        Err(error) => {
            let marker = marker::path(&func.sig.ident, Span::call_site());
            func.with_errors(error, &capabilities.impls(&marker))
        }
    }
}

/// A valid declaration of a function that runs on an event.
struct EventDeclaration {
    /// Variant of `declare::Event`.
    event: &'static str,
    head: Head,
    capabilities: Capabilities,
}

impl EventDeclaration {
    /// Checks the arguments and the signature. The error contains all mistakes.
    fn validate(mut args: Args, func: &Func) -> Result<Self> {
        let declaration = Self {
            event: event(&mut args),
            head: Head::read(&mut args, func),
            capabilities: Capabilities::read(&mut args),
        };
        func.check(WHAT, EXAMPLE, true, &mut args.errors);
        if func.sig.asyncness.is_some() || func.has_handle() {
            func.check_handle("NangoAction", WHAT, EXAMPLE, &mut args.errors);
        }
        if func.arity() > 1 {
            args.errors.push_at(func.param_span(1), format!("{WHAT} takes only the handle: `{EXAMPLE}`"));
        }
        args.errors.or(declaration)
    }

    fn expand(&self, func: Func) -> TokenStream {
        let Self { event, head, capabilities } = self;
        let event = Ident::new(event, Span::call_site());
        let marker = marker::path(&func.sig.ident, Span::call_site());
        let (_, span) = func.output();
        let function = marker::with_span(&func.sig.ident, span);
        let run = quote_spanned!(span=> |n| __nango::box_sync(#function(n.into())));
        let (has, metadata) = (capabilities.impls(&marker), capabilities.metadata_type(&marker));
        let func = func.with_marker(&marker);
        let cfgs = func.cfgs();
        let marker_type = marker::define(&func.sig.ident, &func.vis, &cfgs);
        quote! {
            #func
            #marker_type
            #(#cfgs)*
            const _: () = {
                use ::__nango_core::__private as __nango;
                #has
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

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: &str = "async fn welcome(nango: NangoAction) -> Result<()> {}";

    fn declaration(args: &str, item: &str) -> Result<EventDeclaration> {
        let func = syn::parse_str(item).unwrap();
        EventDeclaration::validate(Args::parse(WHAT, KEYS, args.parse().unwrap()), &func)
    }

    #[test]
    fn event_is_the_key_without_a_value() {
        let event = |args: &str| declaration(args, ITEM).map(|declaration| declaration.event);
        assert_eq!(event("validate_connection, name = \"check\"").unwrap(), "ValidateConnection");
        let check = |args: &str, expect: &str| {
            let error = event(args).unwrap_err().to_string();
            assert!(error.contains(expect), "{args}: {error}");
        };
        check("", "needs the event: one of `post_connection_creation`");
        check("validate_connection = true", "an event has no value");
        check("validate_connection, pre_connection_deletion", "runs on one event");
        check("validate_conection", "did you mean `validate_connection`?");
    }

    #[test]
    fn function_on_an_event_takes_only_the_handle() {
        let error = declaration("validate_connection", "async fn f(nango: NangoAction, a: A) -> Result<()> {}");
        assert!(error.err().unwrap().to_string().contains("takes only the handle"));
    }
}

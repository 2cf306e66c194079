//! The tokens of a sync.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Error, Path, spanned::Spanned};

use super::declaration::SyncDeclaration;
use crate::{capability::Capabilities, func::Func, marker, parts};

/// Returns the function with its descriptor.
pub(super) fn expand(declaration: &SyncDeclaration, func: Func) -> TokenStream {
    let SyncDeclaration { head, version, models, auto_start, scopes, capabilities, deletes, .. } = declaration;
    let function = func.sig.ident.clone();
    let marker = marker::path(&function, Span::call_site());
    // A mapper without a handle stays as it is.
    let func = if func.sig.asyncness.is_some() { func.with_marker(&marker) } else { func };
    let frequency = parts::option_tokens(declaration.frequency.as_ref().map(|frequency| {
        let (text, seconds) = (frequency.text(), frequency.seconds());
        quote!(__nango::Frequency::declared(#text, #seconds))
    }));
    let merging = format_ident!("{}", declaration.merging);
    let (items, run) = run(declaration, &func, &marker);
    let (confirm, track_deletes, deletes) = (deletes.items(&marker), deletes.track, deletes.settings());
    let has = capabilities.impls(&marker);
    let (saves, infos) = saves(models, &marker);
    let checkpoint = capabilities.checkpoint_type(&marker);
    let metadata = capabilities.metadata_type(&marker);
    let cfgs = func.cfgs();
    let marker_type = marker::define(&function, &func.vis, &cfgs);
    quote! {
        #func
        #marker_type
        #(#cfgs)*
        const _: () = {
            use ::__nango_core::__private as __nango;
            #saves
            #has
            #items
            #confirm
            static __DEF: __nango::SyncDef = __nango::SyncDef {
                #head
                version: #version,
                frequency: #frequency,
                auto_start: #auto_start,
                track_deletes: #track_deletes,
                deletes: #deletes,
                merging: __nango::Merging::#merging,
                scopes: &[#(#scopes),*],
                models: &[#infos],
                checkpoint: #checkpoint,
                metadata: #metadata,
                run: #run,
            };
            impl __nango::SyncMarker for #marker {
                const DEF: &'static __nango::SyncDef = &__DEF;
            }
            __nango::inventory::submit!(__nango::Item::Sync(&__DEF));
        };
    }
}

/// Returns a sync with errors: the function, and a descriptor without content, so that its webhook handler reports no
/// error of its own.
pub(super) fn placeholder(func: Func, error: Error, capabilities: &Capabilities) -> TokenStream {
    let marker = marker::path(&func.sig.ident, Span::call_site());
    let (def, has) = (placeholder_def(&marker), capabilities.impls(&marker));
    func.with_errors(error, &quote!(#def #has))
}

fn placeholder_def(marker: &TokenStream) -> TokenStream {
    quote! {
        static __DEF: __nango::SyncDef = __nango::SyncDef {
            at: __nango::Location { file: "", line: 0, function: "" },
            integration: "",
            name: "",
            description: "",
            version: "",
            frequency: ::core::option::Option::None,
            auto_start: false,
            track_deletes: false,
            deletes: __nango::Deletes::standard(),
            merging: __nango::Merging::Newer,
            scopes: &[],
            models: &[],
            checkpoint: ::core::option::Option::None,
            metadata: ::core::option::Option::None,
            run: __nango::SyncRun::Function(|_| loop {}),
        };
        impl __nango::SyncMarker for #marker {
            const DEF: &'static __nango::SyncDef = &__DEF;
        }
    }
}

/// Returns the items that describe the walk of a mapper, and the descriptor's `run`.
fn run(declaration: &SyncDeclaration, func: &Func, marker: &TokenStream) -> (TokenStream, TokenStream) {
    if let Some(mapper) = &declaration.mapper {
        return (mapper.expand(func, marker), quote!(__nango::SyncRun::Mapper(&__MAPPER)));
    }
    // The span of the return type, so that a wrong type is reported there.
    let (_, span) = func.output();
    let function = marker::with_span(&func.sig.ident, span);
    (TokenStream::new(), quote_spanned!(span=> __nango::SyncRun::Function(|n| __nango::box_sync(#function(n.into())))))
}

/// Returns `impl Saves<Model>` for each model, and the models' descriptors. Each model is named once, in an alias, so
/// that an unknown model is reported once.
fn saves(models: &[Path], marker: &TokenStream) -> (TokenStream, TokenStream) {
    let (mut saves, mut infos) = (TokenStream::new(), TokenStream::new());
    for (i, model) in models.iter().enumerate() {
        let span = model.span();
        let alias = format_ident!("__M{i}", span = span);
        // The index of the first model is the default.
        let index = (i > 0).then(|| quote_spanned!(span=> const INDEX: usize = #i;));
        saves.extend(quote_spanned!(span=> type #alias = #model; impl __nango::Saves<#alias> for #marker { #index }));
        infos.extend(quote_spanned!(span=> <#alias as __nango::Record>::RECORD,));
    }
    (saves, infos)
}

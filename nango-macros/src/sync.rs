//! Expansion of `#[sync]`: an async function that saves records by hand, or a mapper of one record.

use nango_grammar::Frequency;
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Path, Type, spanned::Spanned};

use crate::{
    args::Args,
    deletes::{self, Deletes},
    func::{Func, capability},
    mapper, marker, parts,
};

const WHAT: &str = "`#[sync]`";
const EXAMPLE: &str = "async fn name(nango: NangoSync) -> Result<()>";
const KEYS: &[&str] = &[
    "model",
    "models",
    "integration",
    "name",
    "description",
    "version",
    "frequency",
    "auto_start",
    "scopes",
    "checkpoint",
    "metadata",
    "merging",
    "endpoint",
    "paginate",
    "retries",
    "since",
    "on_invalid",
    "track_deletes",
    "confirm_deletes",
    "hold",
    "max_deletes",
];

/// Keys that only a mapper has, and the message for a function that is not a mapper.
const NEED_ENDPOINT: [(&str, &str); 5] = [
    ("paginate", "`paginate` needs an `endpoint`: the two make a mapper sync"),
    ("retries", "`retries` needs an `endpoint`: a sync by hand sets it on the request: `nango.get(…).retries(3)`"),
    ("since", "`since` needs an `endpoint`: a sync by hand stores its position in a `checkpoint`"),
    ("on_invalid", "`on_invalid` needs an `endpoint`: a sync by hand decides what it saves"),
    (
        "track_deletes",
        "`track_deletes` needs an `endpoint`: a sync by hand starts `let scan = \
         nango.full_scan::<YourModel>().await?;` and ends with `scan.finish().await?`",
    ),
];

pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut args = Args::parse(WHAT, KEYS, args);
    let mut func = match Func::read(WHAT, EXAMPLE, item) {
        Ok(func) => func,
        Err(tokens) => return tokens,
    };
    let function = func.sig.ident.clone();
    let marker = marker::path(&function, proc_macro2::Span::call_site());
    let models = args.models();
    let head = parts::descriptor_fields(&mut args, &func);
    let version = parts::version(&mut args);
    let frequency = parts::option_tokens(frequency(&mut args));
    let auto_start = args.flag("auto_start").unwrap_or(true);
    let scopes = args.strings("scopes");
    let checkpoint = args.ty("checkpoint");
    let metadata = args.ty("metadata");
    let merging = args.choice("merging", &[("newer", "Newer"), ("override", "Override")]).unwrap_or("Newer");
    let merging = format_ident!("{merging}");

    let mapper = args.take("endpoint");
    let deletes = deletes::read(&mut args, mapper.is_some(), metadata.as_ref(), &marker);
    let run = match mapper {
        Some(endpoint) => {
            let declared = mapper::Declared {
                models: &models,
                checkpoint: checkpoint.as_ref(),
                metadata: metadata.as_ref(),
                track_deletes: deletes.track,
            };
            mapper::expand(&mut args, &endpoint, &mut func, &marker, &declared)
        }
        None => function_run(&mut args, &mut func, &marker),
    };

    let has_checkpoint = capability("Checkpoint", checkpoint.as_ref(), &marker);
    let has_metadata = capability("Metadata", metadata.as_ref(), &marker);
    if !args.errors.is_empty() {
        let unfinished = placeholder_def(&marker);
        return func.with_errors(args.errors, &quote!(#unfinished #has_checkpoint #has_metadata));
    }

    let (saves, infos) = saves(&models, &marker);
    let checkpoint = schema("checkpoint_schema", checkpoint.as_ref(), &marker);
    let metadata = schema("metadata_schema", metadata.as_ref(), &marker);
    let Deletes { track: track_deletes, settings: deletes, items: confirm } = deletes;
    let (items, run) = run;
    let cfgs = func.cfgs();
    let marker_type = marker::define(&function, &func.vis, &cfgs);
    quote! {
        #func
        #marker_type
        #(#cfgs)*
        const _: () = {
            use ::__nango_core::__private as __nango;
            #saves
            #[diagnostic::do_not_recommend]
            impl __nango::Saves<__nango::NoModel> for #marker {}
            #has_checkpoint
            #has_metadata
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

/// Returns a placeholder descriptor for a sync with errors, so that its webhook handler reports no error of its own.
fn placeholder_def(marker: &TokenStream) -> TokenStream {
    quote! {
        static __DEF: __nango::SyncDef = __nango::SyncDef {
            at: __nango::Location { file: "", line: 0 },
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

/// Checks an async function, and returns the descriptor's `run` for it.
fn function_run(args: &mut Args, func: &mut Func, marker: &TokenStream) -> (TokenStream, TokenStream) {
    for (key, message) in NEED_ENDPOINT {
        if let Some(arg) = args.take(key) {
            args.errors.push_at(arg.key.span(), message);
        }
    }
    let with_handle = func.has_handle();
    let or_mapper = "async fn name(nango: NangoSync) -> Result<()>`, or add `endpoint = \"/path\"` to make it a mapper \
                     `fn name(raw: Raw) -> Model";
    let example = if func.sig.asyncness.is_some() || with_handle { EXAMPLE } else { or_mapper };
    func.check(WHAT, example, true, &mut args.errors);
    if func.sig.asyncness.is_some() || with_handle {
        func.inject("NangoSync", WHAT, EXAMPLE, marker, &mut args.errors);
        if func.arity() > 1 {
            args.errors.push_at(func.param_span(1), format!("{WHAT} takes only the handle: `{EXAMPLE}`"));
        }
    }
    // The span of the return type, so that a wrong type is reported there.
    let (_, span) = func.output();
    let function = marker::with_span(&func.sig.ident, span);
    (TokenStream::new(), quote_spanned!(span=> __nango::SyncRun::Function(|n| __nango::box_sync(#function(n.into())))))
}

fn frequency(args: &mut Args) -> Option<TokenStream> {
    let text = args.string("frequency")?;
    match Frequency::parse(&text.value()) {
        Ok(frequency) => {
            let (text, seconds) = (frequency.text(), frequency.seconds());
            Some(quote!(__nango::Frequency::declared(#text, #seconds)))
        }
        Err(error) => {
            let mut message = error.to_string();
            if let (Some(meant), Some((what, how))) = (error.suggestion(), message.split_once(": write")) {
                message = format!("{what}, did you mean \"{meant}\"?\nwrite{how}");
            }
            args.errors.push_at(text.span(), message);
            None
        }
    }
}

/// Returns `impl Saves<Model>` for each model, and the models' descriptors. Each model is named once, in an alias, so
/// that an unknown model is reported once.
fn saves(models: &[Path], marker: &TokenStream) -> (TokenStream, TokenStream) {
    let (mut saves, mut infos) = (TokenStream::new(), TokenStream::new());
    for (i, model) in models.iter().enumerate() {
        let span = model.span();
        let alias = format_ident!("__M{i}", span = span);
        saves.extend(quote_spanned!(span=> type #alias = #model; impl __nango::Saves<#alias> for #marker {}));
        infos.extend(quote_spanned!(span=> <#alias as __nango::Record>::RECORD,));
    }
    (saves, infos)
}

/// Returns the schema of a capability, via the marker, so that a type without a schema is reported once, where it is
/// declared.
pub(crate) fn schema(function: &str, ty: Option<&Type>, marker: &TokenStream) -> TokenStream {
    let function = format_ident!("{function}");
    parts::option_tokens(ty.map(|_| quote!(__nango::#function::<#marker>)))
}

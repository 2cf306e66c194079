//! Key `since(…)`: incremental runs of a mapper.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::{args::Args, duration, parts};

const KEYS: &[&str] = &["param", "format", "from", "overlap", "full_every"];
const EXAMPLE: &str = "since(param = \"since\", overlap = \"2m\")";

/// Returns the `Since` of a mapper's descriptor, if it has one.
pub(crate) fn expand(args: &mut Args, track_deletes: bool) -> Option<TokenStream> {
    let (at, mut inner) = args.nested("since", "`since(…)`", KEYS, EXAMPLE)?;
    if track_deletes && !inner.has("full_every") && inner.errors.is_empty() {
        inner.errors.push_at(
            at,
            "`since` with `track_deletes` needs `full_every = \"7d\"`: a run that reads only what changed sees no \
             record vanish, so records are deleted by the full runs alone",
        );
    }
    if !inner.has("param") && inner.errors.is_empty() {
        inner.errors.push_at(
            at,
            format!("`since` needs `param = \"…\"`, the query parameter that carries the time: `{EXAMPLE}`"),
        );
    }
    let param = inner.string("param");
    let format = [("rfc3339", "Rfc3339"), ("unix", "Unix"), ("unix_ms", "UnixMs")];
    let format = Ident::new(inner.choice("format", &format).unwrap_or("Rfc3339"), Span::call_site());
    let from = from(&mut inner);
    let overlap = duration::positive(&mut inner, "overlap").unwrap_or(0);
    let full_every = duration::positive(&mut inner, "full_every");
    let full_every = parts::option_tokens(full_every);
    args.errors.extend(inner.errors);
    Some(quote! {
        __nango::Since {
            param: #param,
            format: __nango::SinceFormat::#format,
            from: #from,
            overlap: #overlap,
            full_every: #full_every,
        }
    })
}

fn from(args: &mut Args) -> TokenStream {
    let Some(text) = args.string("from") else { return quote!(__nango::SinceFrom::RunStart) };
    let value = text.value();
    if value == "run_start" {
        return quote!(__nango::SinceFrom::RunStart);
    }
    match value.strip_prefix("field:").map(str::trim) {
        Some(path) if !path.is_empty() => quote!(__nango::SinceFrom::Field(#path)),
        _ => {
            let message =
                format!("`from` is \"run_start\" or \"field:updated_at\" (a field of the record), not \"{value}\"");
            args.errors.push_at(text.span(), message);
            TokenStream::new()
        }
    }
}

//! Key `since(…)`: incremental runs of a mapper.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::LitStr;

use crate::{args::Args, duration, parts};

const KEYS: &[&str] = &["param", "format", "from", "overlap", "full_every"];
const EXAMPLE: &str = "since(param = \"since\", overlap = \"2m\")";

/// Parameter with which a mapper's incremental runs request changes. Expands to the `Since` of the descriptor.
pub(crate) struct Since {
    param: LitStr,
    /// Variant of `declare::SinceFormat`.
    format: &'static str,
    from: SinceFrom,
    /// Overlap with the run before, in seconds.
    overlap: u32,
    /// Interval of full runs, in seconds.
    full_every: Option<u32>,
}

/// Time from which the next incremental run reads.
#[derive(Debug, PartialEq)]
enum SinceFrom {
    RunStart,
    /// Path of a time in the record.
    Field(String),
}

impl Since {
    /// Reads and checks the key. `None` if it is missing, or invalid, which is then among the errors.
    pub(crate) fn validate(args: &mut Args, track_deletes: bool) -> Option<Self> {
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
                format!("`since` needs `param = \"…\"`, the parameter that carries the time: `{EXAMPLE}`"),
            );
        }
        let param = inner.string("param");
        let format = [("rfc3339", "Rfc3339"), ("unix", "Unix"), ("unix_ms", "UnixMs")];
        let format = inner.choice("format", &format).unwrap_or("Rfc3339");
        let from = from(&mut inner);
        let overlap = duration::positive(&mut inner, "overlap").unwrap_or(0);
        let full_every = duration::positive(&mut inner, "full_every");
        args.errors.extend(inner.errors);
        Some(Self { param: param?, format, from: from?, overlap, full_every })
    }
}

impl Since {
    /// Returns the parameter that carries the time.
    pub(crate) fn param(&self) -> &LitStr {
        &self.param
    }
}

impl ToTokens for Since {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { param, format, from, overlap, full_every } = self;
        let format = Ident::new(format, Span::call_site());
        let from = match from {
            SinceFrom::RunStart => quote!(RunStart),
            SinceFrom::Field(path) => quote!(Field(#path)),
        };
        let full_every = parts::option_tokens(full_every.as_ref());
        tokens.extend(quote! {
            __nango::Since {
                param: #param,
                format: __nango::SinceFormat::#format,
                from: __nango::SinceFrom::#from,
                overlap: #overlap,
                full_every: #full_every,
            }
        });
    }
}

fn from(args: &mut Args) -> Option<SinceFrom> {
    if !args.has("from") {
        return Some(SinceFrom::RunStart);
    }
    let text = args.string("from")?;
    let value = text.value();
    if value == "run_start" {
        return Some(SinceFrom::RunStart);
    }
    match value.strip_prefix("field:").map(str::trim) {
        Some(path) if !path.is_empty() => Some(SinceFrom::Field(path.to_owned())),
        _ => {
            let message =
                format!("`from` is \"run_start\" or \"field:updated_at\" (a field of the record), not \"{value}\"");
            args.errors.push_at(text.span(), message);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn since(input: &str, track_deletes: bool) -> Result<Since, String> {
        let mut args = Args::parse("`#[sync]`", &["since"], input.parse().unwrap());
        let since = Since::validate(&mut args, track_deletes);
        match args.errors.or(()) {
            Ok(()) => Ok(since.unwrap()),
            Err(error) => Err(error.into_iter().map(|error| error.to_string()).collect::<Vec<_>>().join("\n")),
        }
    }

    #[test]
    fn only_the_parameter_is_required() {
        let got = since("since(param = \"since\")", false).unwrap();
        assert_eq!((got.format, got.from, got.overlap, got.full_every), ("Rfc3339", SinceFrom::RunStart, 0, None));
        let all =
            "since(param = \"s\", format = \"unix_ms\", from = \"field: a.b\", overlap = \"2m\", full_every = \"7d\")";
        let got = since(all, true).unwrap();
        assert_eq!((got.format, got.from), ("UnixMs", SinceFrom::Field("a.b".to_owned())));
        assert_eq!((got.overlap, got.full_every), (120, Some(604_800)));
    }

    #[test]
    fn invalid_key_is_reported_with_allowed_values() {
        let check = |input: &str, track_deletes: bool, expect: &str| {
            let error = since(input, track_deletes).err().unwrap();
            assert!(error.contains(expect), "{input}: {error}");
        };
        check("since", false, "`since` needs `param");
        check("since(param = \"s\")", true, "needs `full_every = \"7d\"`");
        check("since(param = \"s\", from = \"field:\")", false, "`from` is \"run_start\" or");
        check("since(param = \"s\", format = \"iso\")", false, "not \"iso\"");
        check("since(param = \"s\", overlap = \"soon\")", false, "is not a duration for `overlap`");
        check("since(parm = \"s\")", false, "did you mean `param`?");
    }
}

//! `since(…)`: what makes a mapper incremental.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::{args::Args, parts};

const KEYS: &[&str] = &["param", "format", "from", "overlap", "full_every"];
const EXAMPLE: &str = "since(param = \"since\", overlap = \"2m\")";

/// The `Since` of a mapper's descriptor, if it has one.
pub(crate) fn expand(args: &mut Args, track_deletes: bool) -> Option<TokenStream> {
    let (at, mut inner) = args.nested("since", "`since(…)`", KEYS, EXAMPLE)?;
    if track_deletes {
        args.errors.at(
            at,
            "`since` and `track_deletes` exclude each other: a run that reads only what changed sees no record vanish",
        );
    }
    if !inner.has("param") && inner.errors.is_empty() {
        inner
            .errors
            .at(at, format!("`since` needs `param = \"…\"`, the query parameter that carries the moment: `{EXAMPLE}`"));
    }
    let param = inner.string("param");
    let format = [("rfc3339", "Rfc3339"), ("unix", "Unix"), ("unix_ms", "UnixMs")];
    let format = Ident::new(inner.choice("format", &format).unwrap_or("Rfc3339"), Span::call_site());
    let from = from(&mut inner);
    let overlap = duration(&mut inner, "overlap").unwrap_or(0);
    let full_every = duration(&mut inner, "full_every");
    let full_every = parts::option(full_every);
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
            args.errors.at(text.span(), message);
            TokenStream::new()
        }
    }
}

/// `key = "2m"` in seconds.
fn duration(args: &mut Args, key: &str) -> Option<u32> {
    let text = args.string(key)?;
    let seconds = seconds(&text.value());
    if seconds.is_none() {
        let message =
            format!("`{}` is not a duration: write \"90s\", \"2m\", \"12h\" or \"7d\", at most 366 days", text.value());
        args.errors.at(text.span(), message);
    }
    seconds
}

fn seconds(text: &str) -> Option<u32> {
    let text = text.trim();
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let unit: u32 = match unit.trim_start() {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        "w" => 7 * 24 * 60 * 60,
        _ => return None,
    };
    let seconds = number.parse::<u32>().ok()?.checked_mul(unit)?;
    (1..=366 * 24 * 60 * 60).contains(&seconds).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn durations_have_a_unit() {
        let cases = [
            ("90s", Some(90)),
            ("2m", Some(120)),
            (" 12 h ", Some(43_200)),
            ("7d", Some(604_800)),
            ("1w", Some(604_800)),
            ("366d", Some(31_622_400)),
            ("367d", None),
            ("99999999999s", None),
            ("4000000000m", None),
            ("0s", None),
            ("2", None),
            ("m", None),
            ("-2m", None),
            ("2 minutes", None),
            ("", None),
        ];
        for (text, expect) in cases {
            assert_eq!(seconds(text), expect, "{text}");
        }
    }
}

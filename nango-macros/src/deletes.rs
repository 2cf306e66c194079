//! Keys `track_deletes`, `confirm_deletes`, `hold` and `max_deletes`: when a record that a walk did not see is deleted.

use nango_grammar::{Template, template::is_name};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{LitStr, Type};

use crate::{
    args::{Args, Value},
    duration, endpoint, parts,
};

const CONFIRM: &str = "confirm_deletes(get = \"/issues/{record.id}\")";
const FIELD: &str = "write `{field}` for a field of the metadata, `{record.field}` for one of the record";

/// Delete settings that a sync declares.
#[derive(Default)]
pub(crate) struct Deletes {
    /// Value of the key `track_deletes`.
    pub(crate) track: bool,
    /// Expression of the descriptor's `Deletes`.
    pub(crate) settings: TokenStream,
    /// Static that `settings` refers to; empty if there is none.
    pub(crate) items: TokenStream,
}

/// Reads the four keys. For an async function they are settings of `full_scan`, and the caller reports `track_deletes`
/// as an error.
pub(crate) fn read(args: &mut Args, mapper: bool, metadata: Option<&Type>, marker: &TokenStream) -> Deletes {
    let track = mapper && args.flag("track_deletes").unwrap_or(false);
    let keys = ["confirm_deletes", "hold", "max_deletes"].map(|key| (key, key_span(args, key)));
    let (confirm, request) = confirm(args, mapper, metadata, marker);
    let hold = duration::up_to_30_days(args, "hold");
    let max_percent = max_percent(args);
    if mapper && !track {
        for (key, span) in keys {
            if let Some(span) = span {
                args.errors.push_at(span, format!("`{key}` needs `track_deletes`: without it nothing is deleted"));
            }
        }
    }
    let (confirm, max_percent) = (parts::option_tokens(confirm), parts::option_tokens(max_percent));
    let hold = hold.map_or_else(|| quote!(__nango::Deletes::DEFAULT_HOLD), |seconds| quote!(#seconds));
    let reference = parts::option_tokens(request.as_ref().map(|_| quote!(&__CONFIRM)));
    let settings = quote! {
        __nango::Deletes { confirm: #confirm, request: #reference, hold: #hold, max_percent: #max_percent }
    };
    let items = request.map(|request| quote!(static __CONFIRM: __nango::ConfirmRequest = #request;));
    Deletes { track, settings, items: items.unwrap_or_default() }
}

fn key_span(args: &Args, key: &str) -> Option<Span> {
    args.remaining().iter().find(|arg| arg.key == key).map(|arg| arg.key.span())
}

/// Reads `confirm_deletes = 2` or `confirm_deletes(get = "…")`.
fn confirm(
    args: &mut Args,
    mapper: bool,
    metadata: Option<&Type>,
    marker: &TokenStream,
) -> (Option<u32>, Option<TokenStream>) {
    let is_list =
        args.remaining().iter().any(|arg| arg.key == "confirm_deletes" && matches!(arg.value, Value::List(_)));
    if !is_list {
        return (args.number32("confirm_deletes", 1..=100), None);
    }
    let nested = args.nested("confirm_deletes", "`confirm_deletes(…)`", &["get", "response_path"], CONFIRM);
    let Some((at, mut inner)) = nested else { return (None, None) };
    if !inner.has("get") && inner.errors.is_empty() {
        let message = format!(
            "`confirm_deletes(…)` needs `get`, the path of one record: `{CONFIRM}`; the number of walks is \
             `confirm_deletes = 2`"
        );
        inner.errors.push_at(at, message);
    }
    let get = inner.string("get");
    let response_path = parts::option_tokens(inner.string("response_path"));
    let request = get.map(|get| request(&mut inner, &get, metadata, marker, &response_path));
    if !mapper {
        let message = "`confirm_deletes(get = …)` needs an `endpoint`: the response is passed to the mapper; a sync by \
                       hand has `confirm_deletes = 2`";
        inner.errors.push_at(at, message);
    }
    args.errors.extend(inner.errors);
    (None, request)
}

/// Returns the `ConfirmRequest` of a path.
fn request(
    args: &mut Args,
    get: &LitStr,
    metadata: Option<&Type>,
    marker: &TokenStream,
    response_path: &TokenStream,
) -> TokenStream {
    let span = get.span();
    let template = match parse(&get.value()) {
        Ok(template) => template,
        Err(message) => {
            args.errors.push_at(span, message);
            return TokenStream::new();
        }
    };
    let is_metadata = |name: &&String| record_path(name).is_none();
    if let (None, Some(first)) = (metadata, template.names().iter().find(is_metadata)) {
        args.errors.push_at(span, endpoint::without_metadata(first));
        return TokenStream::new();
    }
    let (literals, names) = (template.literals(), template.names());
    let field = |name: &String| {
        let record = record_path(name).map(|path| quote!(__nango::ConfirmField::Record(#path)));
        record.unwrap_or_else(|| quote!(__nango::ConfirmField::Metadata(#name)))
    };
    let fields: Vec<_> = names.iter().map(field).collect();
    let read = names.iter().any(|name| record_path(name).is_none()).then(|| {
        let m = Ident::new("m", span);
        let values = names.iter().filter(is_metadata).map(|name| endpoint::field(name, span));
        quote_spanned! {span=>
            |v| {
                let #m = __nango::metadata::<#marker>(v)?;
                __nango::path_values(&[#(&#m.#values),*])
            }
        }
    });
    let read = parts::option_tokens(read);
    quote! {
        __nango::ConfirmRequest {
            literals: &[#(#literals),*],
            fields: &[#(#fields),*],
            metadata: #read,
            response_path: #response_path,
        }
    }
}

fn parse(text: &str) -> Result<Template, String> {
    let template = endpoint::template(text, FIELD)?;
    for name in template.names() {
        match record_path(name) {
            Some(path) if path.split('.').all(is_step) => {}
            Some(_) => return Err(format!("`{{{name}}}` is not a path in the record: write `{{record.user.id}}`")),
            None if is_name(name) => {}
            None => return Err(format!("`{{{name}}}` is not the name of a field: {FIELD}")),
        }
    }
    if template.names().iter().all(|name| record_path(name).is_none()) {
        return Err("`get` names no field of the record, and would request the same path for each record: write \
                    `{record.id}`"
            .to_owned());
    }
    Ok(template)
}

/// Returns the path in the record if a name in braces refers to the record.
fn record_path(name: &str) -> Option<&str> {
    name.strip_prefix("record.")
}

fn is_step(step: &str) -> bool {
    !step.is_empty() && step.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '@' | '$' | '[' | ']'))
}

/// Reads `max_deletes = "20%"` as a percentage from 1 to 100.
fn max_percent(args: &mut Args) -> Option<u8> {
    let arg = args.take("max_deletes")?;
    let text = match arg.value {
        Value::Assigned(tokens) => syn::parse2::<LitStr>(tokens).map_err(|error| error.span()),
        _ => Err(arg.key.span()),
    };
    let text = text
        .map_err(|span| args.errors.push_at(span, "`max_deletes` is a share as a string: `max_deletes = \"20%\"`"))
        .ok()?;
    let value = text.value();
    let percent = value.trim().strip_suffix('%').and_then(|number| number.trim_end().parse::<u8>().ok());
    let percent = percent.filter(|percent| (1..=100).contains(percent));
    if percent.is_none() {
        let message = format!("`max_deletes` is a share from \"1%\" to \"100%\", such as \"20%\", not \"{value}\"");
        args.errors.push_at(text.span(), message);
    }
    percent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(input: &str, mapper: bool) -> String {
        const KEYS: &[&str] = &["track_deletes", "confirm_deletes", "hold", "max_deletes"];
        let mut args = Args::parse("`#[sync]`", KEYS, input.parse().unwrap());
        let metadata = syn::parse_quote!(Repository);
        read(&mut args, mapper, Some(&metadata), &quote!(marker));
        args.errors.into_tokens().to_string()
    }

    #[test]
    fn valid_settings_are_accepted() {
        for input in [
            "track_deletes, confirm_deletes = 3, hold = \"0s\", max_deletes = \"20 %\"",
            "track_deletes, confirm_deletes(get = \"/{owner}/{record.id}\", response_path = \"a.b\")",
            "track_deletes, confirm_deletes(get = \"/x/{record.user.id}?n={record.tags[0]}\"), max_deletes = \"100%\"",
        ] {
            assert_eq!(errors(input, true), "", "{input}");
        }
        assert_eq!(errors("confirm_deletes = 2, hold = \"30d\", max_deletes = \"1%\"", false), "");
    }

    #[test]
    fn invalid_setting_is_reported_with_allowed_values() {
        let check = |input: &str, expect: &str| {
            let got = errors(&format!("track_deletes, {input}"), true);
            assert!(got.contains(expect), "{input}: {got}");
        };
        check("confirm_deletes = 0", "from 1 to 100");
        check("confirm_deletes", "`confirm_deletes` is a number: `confirm_deletes = 2`");
        check("confirm_deletes()", "needs `get`");
        check("confirm_deletes(3)", "keys of `confirm_deletes(…)`: `get`, `response_path`");
        check("confirm_deletes(get = \"/x\")", "names no field of the record");
        check("confirm_deletes(get = \"/{owner}\")", "names no field of the record");
        check("confirm_deletes(get = \"/{record.}\")", "is not a path in the record");
        check("confirm_deletes(get = \"/{a.b}/{record.id}\")", "is not the name of a field");
        check("confirm_deletes(get = \"/../{record.id}\")", "no segment `..`");
        check("hold = \"31d\"", "from \\\"0s\\\" to \\\"30d\\\"");
        check("hold = \"2\"", "is not a duration for `hold`");
        check("max_deletes = 20", "`max_deletes` is a share as a string");
        check("max_deletes", "`max_deletes` is a share as a string");
        for share in ["", "0%", "101%", "20", "-1%", "half", "0.5%"] {
            check(&format!("max_deletes = {share:?}"), "a share from \\\"1%\\\" to \\\"100%\\\"");
        }
    }

    #[test]
    fn setting_without_deletes_is_refused() {
        for key in
            ["confirm_deletes = 2", "confirm_deletes(get = \"/{record.id}\")", "hold = \"1h\"", "max_deletes = \"5%\""]
        {
            assert!(errors(key, true).contains("needs `track_deletes`"), "{key}");
        }
        assert!(errors("confirm_deletes(get = \"/{record.id}\")", false).contains("needs an `endpoint`"));
    }
}

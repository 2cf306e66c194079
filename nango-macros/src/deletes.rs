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
pub(crate) struct Deletes {
    /// Value of the key `track_deletes`.
    pub(crate) track: bool,
    confirm: Option<u32>,
    request: Option<ConfirmRequest>,
    /// Delay of a delete, in seconds.
    hold: Option<u32>,
    max_percent: Option<u8>,
}

/// Request for a record that a walk did not see.
struct ConfirmRequest {
    span: Span,
    path: Template,
    response_path: Option<LitStr>,
}

impl Deletes {
    /// Reads and checks the four keys. `models` is the number of declared models. For an async function they are
    /// settings of `full_scan`, and the caller reports `track_deletes` as an error.
    pub(crate) fn validate(args: &mut Args, mapper: bool, models: usize, metadata: Option<&Type>) -> Self {
        let track = mapper && args.flag("track_deletes").unwrap_or(false);
        let dependent =
            ["confirm_deletes", "hold", "max_deletes"].map(|key| args.peek(key).map(|arg| (key, arg.key.span())));
        let (confirm, request) = confirm(args, mapper, models, metadata);
        let hold = duration::up_to_30_days(args, "hold");
        let max_percent = max_percent(args);
        if mapper && !track {
            for (key, span) in dependent.into_iter().flatten() {
                args.errors.push_at(span, format!("`{key}` needs `track_deletes`: without it nothing is deleted"));
            }
        }
        Self { track, confirm, request, hold, max_percent }
    }

    /// Returns the place of the request that confirms deletes, if one is declared.
    pub(crate) fn confirm_request(&self) -> Option<Span> {
        self.request.as_ref().map(|request| request.span)
    }

    /// Returns the `Deletes` of the descriptor, which refers to [`Self::items`].
    pub(crate) fn settings(&self) -> TokenStream {
        let (confirm, max_percent) = (parts::option_tokens(self.confirm), parts::option_tokens(self.max_percent));
        let hold = self.hold.map_or_else(|| quote!(__nango::Deletes::DEFAULT_HOLD), |seconds| quote!(#seconds));
        let request = parts::option_tokens(self.request.as_ref().map(|_| quote!(&__CONFIRM)));
        quote! {
            __nango::Deletes { confirm: #confirm, request: #request, hold: #hold, max_percent: #max_percent }
        }
    }

    /// Returns the static of the request; empty if there is none.
    pub(crate) fn items(&self, marker: &TokenStream) -> TokenStream {
        let request = self.request.as_ref().map(|request| {
            let request = request.expand(marker);
            quote!(static __CONFIRM: __nango::ConfirmRequest = #request;)
        });
        request.unwrap_or_default()
    }
}

impl ConfirmRequest {
    /// Checks the path `get`.
    fn validate(args: &mut Args, get: &LitStr, response_path: Option<LitStr>, metadata: Option<&Type>) -> Option<Self> {
        let span = get.span();
        let path = parse(&get.value()).map_err(|message| args.errors.push_at(span, message)).ok()?;
        if let (None, Some(first)) = (metadata, path.names().iter().find(|name| is_metadata(name))) {
            args.errors.push_at(span, endpoint::without_metadata(first));
            return None;
        }
        Some(Self { span, path, response_path })
    }

    /// Returns the `ConfirmRequest` of the descriptor.
    fn expand(&self, marker: &TokenStream) -> TokenStream {
        let Self { span, path, response_path } = self;
        let (literals, names) = (path.literals(), path.names());
        let field = |name: &String| {
            let record = record_path(name).map(|path| quote!(__nango::ConfirmField::Record(#path)));
            record.unwrap_or_else(|| quote!(__nango::ConfirmField::Metadata(#name)))
        };
        let fields = names.iter().map(field);
        let read = names.iter().any(|name| is_metadata(name)).then(|| {
            let m = Ident::new("m", *span);
            let values = names.iter().filter(|name| is_metadata(name)).map(|name| endpoint::field(name, *span));
            quote_spanned! {*span=>
                |v| {
                    let #m = __nango::metadata::<#marker>(v)?;
                    __nango::path_values(&[#(&#m.#values),*])
                }
            }
        });
        let (read, response_path) = (parts::option_tokens(read), parts::option_tokens(response_path.as_ref()));
        quote! {
            __nango::ConfirmRequest {
                literals: &[#(#literals),*],
                fields: &[#(#fields),*],
                metadata: #read,
                response_path: #response_path,
            }
        }
    }
}

/// Reads `confirm_deletes = 2` or `confirm_deletes(get = "…")`.
fn confirm(
    args: &mut Args,
    mapper: bool,
    models: usize,
    metadata: Option<&Type>,
) -> (Option<u32>, Option<ConfirmRequest>) {
    if !args.peek("confirm_deletes").is_some_and(|arg| matches!(arg.value, Value::List(_))) {
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
    let response_path = inner.string("response_path");
    let request = get.and_then(|get| ConfirmRequest::validate(&mut inner, &get, response_path, metadata));
    if !mapper {
        let message = "`confirm_deletes(get = …)` needs an `endpoint`: the response is passed to the mapper; a sync by \
                       hand has `confirm_deletes = 2`";
        inner.errors.push_at(at, message);
    } else if models > 1 {
        let message = "`confirm_deletes(get = …)` is for mappers of one model: the request of a record does not \
                       confirm the records of other models; write the number of walks, `confirm_deletes = 2`";
        inner.errors.push_at(at, message);
    }
    args.errors.extend(inner.errors);
    (None, request)
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

fn is_metadata(name: &str) -> bool {
    record_path(name).is_none()
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
        Deletes::validate(&mut args, mapper, 1, Some(&metadata));
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
    fn request_for_a_record_is_refused_for_several_models() {
        let keys = "track_deletes, confirm_deletes(get = \"/{record.id}\")".parse().unwrap();
        let mut args = Args::parse("`#[sync]`", &["track_deletes", "confirm_deletes"], keys);
        Deletes::validate(&mut args, true, 2, None);
        assert!(args.errors.into_tokens().to_string().contains("is for mappers of one model"));
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

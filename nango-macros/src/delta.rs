//! Key `delta(…)`: the position that the API returns, and from which the next run of a mapper reads changes.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::LitStr;

use crate::{
    args::{Args, Errors},
    paginate,
    pairs::{self, Pair},
    parts,
    scope::{self, Scope},
};

const KEYS: &[&str] = &["param", "path", "link", "initial", "end", "expired"];
const EXAMPLE: &str = "delta(param = \"cursor\", path = \"after_cursor\")";
const LINK: &str = "delta(link = \"@odata.deltaLink\")";
const INITIAL: &str = "initial(\"start_time\" = \"0\")";
const EXPIRED: &str = "expired(410)";

/// Position in the changes of a list. Expands to a static `Delta`.
pub(crate) struct Delta {
    position: Position,
    initial: Vec<Pair>,
    end: Option<LitStr>,
    expired: Vec<u16>,
}

/// Place of the position in requests and responses.
enum Position {
    Param { param: LitStr, path: LitStr },
    Link { path: LitStr },
}

impl Delta {
    /// Reads and checks the key. `None` if it is missing, or invalid, which is then among the errors. `has_since` is
    /// whether the mapper declares `since`.
    pub(crate) fn validate(args: &mut Args, scope: Scope<'_>, has_since: bool) -> Option<Self> {
        let (at, mut inner) = args.nested("delta", "`delta(…)`", KEYS, EXAMPLE)?;
        if has_since {
            let message = "`delta` and `since` exclude each other: the API returns the position of `delta`, and \
                           `since` sends a time; remove one of the two";
            inner.errors.push_at(at, message);
        }
        let position = position(&mut inner, at);
        let initial = pairs::pairs(&mut inner, "initial", INITIAL);
        pairs::check_parameters(&mut inner, &initial);
        scope.check(&initial.iter().map(|pair| &pair.value), &mut inner.errors);
        let end = paginate::path(&mut inner, "end");
        let expired = inner.numbers("expired", 400..=499, EXPIRED);
        args.errors.extend(inner.errors);
        Some(Self { position: position?, initial, end, expired })
    }

    /// Reports pages that contradict the position.
    pub(crate) fn check_pages(&self, kind: Option<(&str, Span)>, errors: &mut Errors) {
        let Some((kind, span)) = kind else { return };
        if self.end.is_some() {
            let message = format!(
                "`end` of `delta(…)` declares that the position is the cursor of the pages, and `{kind}` declares \
                 another one: remove `{kind}`, or write `is_last` in `paginate(…)` in place of `end`"
            );
            errors.push_at(span, message);
        } else if matches!(self.position, Position::Link { .. }) && kind != "link" {
            let message = format!(
                "`delta(link = …)` needs pages that are links, because the parameters are a part of the link: write \
                 `paginate(link(…))` in place of `{kind}`"
            );
            errors.push_at(span, message);
        }
    }

    /// Returns the names of the parameters that the key sets, each with the key in messages.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&'static str, &LitStr)> {
        let param = match &self.position {
            Position::Param { param, .. } => Some(("delta", param)),
            Position::Link { .. } => None,
        };
        param.into_iter().chain(self.initial.iter().map(|pair| ("initial", &pair.name)))
    }

    /// Returns whether a value of `initial` may use the metadata.
    pub(crate) fn may_use_metadata(&self) -> bool {
        scope::may_use_metadata(self.initial.iter().map(|pair| &pair.value))
    }

    /// Returns the static of the position.
    pub(crate) fn items(&self, scope: Scope<'_>, marker: &TokenStream) -> TokenStream {
        let position = match &self.position {
            Position::Param { param, path } => quote!(Param { param: #param, path: #path }),
            Position::Link { path } => quote!(Link { path: #path }),
        };
        let names = self.initial.iter().map(|pair| &pair.name);
        let initial = parts::option_tokens((!self.initial.is_empty()).then(|| {
            let closure = pairs::closure(&self.initial, scope, marker);
            let kind = if scope.each.is_some() { quote!(Each) } else { quote!(Metadata) };
            quote!(__nango::InitialValues::#kind(#closure))
        }));
        let end = parts::option_tokens(self.end.as_ref());
        let statuses = &self.expired;
        let expired = if statuses.is_empty() { quote!(__nango::Delta::EXPIRED) } else { quote!(&[#(#statuses),*]) };
        quote! {
            static __DELTA: __nango::Delta = __nango::Delta {
                position: __nango::DeltaPosition::#position,
                initial: #initial,
                initial_names: &[#(#names),*],
                end: #end,
                expired: #expired,
            };
        }
    }
}

fn position(args: &mut Args, at: Span) -> Option<Position> {
    let [has_param, has_path, has_link] = ["param", "path", "link"].map(|key| args.has(key));
    if args.errors.is_empty() {
        let message = match (has_param, has_path, has_link) {
            (true, true, false) | (false, false, true) => None,
            (true, false, false) => Some(format!(
                "`delta` with `param` needs `path`, the path of the next position in a response: `{EXAMPLE}`"
            )),
            (false, true, false) => {
                Some(format!("`delta` with `path` needs `param`, the parameter that carries the position: `{EXAMPLE}`"))
            }
            (_, _, true) => Some(format!(
                "`link` excludes `param` and `path`: the link contains the position; write `{EXAMPLE}` or `{LINK}`"
            )),
            (false, false, false) => Some(format!("`delta` needs the place of the position: `{EXAMPLE}` or `{LINK}`")),
        };
        if let Some(message) = message {
            args.errors.push_at(at, message);
        }
    }
    let param = args.string("param");
    let path = paginate::path(args, "path");
    let link = paginate::path(args, "link");
    match (param, path, link) {
        (_, _, Some(path)) => Some(Position::Link { path }),
        (Some(param), Some(path), None) => Some(Position::Param { param, path }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delta(input: &str, has_since: bool) -> Result<Delta, String> {
        let mut args = Args::parse("`#[sync]`", &["delta"], input.parse().unwrap());
        let delta = Delta::validate(&mut args, Scope { metadata: None, each: None }, has_since);
        match args.errors.or(()) {
            Ok(()) => Ok(delta.unwrap()),
            Err(error) => Err(error.into_iter().map(|error| error.to_string()).collect::<Vec<_>>().join("\n")),
        }
    }

    fn expanded(input: &str) -> String {
        let scope = Scope { metadata: None, each: None };
        delta(input, false).unwrap().items(scope, &quote!(f)).to_string().replace(' ', "")
    }

    #[test]
    fn position_is_a_parameter_or_a_link() {
        let all = "delta(param = \"cursor\", path = \"after_cursor\", initial(\"start_time\" = \"0\"), end = \
                   \"end_of_stream\", expired(400, 410))";
        let got = expanded(all);
        for part in [
            "position:__nango::DeltaPosition::Param{param:\"cursor\",path:\"after_cursor\"}",
            "__nango::InitialValues::Metadata(|_,values|{values.add(\"start_time\",&(\"0\"))?;",
            "initial_names:&[\"start_time\"]",
            "end:::core::option::Option::Some(\"end_of_stream\")",
            "expired:&[400u16,410u16]",
        ] {
            assert!(got.contains(part), "no {part} in {got}");
        }
        let got = expanded("delta(link = \"@odata.deltaLink\")");
        assert!(got.contains("DeltaPosition::Link{path:\"@odata.deltaLink\"}"), "{got}");
        assert!(got.contains("expired:__nango::Delta::EXPIRED"), "{got}");
    }

    #[test]
    fn invalid_key_is_reported_with_what_is_allowed() {
        let check = |input: &str, has_since: bool, expect: &str| {
            let error = delta(input, has_since).err().unwrap();
            assert!(error.contains(expect), "{input}: {error}");
        };
        check("delta", false, "`delta` needs the place of the position");
        check("delta(param = \"a\")", false, "needs `path`");
        check("delta(path = \"a\")", false, "needs `param`");
        check("delta(link = \"a\", param = \"b\")", false, "`link` excludes `param` and `path`");
        check("delta(link = \"a..b\")", false, "`a..b` is not a path");
        check("delta(link = \"a\", expired(500))", false, "from 400 to 499, not 500");
        check("delta(link = \"a\", expired = 410)", false, "is a list of numbers: `expired(410)`");
        check("delta(link = \"a\", initial())", false, "`initial` has names and values in brackets");
        check("delta(link = \"a\", initial(\"\" = 1))", false, "the name of a parameter is empty");
        check("delta(link = \"a\", initial(\"a\" = each.id))", false, "add `each = YourModel`");
        check("delta(link = \"a\", end = \"items.*\")", false, "selects several values");
        check("delta(link = \"a\")", true, "`delta` and `since` exclude each other");
        check("delta = \"a\"", false, "takes its keys in brackets");
    }
}

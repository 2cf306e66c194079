//! The valid declaration of a sync.

use nango_grammar::Frequency;
use syn::{LitStr, Path, Result};

use crate::{
    args::Args,
    capability::Capabilities,
    deletes::Deletes,
    func::Func,
    mapper::Mapper,
    parts::{self, Head},
};

pub(super) const WHAT: &str = "`#[sync]`";
pub(super) const EXAMPLE: &str = "async fn name(nango: NangoSync) -> Result<()>";
pub(super) const KEYS: &[&str] = &[
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
    "each",
    "each_variant",
    "parents_at_once",
    "on_parent_error",
    "endpoint",
    "query",
    "headers",
    "body",
    "paginate",
    "retries",
    "records_at_once",
    "since",
    "delta",
    "error",
    "on_invalid",
    "track_deletes",
    "confirm_deletes",
    "hold",
    "max_deletes",
];

/// Keys that only a mapper has, and the message for a function that is not a mapper.
const NEED_ENDPOINT: [(&str, &str); 15] = [
    (
        "each",
        "`each` needs an `endpoint`, the list of a parent: a sync by hand reads the parents: \
         `nango.records::<YourParent>()`",
    ),
    ("each_variant", "`each_variant` needs `each` and an `endpoint`"),
    ("parents_at_once", "`parents_at_once` needs `each` and an `endpoint`"),
    ("on_parent_error", "`on_parent_error` needs `each` and an `endpoint`"),
    ("delta", "`delta` needs an `endpoint`: a sync by hand stores the position in a `checkpoint`"),
    (
        "records_at_once",
        "`records_at_once` needs an `endpoint`: a sync by hand decides how many requests it sends at once",
    ),
    ("query", "`query` needs an `endpoint`: a sync by hand sets it on the request: `nango.get(…).query(…)`"),
    ("headers", "`headers` needs an `endpoint`: a sync by hand sets them on the request: `nango.get(…).header(…)`"),
    ("body", "`body` needs an `endpoint`: a sync by hand sets it on the request: `nango.post(…).body(…)`"),
    ("paginate", "`paginate` needs an `endpoint`: the two make a mapper sync"),
    ("retries", "`retries` needs an `endpoint`: a sync by hand sets it on the request: `nango.get(…).retries(3)`"),
    ("since", "`since` needs an `endpoint`: a sync by hand stores its position in a `checkpoint`"),
    (
        "error",
        "`error` needs an `endpoint`: a sync by hand declares it on the request: \
         `nango.get(…).error_at(ErrorAt::when(\"ok\", false))`",
    ),
    ("on_invalid", "`on_invalid` needs an `endpoint`: a sync by hand decides what it saves"),
    (
        "track_deletes",
        "`track_deletes` needs an `endpoint`: a sync by hand starts `let scan = \
         nango.full_scan::<YourModel>().await?;` and ends with `scan.finish().await?`",
    ),
];

/// A valid declaration of a sync.
pub(super) struct SyncDeclaration {
    pub(super) head: Head,
    pub(super) version: String,
    pub(super) models: Vec<Path>,
    pub(super) frequency: Option<Frequency>,
    pub(super) auto_start: bool,
    pub(super) scopes: Vec<LitStr>,
    pub(super) capabilities: Capabilities,
    /// Variant of `declare::Merging`.
    pub(super) merging: &'static str,
    pub(super) deletes: Deletes,
    /// The walk of a mapper; `None` for a sync by hand.
    pub(super) mapper: Option<Mapper>,
}

impl SyncDeclaration {
    /// Checks the arguments and the signature. The error contains all mistakes.
    pub(super) fn validate(mut args: Args, func: &Func) -> Result<Self> {
        let models = args.models();
        let head = Head::read(&mut args, func);
        let version = parts::version(&mut args);
        let frequency = frequency(&mut args);
        let auto_start = args.flag("auto_start").unwrap_or(true);
        let scopes = args.strings("scopes");
        let capabilities = Capabilities::read(&mut args);
        let merging = args.choice("merging", &[("newer", "Newer"), ("override", "Override")]).unwrap_or("Newer");
        let endpoint = args.take("endpoint");
        let deletes = Deletes::validate(&mut args, endpoint.is_some(), models.len(), capabilities.metadata.as_ref());
        let mapper = if let Some(endpoint) = &endpoint {
            Mapper::validate(&mut args, endpoint, func, &models, &capabilities, &deletes)
        } else {
            check_function(&mut args, func);
            None
        };
        let declaration =
            Self { head, version, models, frequency, auto_start, scopes, capabilities, merging, deletes, mapper };
        args.errors.or(declaration)
    }
}

/// Checks a sync by hand.
fn check_function(args: &mut Args, func: &Func) {
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
        func.check_handle("NangoSync", WHAT, EXAMPLE, &mut args.errors);
        if func.arity() > 1 {
            args.errors.push_at(func.param_span(1), format!("{WHAT} takes only the handle: `{EXAMPLE}`"));
        }
    }
}

fn frequency(args: &mut Args) -> Option<Frequency> {
    let text = args.string("frequency")?;
    match Frequency::parse(&text.value()) {
        Ok(frequency) => Some(frequency),
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

#[cfg(test)]
mod tests {
    use quote::ToTokens;

    use super::*;

    const BY_HAND: &str = "/// Fetches issues.\nasync fn fetch_issues(nango: NangoSync) -> Result<()> {}";
    const MAPPER: &str = "fn repo_issues(issue: ApiIssue) -> Option<Issue> {}";

    fn declaration(args: &str, item: &str) -> Result<SyncDeclaration> {
        let func = syn::parse_str(item).unwrap();
        SyncDeclaration::validate(Args::parse(WHAT, KEYS, args.parse().unwrap()), &func)
    }

    #[track_caller]
    fn check_errors(args: &str, item: &str, expect: &[&str]) {
        let error = declaration(args, item).err().unwrap();
        let messages: Vec<String> = error.into_iter().map(|error| error.to_string()).collect();
        assert_eq!(messages.len(), expect.len(), "{messages:?}");
        assert!(messages.iter().zip(expect).all(|(got, expect)| got.contains(expect)), "{messages:?}");
    }

    #[test]
    fn only_the_model_is_required() {
        let got = declaration("model = \"Issue\"", BY_HAND).unwrap();
        assert_eq!((got.head.name.as_str(), got.head.description.as_str()), ("fetch-issues", "Fetches issues."));
        assert_eq!((got.version.as_str(), got.merging, got.auto_start), ("0.0.1", "Newer", true));
        assert!(got.frequency.is_none() && got.mapper.is_none() && !got.deletes.track);
        assert_eq!(got.models[0].to_token_stream().to_string(), "Issue");
    }

    #[test]
    fn endpoint_makes_a_sync_a_mapper() {
        let args =
            "model = Issue, endpoint = \"/issues\", frequency = \"every hour\", track_deletes, merging = \"override\"";
        let got = declaration(args, MAPPER).unwrap();
        assert_eq!(got.frequency.map(|frequency| frequency.seconds()), Some(3600));
        assert!(got.mapper.is_some() && got.deletes.track);
        assert_eq!(got.merging, "Override");
    }

    #[test]
    fn all_mistakes_are_in_one_error() {
        check_errors(
            "frequency = \"evry hour\", model = A, model = B, retries = 3",
            "fn f(nango: NangoAction) -> Result<()> {}",
            &[
                "`model` is given twice",
                "did you mean \"every hour\"?",
                "`retries` needs an `endpoint`",
                "needs an `async fn`",
                "takes `NangoSync` first, found `NangoAction`",
            ],
        );
        check_errors(
            "models(A, B), endpoint = \"issues\", checkpoint = C, hold = \"1h\"",
            MAPPER,
            &[
                "`hold` needs `track_deletes`",
                "keeps its own resume point",
                "starts with `/`",
                "a tuple with a part for each",
            ],
        );
        check_errors("", BY_HAND, &["needs `model = \"YourModel\"`"]);
        check_errors("modl = A", BY_HAND, &["did you mean `model`?"]);
    }
}

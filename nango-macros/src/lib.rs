//! The attributes that declare integrations.
//!
//! | attribute | on | declares |
//! | --- | --- | --- |
//! | [`macro@model`] | a struct or an enum | data with a name and a schema; with an id, a record |
//! | [`macro@patch`] | a struct | changes to a record |
//! | [`macro@checkpoint`] | a struct | a sync's place in the provider |
//! | [`macro@sync`] | an `async fn`, or a mapper | what keeps a model of the cache up to date |
//! | [`macro@action`] | an `async fn` | an operation at the provider |
//! | [`macro@on_event`] | an `async fn` | what happens when a connection comes or goes |
//! | [`macro@on_webhook`] | an `async fn` | what a sync does with a webhook |
//!
//! One file for each attribute, and the same three steps in each: the arguments are read, checked against the item, and
//! written out as tokens. Must stay true: a function's body is never parsed; every mistake is reported at once, at the
//! tokens that are wrong; the item is always written out again, so that a mistake here causes no other elsewhere.

mod action;
mod args;
mod checkpoint;
mod derives;
mod endpoint;
mod event;
mod func;
mod mapper;
mod marker;
mod model;
mod paginate;
mod parts;
mod patch;
mod serde_name;
mod since;
mod sync;
mod typescript;
mod value;
mod webhook;

#[path = "../../nango-core/src/declare/frequency.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with nango-core, which uses all of it")]
mod frequency;
#[path = "../../nango-core/src/declare/suggest.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with nango-core, which uses all of it")]
mod suggest;

use proc_macro::TokenStream;

/// Makes a struct with named fields, or an enum, a model: data with a name and a JSON Schema.
///
/// ```text
/// /// An issue of the demo repository.
/// #[model]
/// pub struct GithubIssueDemo {
///     pub id: u64,
///     /// Shown in the list.
///     pub title: String,
///     pub url: String,
/// }
/// ```
///
/// A struct with a field `id`, a `String` or an integer, is also a record and can be synced. Documentation comments
/// become descriptions in the schema.
///
/// It derives `Debug`, `Clone`, `PartialEq`, `Serialize`, `Deserialize` and `JsonSchema`, except what is derived below
/// it already. `#[serde(…)]` and `#[schemars(…)]` work as usual. Write it above other derives.
///
/// | key | default | |
/// | --- | --- | --- |
/// | `id = "field"` | `id` | the field that is the key of a record |
/// | `name = "Issue"` | the type's name | the name in schemas, in the cache and on the wire |
/// | `updated = "field"` | | the field with the time of the record's last update at the provider |
///
/// `id` and `updated` name a field as it is called in Rust, also if serde renames it.
///
/// The field of `updated` holds RFC 3339, or seconds or milliseconds since 1970 (UTC) as a number or as text: a `String`,
/// an integer of 32 or 64 bits, an `f64`, or an `Option` of these. A webhook, a patch or an incremental run whose value is
/// older than the stored one changes nothing: it is counted as `skipped_older`, and the record counts as seen. An equal
/// value applies. A patch without the field applies. Values are not compared where one of them is missing or cannot be
/// read, or where the stored one is more than a day in the future. An older value that two full runs in a row return wins:
/// the provider took the record back. A delete can carry the time of its event: `batch_delete::<Issue>([(id, time)])`.
/// `merging = "override"` of a sync does not change this.
#[proc_macro_attribute]
pub fn model(args: TokenStream, item: TokenStream) -> TokenStream {
    model::expand(args.into(), &item.into()).into()
}

/// Makes a struct a set of changes to a record, for `batch_update`.
///
/// ```text
/// #[patch(of = GithubIssue)]
/// pub struct IssuePatch {
///     pub id: u64,
///     pub title: Option<String>,
///     pub closed_at: Patch<String>,
/// }
/// ```
///
/// It names the record's key and the fields that may change, each of them compared with the model when compiled: an
/// `Option` that is `None` is not sent, and a `Patch` can also set the field to `null` (the model's field is then an
/// `Option`). Objects are merged field by field, everything else is replaced. A field that the model renames for serde
/// needs the same `#[serde(rename = "…")]` here.
///
/// | key | default | |
/// | --- | --- | --- |
/// | `of = Model` | required | the model that is changed |
/// | `id = "field"` | `id` | the field that holds the key |
/// | `nested` | | this is a part of another patch, without a key of its own |
#[proc_macro_attribute]
pub fn patch(args: TokenStream, item: TokenStream) -> TokenStream {
    patch::expand(args.into(), &item.into()).into()
}

/// Makes a struct a checkpoint: what a function stores between its runs.
///
/// ```text
/// #[checkpoint]
/// pub struct IssuesCheckpoint {
///     pub since: String,
///     pub page: u32,
/// }
/// ```
///
/// A checkpoint is flat, so that a person can read and set one: strings, numbers, booleans, and options of these.
#[proc_macro_attribute]
pub fn checkpoint(args: TokenStream, item: TokenStream) -> TokenStream {
    checkpoint::expand(args.into(), &item.into()).into()
}

/// Declares a sync: it keeps the records of a model in the cache up to date.
///
/// By hand, as an async function of the handle:
///
/// ```text
/// /// Fetch the demo issues.
/// #[sync(model = "GithubIssueDemo", frequency = "every hour")]
/// pub async fn fetch_issues(nango: NangoSync) -> Result<()> {
///     let issues: Vec<GithubIssue> = nango.get("/repos/NangoHQ/interactive-demo/issues").json().await?;
///     nango.batch_save(issues.into_iter().map(GithubIssueDemo::from)).await?;
///     Ok(())
/// }
/// ```
///
/// As a mapper, a plain function of one record; `endpoint` makes it one, and the loop is written for you:
///
/// ```text
/// #[sync(model = "GithubIssueDemo", endpoint = "/repos/{owner}/{repo}/issues", metadata = RepoConfig, paginate)]
/// pub fn repo_issues(issue: GithubIssue) -> Option<GithubIssueDemo> {
///     (issue.state == "open").then(|| GithubIssueDemo::from(issue))
/// }
/// ```
///
/// A mapper returns the model, an `Option`, a `Vec` or a `Result` of these. One that has to ask the API for more is an
/// `async fn(nango: NangoSync, raw: Raw) -> Result<Model>`. What stands in braces is a field of the connection's
/// metadata; it fills one segment of the path, whatever it contains.
///
/// The module is the integration (`src/github/…`: `github`), the function's name in kebab-case is the name of the sync,
/// and the first paragraph of its documentation is its description.
///
/// | key | default | |
/// | --- | --- | --- |
/// | `model = "A"` or `models("A", "B")` | required | the models that it may save |
/// | `frequency = "every 5 minutes"` | when triggered | how often it runs: 30 seconds to 31 days |
/// | `auto_start = false` | `true` | whether a new connection starts it |
/// | `checkpoint = Type` | | what it stores between runs; not with `endpoint` |
/// | `metadata = Type` | | the shape of the connection's metadata |
/// | `merging = "newer"` or `"override"` | `"newer"` | who wins when another run wrote a record meanwhile |
/// | `scopes("repo")` | | the permissions that it needs at the provider |
/// | `integration`, `name`, `description`, `version` | see above, `0.0.1` | strings |
/// | `endpoint = "/path"` | | makes it a mapper; all keys below need it |
/// | `paginate`, `paginate(…)` | one request | alone: as the provider's entry says |
/// | `retries = 3` | 0 | how often a request is tried again, at most 10 |
/// | `track_deletes` | | a complete walk marks what it did not see as deleted |
/// | `confirm_deletes = 2` | 1 | how many walks in a row must miss a record; also without `endpoint` |
/// | `on_invalid = "skip"` | `"fail"` | what becomes of a record that does not fit |
/// | `since(…)` | | reads only what changed; not with `track_deletes` |
///
/// `paginate(KIND, limit = 100, limit_name = "per_page", response_path = "data.items", in_body)`, where `KIND` is
/// `link(rel = "next")`, `link(path = "paging.next")`, `cursor(name = "after", path = "meta.next")` or
/// `offset(name = "skip", start = 0, by = "records")` (or `by = "page"`).
///
/// `since(param = "since", format = "rfc3339", from = "run_start", overlap = "2m", full_every = "7d")`: `format` may be
/// `"unix"` or `"unix_ms"`, `from` may be `"field:updated_at"`; only `param` is required. Without `overlap` nothing is
/// taken off; without `full_every` every run but the first is incremental.
#[proc_macro_attribute]
pub fn sync(args: TokenStream, item: TokenStream) -> TokenStream {
    sync::expand(args.into(), &item.into()).into()
}

/// Declares an action: an operation at the provider, with an input and an output that have a schema.
///
/// ```text
/// /// Create an issue.
/// #[action(scopes("repo"))]
/// pub async fn create_issue(nango: NangoAction, input: CreateIssue) -> Result<CreatedIssue> {
///     nango.post("/repos/NangoHQ/interactive-demo/issues").body(&input).json().await
/// }
/// ```
///
/// It takes the handle and at most one input, and returns a `Result`. Keys: `integration`, `name`, `description`,
/// `version`, `scopes(…)`, `checkpoint = Type`, `metadata = Type`, as of [`macro@sync`].
#[proc_macro_attribute]
pub fn action(args: TokenStream, item: TokenStream) -> TokenStream {
    action::expand(args.into(), &item.into()).into()
}

/// Runs a function on an event of a connection.
///
/// ```text
/// #[on_event(post_connection_creation)]
/// async fn welcome(nango: NangoAction) -> Result<()> {
///     nango.trigger(who_am_i, ()).await?;
///     Ok(())
/// }
/// ```
///
/// The event is one of `post_connection_creation`, `pre_connection_deletion` and `validate_connection` (an error
/// refuses the connection). Other keys: `integration`, `name`, `description`, `metadata = Type`.
#[proc_macro_attribute]
pub fn on_event(args: TokenStream, item: TokenStream) -> TokenStream {
    event::expand(args.into(), &item.into()).into()
}

/// Makes a function the webhook handler of a sync: it may save what the sync may save.
///
/// ```text
/// #[on_webhook(all_issues, "issues.opened", "issues.edited")]
/// async fn issue_changed(nango: NangoSync, event: IssueEvent) -> Result<()> {
///     nango.batch_save([event.issue]).await?;
///     Ok(())
/// }
/// ```
///
/// First the path of the sync's function (`issues::all_issues` in another module: the path to where it is defined, or a
/// glob import of it), then the webhook types that it takes, `"*"` for all. A sync has at most one handler.
#[proc_macro_attribute]
pub fn on_webhook(args: TokenStream, item: TokenStream) -> TokenStream {
    webhook::expand(args.into(), &item.into()).into()
}

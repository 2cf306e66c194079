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
//! Beside them, [`path!`] builds the path of a request from values.
//!
//! One file for each attribute, and the same three steps in each: the arguments are read, checked against the item, and
//! written out as tokens. Must stay true: a function's body is never parsed; every mistake is reported at once, at the
//! tokens that are wrong; the item is always written out again, so that a mistake here causes no other elsewhere.

mod action;
mod args;
mod checkpoint;
mod deletes;
mod derives;
mod duration;
mod endpoint;
mod event;
mod func;
mod mapper;
mod marker;
mod model;
mod paginate;
mod parts;
mod patch;
mod path;
mod serde_name;
mod since;
mod sync;
mod template;
mod typescript;
mod value;
mod webhook;

#[path = "../../nango-core/src/declare/dots.rs"]
mod dots;
#[path = "../../nango-core/src/declare/flag_names.rs"]
#[allow(unreachable_pub, reason = "shared with nango-core, which exports it")]
mod flag_names;
#[path = "../../nango-core/src/declare/frequency.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with nango-core, which uses all of it")]
mod frequency;
#[path = "../../nango-core/src/declare/suggest.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with nango-core, which uses all of it")]
mod suggest;

use proc_macro::TokenStream;

/// Builds the path of a request from values: each value is one encoded segment, or behind `?` one encoded query value.
///
/// ```text
/// let issue: Issue = nango.get(path!("/repos/{owner}/{repo}/issues/{number}")).json().await?;
/// nango.delete(path!("/repos/{owner}/{repo}/labels/{name}", owner = input.owner, repo = input.repo, name = input.name)).await?;
/// let found: Found = nango.get(path!("/search/issues?q={query}")).json().await?;
/// ```
///
/// A name in braces is a variable, or an argument of that name: `owner = input.owner`. A value is text, an integer, a
/// `bool` or a `char`; it is borrowed. Everything in it that is not a letter, a digit or one of `-._~` is
/// percent-encoded, so that `C#`, `a/b` and `what?` reach the API as they are.
///
/// The path is checked when compiled: it starts with `/` and has no dot segment (`.`, `..`, `%2e`) and no `\`. A value
/// that is empty, `.` or `..` would lead to another path: the request that has it fails when it is sent, and nothing is
/// sent.
#[proc_macro]
pub fn path(tokens: TokenStream) -> TokenStream {
    path::expand(tokens.into()).into()
}

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
/// metadata; it fills one segment of the path, or one value of the query, whatever it contains.
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
/// | `track_deletes` | | a complete walk deletes the records that it did not see, as the next three keys say |
/// | `on_invalid = "skip"` | `"fail"` | what becomes of a record that does not fit |
/// | `since(…)` | | reads only what changed; with `track_deletes` it needs `full_every` |
///
/// # Pages
///
/// `paginate(KIND, …)` walks a list; without a kind the provider's entry in the catalogue decides. `KIND` is one of:
///
/// | kind | the next page is found by |
/// | --- | --- |
/// | `link(rel = "next")`, `link(path = "paging.next")` | a URL in the `Link` header, or in the body |
/// | `cursor(name = "after", path = "meta.next")` | a token in the body, sent as the parameter `name` |
/// | `last_item(name = "starting_after", field = "id")` | this field of the page's last record |
/// | `offset(name = "skip", start = 0, by = "records")` | a number that is counted; or `by = "page"` |
///
/// | key | |
/// | --- | --- |
/// | `limit = 100`, `limit_name = "per_page"` | how many records a page should have, and the parameter that carries it |
/// | `response_path = "data.items"` | where the response holds the list; the whole body without it |
/// | `has_more = "has_more"` | path of a value that is true while another page follows |
/// | `is_last = "isLast"` | path of a value that is true on the last page: the inverse |
/// | `total = "total"`, `total_pages = "meta.pages"` | path of the number of records, or pages, of the whole list; the last answer must have it |
/// | `null_is_empty` | `null` in place of the list, or a missing list, is an empty list |
/// | `end_status(400, 404)` | statuses (4xx) with which the API answers a request for a page behind the last |
/// | `pagination = "token"` or `"position"` | whether records can move across the reader's position; `"position"` where the list is sorted by a field that changes |
/// | `in_body` | parameters go into the body; the default for POST, PUT and PATCH |
///
/// Declare what the API offers of `has_more`, `is_last`, `total`, `total_pages` and `end_status`: they are the evidence
/// that a walk is complete, and only a complete walk deletes.
///
/// # Deletes
///
/// | key | default | |
/// | --- | --- | --- |
/// | `confirm_deletes = 2` | 1; 2 or 3 for offsets and page numbers | how many complete walks in a row must miss a record |
/// | `confirm_deletes(get = "/issues/{record.number}", response_path = "issue")` | | asks for each missing record; 404 and 410 delete it, an answer is mapped and saved |
/// | `hold = "2h"` | `"1h"` | how long deletes are held that look like a fault of the API; `"0s"` to `"30d"` |
/// | `max_deletes = "20%"` | | a walk that missed a greater share of the live records deletes none of them |
///
/// They need `track_deletes`. A sync by hand has them, too, for its `full_scan`; `confirm_deletes(get = …)` is for
/// mappers. In `get`, `{owner}` is a field of the metadata, `{record.number}` a path in the stored record, and
/// `{record.id}` its id. A 404 can also mean that the connection may not see the record any more.
///
/// # Incremental runs
///
/// `since(param = "since", format = "rfc3339", from = "run_start", overlap = "2m", full_every = "7d")`: `format` may be
/// `"unix"` or `"unix_ms"`, `from` may be `"field:updated_at"`; only `param` is required. Without `overlap` nothing is
/// taken off; without `full_every` every run but the first is incremental, except that a list with offsets or page
/// numbers is read in full every 7 days.
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

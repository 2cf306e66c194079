//! Attributes that declare integrations: models, syncs, actions, events and webhooks.
//!
//! | attribute | on | declares |
//! | --- | --- | --- |
//! | [`macro@model`] | a struct or an enum | data with a name and a schema; with an id, a record |
//! | [`macro@patch`] | a struct | changes to a record |
//! | [`macro@checkpoint`] | a struct | the position of a sync in the provider's data |
//! | [`macro@sync`] | an `async fn`, or a mapper | a function that keeps the records of a model up to date |
//! | [`macro@action`] | an `async fn` | an operation at the provider |
//! | [`macro@on_event`] | an `async fn` | a function that runs when a connection is created, validated or deleted |
//! | [`macro@on_webhook`] | an `async fn` | the webhook handler of a sync |
//!
//! In addition, [`path!`] builds the path of a request from values.
//!
//! There is one file per attribute, with the same three stages: raw arguments (`Args`), a validated declaration, which
//! is a type of its own, and tokens. Invariants: a function's body is never parsed; all mistakes are reported at once,
//! each at the tokens that are wrong; the item is always emitted again, so that a mistake causes no further errors
//! elsewhere. The item under an attribute is read and emitted by `func` (functions) or `data` (structs and enums).

mod action;
mod args;
mod attributes;
mod capability;
mod checkpoint;
mod conflicts;
mod data;
mod deletes;
mod delta;
mod duration;
mod each;
mod endpoint;
mod error_at;
mod expansion;
mod func;
#[cfg(test)]
mod golden;
mod mapper;
mod marker;
mod model;
mod nested;
mod on_event;
mod on_webhook;
mod paginate;
mod pairs;
mod parts;
mod patch;
mod path;
mod request;
mod scope;
mod serde_attributes;
mod since;
mod sync;
mod typescript;
mod value;

use proc_macro::TokenStream;

/// Builds the path of a request from values: each value is one encoded segment or, after `?`, one encoded query value.
///
/// ```text
/// let issue: Issue = nango.get(path!("/repos/{owner}/{repo}/issues/{number}")).json().await?;
/// let label = path!("/repos/{owner}/{repo}/labels/{name}", owner = input.owner, repo = input.repo, name = input.name);
/// nango.delete(label).await?;
/// let found: Found = nango.get(path!("/search/issues?q={query}")).json().await?;
/// ```
///
/// A name in braces is a variable, or an argument of that name: `owner = input.owner`. A value is text, an integer, a
/// `bool`, a `char`, or an enum with `#[model]` whose variants have no data; it is borrowed. Everything in it that is
/// not a letter, a digit or one of `-._~` is percent-encoded, so that `C#`, `a/b` and `what?` reach the API unchanged.
///
/// The path is checked at compile time: it starts with `/` and has no dot segment (`.`, `..`, `%2e`) and no `\`. A
/// value that is empty, `.` or `..` would lead to another path, so its request fails before anything is sent.
#[proc_macro]
pub fn path(tokens: TokenStream) -> TokenStream {
    expansion::function("path", tokens.into(), path::expand).into()
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
/// A struct with a field `id`, a `String`, a `Cow<'static, str>`, a `Uuid` or an integer, is also a record and can be
/// synced. Documentation comments become descriptions in the schema.
///
/// A field is a plain value, a container, a `Timestamp` (RFC 3339, `format: date-time`), or another type with
/// `#[model]`. A type of another crate needs `Debug`, `Clone`, `PartialEq`, serde's traits and `schemars::JsonSchema`,
/// which are often features of its crate and of `schemars`. A type that is only read, such as what an API returns,
/// needs no attribute: `#[derive(Deserialize)]` is enough.
///
/// It derives `Debug`, `Clone`, `PartialEq`, `Serialize`, `Deserialize` and `JsonSchema`, except those that are already
/// derived below it. `#[serde(…)]` and `#[schemars(…)]` work as usual. Write it above other derives.
///
/// | key | default | |
/// | --- | --- | --- |
/// | `id = "field"` | `id` | the field that is the key of a record |
/// | `name = "Issue"` | the type's name | the name in schemas, in the cache and on the wire |
/// | `updated = "field"` | | the field with the time of the record's last update at the provider |
/// | `crate = path` | `::nango_core` | the path of the runtime crate, for a renamed dependency or a facade |
///
/// All attributes take `crate = path`. With the environment variable `NANGO_MACROS_DEBUG=1` each expansion is printed
/// while the crate compiles.
///
/// `id` and `updated` take the Rust name of the field, even if serde renames it.
///
/// The field of `updated` contains RFC 3339, or seconds or milliseconds since 1970 (UTC) as a number or as text: a
/// `Timestamp`, a `String`, an integer of 32 or 64 bits, an `f64`, or an `Option` of these. A webhook, a patch or an
/// incremental run whose value is older than the stored one changes nothing: it is counted as `skipped_older`, and the
/// record counts as seen. An equal value applies. A patch without the field applies. Values are not compared if one of
/// them is missing or cannot be read, or if the stored one is more than a day in the future. An older value that two
/// full runs in a row return wins: the provider has reverted the record. A delete can carry the time of its event:
/// `batch_delete::<Issue>([(id, time)])`. `merging = "override"` of a sync does not change this.
#[proc_macro_attribute]
pub fn model(args: TokenStream, item: TokenStream) -> TokenStream {
    expansion::attribute("model", args.into(), &item.into(), model::expand).into()
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
/// It contains the record's key and the fields that may change, each checked against the model at compile time: an
/// `Option` that is `None` is not sent, and a `Patch` can also set the field to `null` (the model's field is then an
/// `Option`). Objects are merged field by field, everything else is replaced. A field that the model renames for serde
/// needs the same `#[serde(rename = "…")]` here.
///
/// | key | default | |
/// | --- | --- | --- |
/// | `of = Model` | required | the model that is changed |
/// | `id = "field"` | `id` | the field with the key |
/// | `nested` | | the struct is part of another patch and has no key of its own |
#[proc_macro_attribute]
pub fn patch(args: TokenStream, item: TokenStream) -> TokenStream {
    expansion::attribute("patch", args.into(), &item.into(), patch::expand).into()
}

/// Makes a struct a checkpoint: the position that a function stores between its runs.
///
/// ```text
/// #[checkpoint]
/// pub struct IssuesCheckpoint {
///     pub since: String,
///     pub page: u32,
/// }
/// ```
///
/// A checkpoint is flat, so that a user can read and set it: strings, numbers, booleans, `Timestamp`, options of these,
/// and maps from `String` to them, such as `BTreeMap<String, Timestamp>` with a position for each channel.
#[proc_macro_attribute]
pub fn checkpoint(args: TokenStream, item: TokenStream) -> TokenStream {
    expansion::attribute("checkpoint", args.into(), &item.into(), checkpoint::expand).into()
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
/// As a mapper, a plain function of one record. `endpoint` makes it one, and the macro generates the loop:
///
/// ```text
/// #[sync(model = "GithubIssueDemo", endpoint = "/repos/{owner}/{repo}/issues", metadata = RepoConfig, paginate)]
/// pub fn repo_issues(issue: GithubIssue) -> Option<GithubIssueDemo> {
///     (issue.state == "open").then(|| GithubIssueDemo::from(issue))
/// }
/// ```
///
/// A name in braces is a field of the connection's metadata; its value fills exactly one segment of the path or one
/// value of the query, whatever it contains.
///
/// The parameters of a mapper are `[nango: NangoSync,] [parent: &Parent,] raw: Raw [, metadata: &Metadata]`, in this
/// order: a mapper that sends further requests is async and takes the handle, one with `each` takes the parent, and one
/// with `metadata = Type` may take the connection's metadata, which is decoded once per run. `Raw` is any type that
/// implements `Deserialize`.
///
/// A mapper returns one of these, or a `Result` of it:
///
/// | return type | |
/// | --- | --- |
/// | `Model` | saves the record |
/// | `Option<Model>` | `None` saves nothing: the record is not part of the copy, so a complete walk with `track_deletes` deletes it |
/// | `Vec<Model>` | saves any number of records |
/// | `Change<Model>` | `Save(model)`, `Delete(id)`, `Keep(id)`, or `Skip`, which is like `None` |
/// | `Vec<Change<Model>>` | any number of changes |
/// | `Children<Model>`, `Option<Children<Model>>` | `Children::of(&order.id, lines)`: all records that belong to a parent |
/// | `(Order, Vec<Line>)` | with `models("Order", "Line")`: a part for each model, each in one of the forms above |
///
/// `Delete(id)` is a delete that the API reports: it is applied with its page, and the keys that delay deletes do not
/// apply to it. `Keep(id)` changes nothing and counts the record as seen. If a page saves and deletes one id, the later
/// of the two counts; if it saves one id twice, the first.
///
/// A mapper of several models returns a tuple of 2 to 8 parts in any order, each for another declared model:
///
/// ```text
/// #[sync(models("Order", "Line"), endpoint = "/orders", paginate, since(param = "updated_at_min"))]
/// pub fn orders(order: ApiOrder) -> (Order, Children<Line>) {
///     let lines = Children::of(&order.id, order.line_items);
///     (Order { id: order.id, name: order.name }, lines)
/// }
/// ```
///
/// All records of a page are saved in one transaction. With `track_deletes` each model has a scan of its own: the scans
/// begin and end together, and a record is deleted under the conditions of its model, so the guard and `max_deletes`
/// hold the share of each model. A record of `Vec<Line>` that is no longer in its order is deleted by the next full run
/// with `track_deletes`. `Children::of` deletes it at once, in full and incremental runs: the records of the parent
/// that are stored and are not in the list are deleted with the page, also without `track_deletes`, and the keys that
/// delay deletes do not apply. Of several lists of one parent in a page, the last one counts. An order that was
/// deleted comes with an empty list: `(Change::Delete(order.id), Children::of(&order.id, []))`. If `on_invalid =
/// "skip"` skips a raw record, the run deletes no record of a model whose ids are not those of the raw records.
///
/// The module is the integration (`src/github/…`: `github`), the function's name in kebab-case is the name of the sync,
/// and the first paragraph of its documentation is its description.
///
/// | key | default | |
/// | --- | --- | --- |
/// | `model = "A"` or `models("A", "B")` | required | the models that it may save |
/// | `frequency = "every 5 minutes"` | when triggered | interval between runs: 30 seconds to 31 days |
/// | `auto_start = false` | `true` | whether a new connection starts it |
/// | `checkpoint = Type` | | the position that it stores between runs; not with `endpoint` |
/// | `metadata = Type` | | the shape of the connection's metadata |
/// | `merging = "newer"` or `"override"` | `"newer"` | which write wins if another run wrote a record meanwhile |
/// | `scopes("repo")` | | the OAuth scopes that it needs at the provider |
/// | `integration`, `name`, `description`, `version` | see above, `0.0.1` | strings |
/// | `crate = path` | `::nango_core` | the path of the runtime crate, for a renamed dependency or a facade |
/// | `endpoint = "/path"`, `endpoint = "POST /path"` | | makes it a mapper; all keys below need it |
/// | `query("status" = "open")`, `headers("X-Version" = "2")`, `body = json!({ … })` | | parts of its requests; see Requests below |
/// | `paginate`, `paginate(…)` | one request | how the next page is found; `paginate` alone uses the provider's entry |
/// | `retries = 3` | 0 | number of retries of a request, at most 10 |
/// | `records_at_once = 8` | 4 | number of records of a page that an async mapper maps at the same time: 1 to 64; their order is kept |
/// | `track_deletes` | | a complete walk deletes the records that it did not see; see Deletes below |
/// | `error(when = "ok", is = false, message = "error")` | | a response with status 200 whose value at `when` equals `is` is an error: the run fails with the text at `message`. It may be given several times, and replaces the errors of the provider's entry |
/// | `error(path = "errors[0].message", partial = true)` | | a value at `path` is an error; with `partial`, the data beside it is saved, and the walk is incomplete: it deletes nothing and does not advance `since` |
/// | `error(…, fatal = ["token_revoked"])` | | messages of errors that always fail the run, while another declared error skips a parent; needs `each` |
/// | `on_invalid = "skip"` | `"fail"` | skips a record that does not match the type, or fails the run |
/// | `since(…)` | | reads only what changed after a time; with `track_deletes` it needs `full_every` |
/// | `delta(…)` | | reads only what changed after a position that the API returns; see Incremental runs below |
/// | `each = SlackChannel`, `each = metadata.repos` | one list | parents, each of which has a list of its own; see Parents below |
/// | `each_variant`, `parents_at_once`, `on_parent_error` | | settings of `each` |
///
/// # Requests
///
/// ```text
/// #[sync(
///     model = "Issue",
///     metadata = Team,
///     endpoint = "POST /graphql",
///     headers("X-Api-Version" = "2026-01-01"),
///     body = json!({ "query": ISSUES, "variables": { "team": metadata.team } }),
///     paginate(cursor(name = "variables.after", path = "data.issues.endCursor"), response_path = "data.issues.nodes")
/// )]
/// ```
///
/// | key | |
/// | --- | --- |
/// | `endpoint = "POST /path"` | the method: `GET`, which can be omitted, `POST`, `PUT` or `PATCH` |
/// | `endpoint = ISSUES` | a constant with a path, or a method and a path, and without names in braces |
/// | `query("status" = "open", "team" = metadata.team)` | parameters; each replaces one of the same name in `endpoint` |
/// | `headers("X-Api-Version" = "2026-01-01")` | headers, which override those of the integration and of the provider's entry |
/// | `body = json!({ "query": ISSUES })` | the JSON body of `POST`, `PUT` and `PATCH`: any value that implements `Serialize` |
///
/// Values are expressions. With `metadata = Type`, `metadata` in them is a reference to the connection's metadata. A
/// parameter or a header is text, a number, a boolean, or an enum that serializes to text; `None` sends none. The
/// headers `authorization`, `cookie`, `host`, `content-length` and those of the connection to the server cannot be
/// declared.
///
/// The values are computed when a run starts, and all pages are requested with them. They should be the same in every
/// run: an interrupted walk whose request has changed starts over. With a method that has a body, the parameters of
/// pages and of `since` are fields of the body, and a dotted name is a path: `variables.after`; `in_body = false` of
/// `paginate(…)` sends them in the query. `since` in `"unix"` or `"unix_ms"` is then a number.
///
/// A mapper only reads: whatever its method is, a request is retried, and keeps its method and body in a redirect
/// with status 301 or 302. Do not declare an endpoint that changes something.
///
/// # Parents
///
/// With `each`, the mapper walks one list for each parent, such as the messages of each channel:
///
/// ```text
/// #[sync(model = "SlackMessage", each = SlackChannel, endpoint = "/messages", query("channel" = each.id), paginate)]
/// pub fn messages(channel: &SlackChannel, message: ApiMessage) -> SlackMessage {
///     SlackMessage { id: format!("{}-{}", channel.id, message.ts), text: message.text }
/// }
/// ```
///
/// | key | default | |
/// | --- | --- | --- |
/// | `each = SlackChannel` | | the live records of a model that another sync of the integration saves, of the same connection |
/// | `each = metadata.repos` | | the elements of a list in the connection's metadata, which needs `metadata = Type`; equal elements are one parent |
/// | `each_variant = "archive"` | the base variant | the variant of the records that are the parents |
/// | `parents_at_once = 8` | 4 | number of parents whose lists are walked at the same time, within the rate limit: 1 to 64 |
/// | `on_parent_error = "fail"` or `"skip"` | by error | whether an error about the list of a parent fails the run, or skips the parent |
///
/// `{each.id}` in the endpoint is a field of the parent, which may be nested, as in `{each.owner.login}`; `{each}` is
/// the parent itself, if it is text or a number. In `query(…)`, `headers(…)` and `body = …`, `each` is a reference to
/// the parent. The requests must use the parent: without it, all lists would be the same.
///
/// Without `on_parent_error`, a response with status 403, 404 or 410 and a declared `error(…)` skip the parent, which
/// is counted as `parents_skipped`; any other error, and one whose message is `fatal`, fails the run. With `"skip"`,
/// any other error response skips the parent too, also 5xx, and so does a record that does not fit its type; 401, 429,
/// a `fatal` error and a failure of the network fail the run. The run also fails, with the first error, if the list of
/// no parent could be read.
///
/// Each parent has its own position of `since` and `delta`, and its own resume point. With `track_deletes`, a record is
/// deleted only if the walk of its own parent was complete and did not return it, or if its parent has been deleted or
/// is no longer in the list of the metadata. `confirm_deletes(get = …)` and `Children` are not available.
///
/// # Pages
///
/// `paginate(KIND, …)` walks a list. Without a kind, the provider's entry in the catalogue decides. `KIND` is one of:
///
/// | kind | the next page is found by |
/// | --- | --- |
/// | `link(rel = "next")`, `link(path = "paging.next")` | a URL in the `Link` header, or in the body |
/// | `cursor(name = "after", path = "meta.next")` | a token in the body, sent as the parameter `name` |
/// | `last_item(name = "starting_after", id = "id")` | this field of the page's last record |
/// | `offset(name = "skip", start = 0, by = "records")` | a counted number of records; with `by = "page"`, of pages |
///
/// | key | |
/// | --- | --- |
/// | `limit = 100`, `limit_name = "per_page"` | number of records per page, and the parameter that carries it |
/// | `response_path = "data.items"` | path of the list in the response; the whole body if omitted |
/// | `response_path = "items.*"` | the records are the values of the object at `items`, in the order of the response; `*` if the whole body is that object |
/// | `response_key = "id"` | with `.*`: the field of a record that receives its key, as text; a record that has the field keeps its own value |
/// | `has_more = "has_more"` | path of a value that is true while another page follows |
/// | `is_last = "isLast"` | path of a value that is true on the last page: the inverse |
/// | `total = "total"`, `total_pages = "meta.pages"` | path of the number of records, or pages, of the whole list; the last response must have it |
/// | `null_is_empty` | `null` in place of the list, or a missing list, is an empty list |
/// | `end_status(400, 404)` | statuses (4xx) of a request for a page after the last one |
/// | `pagination = "token"` or `"position"` | whether records can move across the reader's position; `"position"` if the list is sorted by a field that changes |
/// | `in_body` | parameters go into the body; the default for POST, PUT and PATCH |
///
/// Declare all of `has_more`, `is_last`, `total`, `total_pages` and `end_status` that the API supports: they are the
/// evidence that a walk is complete, and only a complete walk deletes.
///
/// # Deletes
///
/// | key | default | |
/// | --- | --- | --- |
/// | `confirm_deletes = 2` | 1; 2 or 3 for offsets and page numbers | number of complete walks in a row that must miss a record |
/// | `confirm_deletes(get = "/issues/{record.number}", response_path = "issue")` | | requests each missing record; 404 and 410 delete it, a successful response is mapped and saved |
/// | `hold = "2h"` | `"1h"` | how long deletes are held that look like a failure of the API; `"0s"` to `"30d"` |
/// | `max_deletes = "20%"` | | a walk that missed a greater share of the records deletes none of them |
///
/// A mapper needs `track_deletes` for these keys. A sync by hand can set them for its `full_scan`, except
/// `confirm_deletes(get = …)`, which is for mappers of one model. In `get`, `{owner}` is a field of the metadata,
/// `{record.number}` a path in the stored record, and `{record.id}` its id. A 404 can also mean that the connection has
/// lost access to the record.
///
/// # Incremental runs
///
/// `since(param = "since", format = "rfc3339", from = "run_start", overlap = "2m", full_every = "7d")`: `format` may be
/// `"unix"` or `"unix_ms"`, `from` may be `"field:updated_at"`; only `param` is required. `overlap` is
/// subtracted from the time. Without `full_every`, every run but the first is incremental, except that a list with
/// offsets or page numbers is read in full every 7 days.
///
/// `delta(…)` is for an API that returns the position itself, such as a cursor, a sync token or a delta link. It
/// excludes `since`, and deletes with `track_deletes` need no `full_every`.
///
/// ```text
/// delta(param = "cursor", path = "after_cursor", initial("start_time" = "0"), end = "end_of_stream")
/// delta(param = "syncToken", path = "nextSyncToken", expired(410))
/// delta(link = "@odata.deltaLink")
/// ```
///
/// | key | default | |
/// | --- | --- | --- |
/// | `param = "cursor"`, `path = "after_cursor"` | | the parameter that carries the position, and its path in a response |
/// | `link = "@odata.deltaLink"` | | in place of these: the path of the URL of the next request |
/// | `initial("start_time" = "0")` | | parameters that are sent only without a position; values are expressions, as in `query(…)` |
/// | `end = "end_of_stream"` | | the position is also the cursor of the pages, and this flag is true on the last page |
/// | `expired(400, 410)` | `expired(410)` | statuses (4xx) of a response to a position that has expired: the run reads the complete list |
#[proc_macro_attribute]
pub fn sync(args: TokenStream, item: TokenStream) -> TokenStream {
    expansion::attribute("sync", args.into(), &item.into(), sync::expand).into()
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
/// It takes the handle and at most one input, and returns a `Result`. Input and output are models, plain values,
/// containers, or any other type with serde's traits and `schemars::JsonSchema`. They are at least as visible as the
/// function: a `pub` function with a private input does not compile. Keys: `integration`, `name`, `description`,
/// `version`, `scopes(…)`, `checkpoint = Type`, `metadata = Type`, as in [`macro@sync`].
#[proc_macro_attribute]
pub fn action(args: TokenStream, item: TokenStream) -> TokenStream {
    expansion::attribute("action", args.into(), &item.into(), action::expand).into()
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
    expansion::attribute("on_event", args.into(), &item.into(), on_event::expand).into()
}

/// Makes a function the webhook handler of a sync. It may save the models of the sync.
///
/// ```text
/// #[on_webhook(all_issues, "issues.opened", "issues.edited")]
/// async fn issue_changed(nango: NangoSync, event: IssueEvent) -> Result<()> {
///     nango.batch_save([event.issue]).await?;
///     Ok(())
/// }
/// ```
///
/// The first argument is the path of the sync's function: in another module, the path of its definition
/// (`issues::all_issues`) or a glob import of it. The other arguments are the webhook types to handle, `"*"` for all. A
/// sync has at most one handler.
#[proc_macro_attribute]
pub fn on_webhook(args: TokenStream, item: TokenStream) -> TokenStream {
    expansion::attribute("on_webhook", args.into(), &item.into(), on_webhook::expand).into()
}

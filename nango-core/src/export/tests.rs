//! Tests of the export with a small hand-written registry.

use std::pin::Pin;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::*;
use crate::{
    declare::{ActionDef, Event, EventDef, Frequency, Location, Merging, SyncDef, SyncRun, WebhookDef},
    model::ModelInfo,
};

macro_rules! schema {
    ($t:ty) => {
        |generator| generator.subschema_for::<$t>()
    };
}

macro_rules! value {
    ($t:ty) => {
        ValueType { schema: schema!($t), check: |_| Ok(()) }
    };
}

macro_rules! types {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $of:ty),* })*) => {
        $(
            #[derive(Serialize, Deserialize, JsonSchema)]
            $(#[$meta])*
            pub(super) struct $name { $($(#[$field_meta])* $field: $of),* }
        )*
    };
}

types! {
    /// An issue.
    Issue {
        /// Assigned by the provider.
        id: u64,
        title: Option<String>,
        user: User
    }
    User { login: String }
    #[serde(deny_unknown_fields)] Row { number: u32 }
    Named { id: String, parent: Option<Box<Named>> }
    NewIssue { title: String, like: Option<Issue> }
    Progress { page: u32 }
    #[schemars(rename = "User")] Person { age: u8 }
}

const AT: Location = Location { file: "src/x.rs", line: 3, function: "" };

fn never_run<T>() -> Pin<Box<dyn Future<Output = crate::Result<T>> + Send>> {
    Box::pin(async { Err(crate::Error::msg("never run")) })
}

static ISSUE: ModelInfo = ModelInfo { name: "Issue", schema: schema!(Issue), type_name: || "Issue" };
static ROW: ModelInfo = ModelInfo { name: "Row", schema: schema!(Row), type_name: || "Row" };
static NAMED: ModelInfo = ModelInfo { name: "Named", schema: schema!(Named), type_name: || "Named" };

const fn sync(integration: &'static str, name: &'static str, models: &'static [&'static ModelInfo]) -> SyncDef {
    SyncDef {
        at: AT,
        integration,
        name,
        description: "Issues.",
        version: "0.0.1",
        frequency: Some(Frequency::declared("every hour", 3600)),
        auto_start: true,
        track_deletes: false,
        deletes: crate::declare::Deletes::standard(),
        merging: Merging::Newer,
        scopes: &[],
        models,
        checkpoint: Some(value!(Progress)),
        metadata: None,
        run: SyncRun::Function(|_| never_run()),
    }
}

const fn action(name: &'static str, input: Option<ValueType>, output: SchemaFn) -> ActionDef {
    ActionDef {
        at: AT,
        integration: "git_hub",
        name,
        description: "",
        version: "0.0.1",
        scopes: &[],
        input,
        output,
        checkpoint: None,
        metadata: None,
        run: |_, _| never_run(),
    }
}

static ISSUES: SyncDef = sync("git_hub", "issues", &[&ISSUE, &ROW, &NAMED]);
static OTHER: SyncDef = sync("other", "rows", &[&ROW]);
static CREATE: ActionDef = action("create", Some(value!(NewIssue)), schema!(Vec<Issue>));
static PING: ActionDef = action("ping", None, schema!(()));
static PERSON: ActionDef = action("person", None, schema!(Person));
static CHECK: EventDef = EventDef {
    at: AT,
    integration: "git_hub",
    name: "check",
    description: "",
    event: Event::ValidateConnection,
    metadata: None,
    run: |_| never_run(),
};
static HOOK: WebhookDef = WebhookDef {
    at: AT,
    name: "changed",
    description: "",
    sync: &ISSUES,
    subscriptions: &["issues.edited"],
    payload: value!(Value),
    run: |_, _| never_run(),
};

fn registry(items: &[Item]) -> Registry {
    Registry::from_items(items.iter().copied()).unwrap()
}

fn full_registry() -> Registry {
    registry(&[
        Item::Webhook(&HOOK),
        Item::Action(&PING),
        Item::Sync(&OTHER),
        Item::Action(&CREATE),
        Item::Event(&CHECK),
        Item::Sync(&ISSUES),
    ])
}

#[test]
fn type_has_separate_record_input_and_output_shapes() {
    let bundle = bundle(&full_registry(), Some("git-hub")).unwrap();
    let hub = &bundle["integrations"]["git-hub"];
    let names: Vec<&String> = hub["models"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["Issue", "IssueInput", "IssueOutput", "Named", "NewIssue", "Progress", "Row", "User"]);
    let id = |name: &str| &hub["models"][name]["properties"]["id"];
    assert_eq!(id("Issue"), &json!({ "description": "Assigned by the provider.", "type": "string" }));
    assert_eq!(id("IssueOutput")["type"], "integer");
    assert_eq!(id("IssueInput")["type"], "integer");
    assert_eq!(hub["models"]["Issue"]["required"], json!(["id", "title", "user"]));
    assert_eq!(hub["models"]["IssueInput"]["required"], json!(["id", "user"]));
    let output = json!({ "type": "array", "items": { "$ref": "#/integrations/git-hub/models/IssueOutput" } });
    assert_eq!(hub["actions"]["create"]["output"], output);
    assert_eq!(hub["actions"]["create"]["input"], json!({ "$ref": "#/integrations/git-hub/models/NewIssue" }));
    let like = &hub["models"]["NewIssue"]["properties"]["like"]["anyOf"][0];
    assert_eq!(like, &json!({ "$ref": "#/integrations/git-hub/models/IssueInput" }));
    assert_eq!(hub["actions"]["ping"]["input"], Value::Null);
    assert_eq!(hub["actions"]["ping"]["output"], json!({ "type": "null" }));
}

#[test]
fn record_schema_gets_id_and_allows_metadata_when_model_has_no_id() {
    let bundle = bundle(&full_registry(), Some("other")).unwrap();
    let row = &bundle["integrations"]["other"]["models"]["Row"];
    assert_eq!(row["required"], json!(["id", "number"]));
    assert_eq!(row["properties"].as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "number"]);
    assert_eq!(row.get("additionalProperties"), None);
    assert!(bundle["integrations"]["other"]["models"].get("RowOutput").is_none());
}

#[test]
fn sync_schema_lists_its_webhook_subscriptions() {
    let bundle = bundle(&full_registry(), None).unwrap();
    assert_eq!(
        bundle["integrations"]["git-hub"]["syncs"]["issues"],
        json!({
            "description": "Issues.", "version": "0.0.1", "frequency": "every hour",
            "models": ["Issue", "Row", "Named"],
            "checkpoint": { "$ref": "#/integrations/git-hub/models/Progress" }, "metadata": null,
            "webhook_subscriptions": ["issues.edited"], "webhook_payload": true,
        })
    );
    assert_eq!(bundle["integrations"]["git-hub"]["events"]["check"]["event"], "validate-connection");
    assert_eq!(bundle["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(bundle["integrations"].as_object().unwrap().keys().collect::<Vec<_>>(), ["git-hub", "other"]);
}

#[test]
fn bundle_is_identical_for_any_order_of_functions() {
    let forward = bundle(&full_registry(), None).unwrap().to_string();
    let items = [Item::Sync(&ISSUES), Item::Event(&CHECK), Item::Sync(&OTHER), Item::Action(&CREATE)];
    let rest = [Item::Action(&PING), Item::Webhook(&HOOK)];
    let backward: Vec<Item> = items.into_iter().chain(rest).collect();
    assert_eq!(bundle(&registry(&backward), None).unwrap().to_string(), forward);
}

#[test]
fn standalone_model_contains_all_types_it_refers_to() {
    let issue = model(&full_registry(), "git-hub", "Issue").unwrap().unwrap();
    assert_eq!(issue["properties"]["user"], json!({ "$ref": "#/$defs/User" }));
    assert_eq!(issue["$defs"].as_object().unwrap().keys().collect::<Vec<_>>(), ["User"]);
    assert_eq!((&issue["title"], &issue["description"]), (&json!("Issue"), &json!("An issue.")));
    let named = model(&full_registry(), "git-hub", "Named").unwrap().unwrap();
    assert_eq!(named["properties"]["parent"]["anyOf"][0], json!({ "$ref": "#" }));
    assert_eq!(named.get("$defs"), None);
    assert_eq!(model(&full_registry(), "git-hub", "Missing").unwrap(), None);
    assert_eq!(standalone(schema!(Vec<User>), Contract::Serialize)["$defs"]["User"]["required"], json!(["login"]));
    assert_eq!(standalone(schema!(User), Contract::Serialize)["title"], "User");
}

#[track_caller]
fn check_conflict(items: &[Item], expect: &str) {
    let errors = bundle(&registry(items), None).unwrap_err();
    assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), [expect]);
}

#[test]
fn two_types_with_one_name_are_an_error_with_both_locations() {
    check_conflict(
        &[Item::Sync(&ISSUES), Item::Action(&PERSON)],
        "two types of `git-hub` are named `User`: one of sync `issues`, src/x.rs:3, one of action `person`, \
         src/x.rs:3; rename one of them with `#[model(name = \"…\")]`",
    );
}

#[test]
fn unused_name_is_numbered_when_name_is_used() {
    let mut used = ["IssueInput".to_owned()].into();
    assert_eq!(definitions::unused_name("Issue", "Input", &mut used), "IssueInput2");
    assert_eq!(definitions::unused_name("Issue", "Output", &mut used), "IssueOutput");
}

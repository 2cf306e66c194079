//! Nango's client for Node against `registry serve`: every method of the routes of providers, integrations, functions,
//! connections, metadata, records and actions, on both databases.

use integrations::standin::{PAGED_REPOSITORY, Standin};
use nango_tests::{DatabaseKind, Registry, Running, TestDatabase, api_server, nango_client::NangoClient, wait};
use serde_json::{Value, json};

use crate::synced_registry::SyncedRegistry;

/// Server with one synced connection, and a client. Fields are dropped in order: the server before its database.
struct Served {
    client: NangoClient,
    _server: Running,
    synced: SyncedRegistry,
    _database: TestDatabase,
}

impl Served {
    /// Returns `None` if the database or the tools of the client are missing.
    fn start(kind: DatabaseKind) -> Option<Self> {
        let database = kind.create()?;
        let mut registry = Registry::new();
        registry.use_database(&database);
        registry.env("NANGO_API_KEY", api_server::API_KEY).env("NANGO_ENV_REGION", "eu");
        let standin = wait(Standin::start()).expect("a stand-in");
        let synced = SyncedRegistry::sync_first(standin, registry);
        let (server, url) = api_server::serve(&synced.registry, &[]);
        let client = NangoClient::start(&url, api_server::API_KEY)?;
        Some(Self { client, _server: server, synced, _database: database })
    }

    #[track_caller]
    fn ok(&self, method: &str, arguments: &[Value]) -> Value {
        self.client.call(method, arguments).unwrap_or_else(|error| panic!("{method}: {error:?}"))
    }

    #[track_caller]
    fn refused(&self, method: &str, arguments: &[Value], expect: (u64, &str)) -> Value {
        let error = self.client.call(method, arguments).expect_err(method);
        assert_eq!(error.code(), expect, "{method}: {error:?}");
        error.body
    }
}

fn for_each_database(test: fn(&Served)) {
    for kind in DatabaseKind::BOTH {
        if let Some(served) = Served::start(kind) {
            test(&served);
        }
    }
}

#[test]
fn client_reads_what_the_program_declares() {
    for_each_database(|served| {
        let found = served.ok("listProviders", &[json!({ "search": "GITH" })]);
        let names: Vec<&str> =
            found["data"].as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
        assert!(names.contains(&"github") && !names.contains(&"slack"), "{names:?}");
        let github = served.ok("getProvider", &[json!({ "provider": "github" })]);
        assert_eq!(github["data"]["name"], "github");
        served.refused("getProvider", &[json!({ "provider": "no-such" })], (404, "not_found"));
        let templates = served.ok("getProviderTemplates", &[json!({ "provider": "github" })]);
        assert_eq!(templates, json!({ "data": [] }));

        let all = served.ok("listIntegrations", &[]);
        let keys: Vec<&str> =
            all["configs"].as_array().unwrap().iter().filter_map(|one| one["unique_key"].as_str()).collect();
        assert!(keys.contains(&"github") && keys.is_sorted(), "{keys:?}");
        let include = json!({ "include": ["credentials", "webhook"] });
        let github = served.ok("getIntegration", &[json!({ "uniqueKey": "github" }), include]);
        // The client sends only the last value of a list.
        assert_eq!(github["data"].get("webhook_url"), Some(&Value::Null));
        assert_eq!(github["data"].get("credentials"), None);
        served.refused("getIntegration", &[json!({ "uniqueKey": "no-such" })], (404, "not_found"));
        let new = json!({ "provider": "github", "unique_key": "quick" });
        served.refused("createQuickstartIntegration", &[new], (400, "feature_disabled"));

        let in_github = json!({ "uniqueKey": "github" });
        let syncs = served.ok("listFunctions", &[in_github.clone(), json!({ "type": "sync", "limit": 1, "page": 1 })]);
        let total = syncs["pagination"]["total"].as_u64().unwrap();
        assert!(total > 1 && syncs["data"].as_array().unwrap().len() == 1, "{syncs}");
        assert_eq!(syncs["pagination"], json!({ "total": total, "page": 1, "limit": 1 }));
        let issues = json!({ "uniqueKey": "github", "name": "repo-issues" });
        let function = served.ok("getFunction", std::slice::from_ref(&issues));
        assert_eq!(
            (&function["data"]["type"], &function["data"]["returns"]),
            (&json!("sync"), &json!(["GithubIssue"]))
        );
        served.refused("getFunction", &[issues.clone(), json!({ "type": "action" })], (404, "not_found"));
        served.refused("getFunctionCode", std::slice::from_ref(&issues), (404, "not_found"));
        served.refused("deleteFunction", &[issues, json!({ "type": "sync" })], (400, "function_managed_by_deploy"));
        served.refused("listFunctions", &[in_github, json!({ "limit": 0 })], (400, "invalid_query_params"));

        let scripts = served.ok("getScriptsConfig", &[]);
        let github = scripts.as_array().unwrap().iter().find(|one| one["providerConfigKey"] == "github").unwrap();
        assert!(github["syncs"].as_array().unwrap().iter().any(|sync| sync["name"] == "repo-issues"));
        assert!(
            !github["actions"].as_array().unwrap().is_empty() && !github["on-events"].as_array().unwrap().is_empty()
        );
        let tools = served.ok("getScriptsConfig", &[json!("openai")]);
        let create = tools["data"].as_array().unwrap().iter().find(|tool| tool["name"] == "create-issue").unwrap();
        assert_eq!(create["parameters"]["properties"]["title"]["type"], "string");
        assert_eq!(served.ok("getEnvironmentVariables", &[]), json!([{ "name": "REGION", "value": "eu" }]));
    });
}

#[test]
fn client_reads_and_changes_connections() {
    for_each_database(|served| {
        let all = served.ok("listConnections", &[]);
        assert_eq!(all["connections"].as_array().unwrap().len(), 1);
        let row = &all["connections"][0];
        assert_eq!((&row["connection_id"], &row["provider_config_key"]), (&json!("acme"), &json!("github")));
        assert!(row.get("credentials").is_none() && row["created"].as_str().unwrap().ends_with('Z'), "{row}");

        let names = [json!("github"), json!("acme")];
        let one = served.ok("getConnection", &names);
        assert_eq!(one["credentials"], json!({ "type": "BEARER", "access_token": "t" }));
        assert!(one["created_at"].as_str().unwrap().ends_with("+00:00"), "{one}");
        assert_eq!(served.ok("getToken", &names), one["credentials"]);
        let forced = [&names[..], &[json!(true), json!(true)]].concat();
        assert_eq!(served.ok("getConnection", &forced)["connection_id"], "acme");
        served.refused("getConnection", &[json!("github"), json!("none")], (404, "not_found"));
        served.refused("getConnection", &[json!("none"), json!("acme")], (400, "unknown_provider_config"));

        let metadata = served.ok("getMetadata", &names);
        let replaced = json!({ "owner": "a", "repo": "b" });
        let set = served.ok("setMetadata", &[json!("github"), json!("acme"), replaced.clone()]);
        let echo = json!({ "metadata": replaced, "connection_id": "acme", "provider_config_key": "github" });
        assert_eq!(set, json!({ "status": 201, "data": echo }));
        let merged = served.ok("updateMetadata", &[json!("github"), json!(["acme"]), json!({ "repo": "c" })]);
        assert_eq!(merged["status"], 200);
        let unknown = [json!("github"), json!(["acme", "none"]), json!({ "repo": "d" })];
        served.refused("updateMetadata", &unknown, (404, "unknown_connection"));
        served.refused("setMetadata", &unknown, (404, "unknown_connection"));
        assert_eq!(served.ok("getMetadata", &names), json!({ "owner": "a", "repo": "c" }));
        served.ok("setMetadata", &[json!("github"), json!("acme"), metadata]);

        let params = json!({ "connectionId": "acme", "provider_config_key": "github" });
        let user = json!({ "id": "u1", "email": "u1@example.com", "display_name": "Una" });
        let patched =
            served.ok("patchConnection", &[params.clone(), json!({ "end_user": user, "tags": { "Plan": "pro" } })]);
        assert_eq!(patched, json!({ "success": true }));
        served.refused("patchConnection", &[params.clone(), json!({ "tags": { "1": "x" } })], (400, "invalid_body"));
        served.refused("patchConnection", &[params, json!({ "other": 1 })], (400, "invalid_body"));
        let other = json!({ "connectionId": "none", "provider_config_key": "github" });
        served.refused("patchConnection", &[other, json!({})], (404, "not_found"));
        for (filter, expect) in [
            (json!({ "tags": { "plan": "pro", "email": "u1@example.com" } }), 1),
            (json!({ "tags": { "plan": "free" } }), 0),
            (json!({ "userId": "u1", "integrationId": ["github", "slack"] }), 1),
            (json!({ "userId": "u2" }), 0),
            (json!({ "integrationId": "slack" }), 0),
            (json!({ "connectionId": "acme", "limit": 1 }), 1),
            (json!({ "limit": 1, "page": 1 }), 0),
        ] {
            let found = served.ok("listConnections", std::slice::from_ref(&filter));
            assert_eq!(found["connections"].as_array().unwrap().len(), expect, "{filter}");
        }
        let found = served.ok("listConnections", &[json!(""), json!("UNA")]);
        assert_eq!(found["connections"][0]["end_user"]["display_name"], "Una");
        assert_eq!(served.ok("waitForConnection", &[json!("github"), json!("u1")])["connection_id"], "acme");

        let removed = served.ok("deleteConnection", &names);
        assert_eq!(removed, json!({ "status": 200, "data": { "success": true } }));
        served.refused("deleteConnection", &names, (400, "unknown_connection"));
        served.refused("deleteConnection", &[json!("none"), json!("acme")], (400, "unknown_connection"));
    });
}

#[test]
fn client_reads_and_prunes_records() {
    for_each_database(|served| {
        let config = |extra: Value| {
            let mut config = json!({ "providerConfigKey": "github", "connectionId": "acme", "model": "GithubIssue" });
            config.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            config
        };
        let list = |extra: Value| served.ok("listRecords", &[config(extra)]);
        let all = served.synced.read(&["--limit", "1000"]);
        assert_eq!(list(json!({ "limit": 1000 })), all);
        let total = all["records"].as_array().unwrap().len();
        assert!(total > 8, "{total}");

        let (mut pages, mut cursor) = (Vec::new(), Value::Null);
        loop {
            let page = list(json!({ "limit": 4, "cursor": cursor }));
            pages.extend(page["records"].as_array().unwrap().clone());
            cursor = page["next_cursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
        assert_eq!(Value::Array(pages.clone()), all["records"]);
        let newest = pages.last().unwrap()["_nango_metadata"]["cursor"].clone();
        assert!(served.synced.standin.edit_issue(PAGED_REPOSITORY, 1, "A new title"));
        served.synced.sync();
        let changed = list(json!({ "cursor": newest }));
        assert_eq!(changed["records"].as_array().unwrap().len(), 1);
        assert_eq!(changed["records"][0]["title"], "A new title");

        let id = changed["records"][0]["id"].clone();
        for (extra, expect) in [
            (json!({ "ids": [id, "none"] }), 1),
            (json!({ "filter": "updated" }), 1),
            (json!({ "filter": "UPDATED,DELETED" }), 1),
            (json!({ "filter": "deleted" }), 0),
            (json!({ "filter": "added", "limit": 1000 }), total - 1),
            (json!({ "modifiedAfter": changed["records"][0]["_nango_metadata"]["last_modified_at"] }), 1),
            (json!({ "variant": "other" }), 0),
            (json!({ "model": "NoSuch" }), 0),
        ] {
            assert_eq!(list(extra.clone())["records"].as_array().unwrap().len(), expect, "{extra}");
        }
        for (extra, expect) in [
            (json!({ "cursor": "no-cursor" }), (400, "invalid_query_params")),
            (json!({ "filter": "gone" }), (400, "invalid_query_params")),
            (json!({ "limit": 10_001 }), (400, "invalid_query_params")),
            (json!({ "modifiedAfter": "2001-01-01T00:00:00Z" }), (400, "invalid_query_params")),
            (json!({ "model": "lower" }), (400, "invalid_query_params")),
            (json!({ "connectionId": "none" }), (400, "unknown_connection")),
            (json!({ "providerConfigKey": "none" }), (400, "unknown_connection")),
        ] {
            served.refused("listRecords", &[config(extra)], expect);
        }

        let first = pages[3]["_nango_metadata"]["cursor"].clone();
        let prune = |extra: Value| served.client.call("pruneRecords", &[config(extra)]);
        assert_eq!(
            prune(json!({ "untilCursor": first, "limit": 1 })).unwrap(),
            json!({ "count": 1, "has_more": true })
        );
        let rest = prune(json!({ "untilCursor": first })).unwrap();
        assert_eq!(rest["has_more"], false);
        let pruned = &list(json!({ "limit": 1 }))["records"][0];
        assert!(pruned.get("title").is_none() && !pruned["_nango_metadata"]["pruned_at"].is_null(), "{pruned}");
        let error = prune(json!({ "untilCursor": "no-cursor" })).unwrap_err();
        assert_eq!(error.code(), (400, "invalid_body"));
    });
}

#[test]
fn client_runs_actions() {
    for_each_database(|served| {
        let run = |name: &str, input: Value| {
            served.client.call("triggerAction", &[json!("github"), json!("acme"), json!(name), input])
        };
        let (owner, repo) = PAGED_REPOSITORY.split_once('/').unwrap();
        let issue = |extra: Value| {
            let mut input = json!({ "owner": owner, "repo": repo, "number": 1 });
            input.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            run("update-issue", input)
        };
        let updated = issue(json!({ "title": "From the client" })).unwrap();
        assert_eq!(updated["state"], "open", "{updated}");
        let label = run("get-label", json!({ "owner": owner, "repo": repo, "name": "no such" }));
        assert_eq!(label.unwrap(), Value::Null);
        let invalid = issue(json!({ "title": 5 })).unwrap_err();
        assert_eq!(invalid.code(), (400, "invalid_action_input"));
        assert_eq!(invalid.body["error"]["errors"][0]["path"], json!(["input", "title"]));
        let refused = issue(json!({})).unwrap_err();
        assert_eq!(refused.code(), (500, "action_script_runtime_error"));
        assert!(refused.body["error"]["payload"]["message"].as_str().unwrap().contains("nothing to change"));
        let missing = issue(json!({ "number": 99_999, "title": "x" })).unwrap_err();
        assert_eq!(missing.code(), (424, "script_http_error"));
        assert_eq!(missing.body["error"]["upstream"]["status"], 404);
        assert_eq!(run("no-such", Value::Null).unwrap_err().code(), (404, "not_found"));
        for name in ["update-issue", "no-such"] {
            let unknown = [json!("github"), json!("none"), json!(name), json!({})];
            served.refused("triggerAction", &unknown, (400, "unknown_connection"));
        }
        let later = [json!("github"), json!("acme"), json!("update-issue"), json!({})];
        served.refused("triggerActionAsync", &later, (400, "invalid_headers"));
    });
}

#[test]
fn client_triggers_and_schedules_syncs() {
    for_each_database(|served| {
        let named = |connection: &str| [json!("github"), json!(["repo-issues"]), json!(connection)];
        let done = json!({ "status": 200, "data": { "success": true } });
        for options in [Value::Null, json!({ "reset": true, "emptyCache": true }), json!("full_refresh"), json!(true)] {
            let trigger = [&named("acme")[..], std::slice::from_ref(&options)].concat();
            // The client sends options that are `null` as they are.
            let trigger = if options.is_null() { named("acme").to_vec() } else { trigger };
            assert_eq!(served.ok("triggerSync", &trigger), done, "{options}");
        }
        assert_eq!(served.ok("triggerSync", &[json!("github"), json!([]), json!("acme")]), done);
        served.refused("triggerSync", &[json!("github"), json!(["nope"]), json!("acme")], (400, "no_syncs_found"));
        served.refused("triggerSync", &named("none"), (404, "unknown_connection"));
        served.refused("triggerSync", &[json!("none"), json!(["a"])], (400, "unknown_provider_config"));

        let status = |syncs: Value| served.ok("syncStatus", &[json!("github"), syncs, json!("acme")])["syncs"].clone();
        assert_eq!(served.ok("pauseSync", &named("acme")), done);
        let paused = status(json!(["repo-issues"]));
        assert_eq!((&paused[0]["name"], &paused[0]["status"]), (&json!("repo-issues"), &json!("PAUSED")), "{paused}");
        assert_eq!(paused[0]["nextScheduledSyncAt"], Value::Null);
        assert_eq!(served.ok("startSync", &named("acme")), done);
        assert_ne!(status(json!(["repo-issues"]))[0]["status"], "PAUSED");
        assert!(status(json!("*")).as_array().unwrap().len() > 1);
        served.refused("syncStatus", &named("none"), (400, "invalid_body"));

        let frequency = |sync: &str, frequency: Value| {
            let arguments = [json!("github"), json!(sync), json!("acme"), frequency];
            served.client.call("updateSyncConnectionFrequency", &arguments)
        };
        assert_eq!(frequency("repo-issues", json!("every hour")), Ok(json!({ "frequency": "1h" })));
        assert_eq!(frequency("repo-issues", Value::Null), Ok(json!({ "frequency": "every 30 minutes" })));
        assert_eq!(frequency("repo-issues", json!("often")).unwrap_err().code(), (400, "invalid_body"));
        assert_eq!(frequency("nope", Value::Null).unwrap_err().code(), (400, "unknown_sync"));

        let variant = |name: &str| {
            json!({
                "name": "repo-issues", "variant": name, "provider_config_key": "github", "connection_id": "acme",
            })
        };
        let created = served.ok("createSyncVariant", &[variant("v1")]);
        assert_eq!((&created["name"], &created["variant"]), (&json!("repo-issues"), &json!("v1")));
        served.refused("createSyncVariant", &[variant("v1")], (400, "sync_variant_already_exists"));
        served.refused("createSyncVariant", &[variant("base")], (400, "invalid_variant"));
        let state = status(json!([{ "name": "repo-issues", "variant": "v1" }]));
        assert_eq!((&state[0]["id"], &state[0]["variant"]), (&created["id"], &json!("v1")));
        assert_eq!(served.ok("deleteSyncVariant", &[variant("v1")]), json!({ "success": true }));
        served.refused("deleteSyncVariant", &[variant("v1")], (404, "not_found"));
    });
}

use clap::Parser;
use serde_json::json;

use super::*;
use crate::{
    __private::value_type,
    cli::lookup::tests::{action, mapper, registry_of},
    declare::{Location, WebhookDef},
};

#[crate::model]
struct Title {
    title: String,
    body: Option<String>,
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

fn registry() -> Registry {
    let issues = mapper("github", "issues", None);
    let Item::Sync(sync) = issues else { return registry_of(&[issues]) };
    let webhook = Item::Webhook(Box::leak(Box::new(WebhookDef {
        at: Location { file: "src/x.rs", line: 1, function: "" },
        name: "changed",
        description: "",
        sync,
        subscriptions: &["issues.edited"],
        payload: value_type::<Value>(),
        run: |_, _| Box::pin(async { Ok(()) }),
    })));
    let Item::Action(plain) = action("github", "create") else { return registry_of(&[issues]) };
    let create = Item::Action(Box::leak(Box::new(ActionDef { input: Some(value_type::<Title>()), ..*plain })));
    let by_hand = Item::Sync(Box::leak(Box::new(SyncDef {
        name: "by-hand",
        frequency: None,
        checkpoint: Some(value_type::<Title>()),
        run: SyncRun::Function(|_| Box::pin(async { Ok(()) })),
        ..*sync
    })));
    registry_of(&[issues, by_hand, webhook, create, action("github", "issues"), action("github", "ping")])
}

fn parse_request(line: &[&str]) -> Result<RunRequest, CommandError> {
    let words = ["registry", "github"].iter().chain(line).copied().chain(["--connection", "c"]);
    request(&registry(), &Line::parse_from(words).arguments)
}

#[track_caller]
fn check(line: &[&str], expect: &str) {
    let text = match parse_request(line).map(|request| request.function) {
        Ok(Target::Sync(name)) => format!("sync {name}"),
        Ok(Target::Action { name, input }) => format!("action {name} {input}"),
        Ok(Target::Webhook { sync, r#type: kind, payload }) => format!("webhook {sync} {kind} {payload}"),
        Ok(Target::Event(name)) => format!("event {name}"),
        Err(fault) => fault.to_string(),
    };
    assert_eq!(text, expect, "{line:?}");
}

#[test]
fn options_select_function_type() {
    check(&["issues"], "sync issues");
    check(&["issues", "--type", "action"], "action issues null");
    check(&["issues", "--webhook", "issues.edited", "--input", "{}"], "webhook issues issues.edited {}");
    check(&["changed", "--input", "[1]"], "webhook issues issues.edited [1]");
    check(&["create", "--input", r#"{"title":"x"}"#], r#"action create {"title":"x"}"#);
    check(&["ping"], "action ping null");
}

#[test]
fn inapplicable_option_is_reported_with_alternative() {
    check(&["create"], r#"action `create` requires an input: --input '{"title":"…"}'"#);
    check(&["ping", "--input", "1"], "--input: action `ping` takes no input");
    check(&["ping", "--variant", "v"], "--variant: action `ping` has no variants; only syncs do");
    check(&["ping", "--reset", "--empty-cache"], "--empty-cache: action `ping` has no records; only syncs do");
    check(&["ping", "--webhook", "x"], "--webhook: action `ping` handles no webhooks; only syncs do");
    check(&["issues", "--webhook", "issues.edited"], "--webhook requires a payload: --input JSON, @FILE or - (stdin)");
    check(
        &["issues", "--webhook", "issues.edit", "--input", "1"],
        "unknown webhook type `issues.edit`; available: `issues.edited`; did you mean `issues.edited`?",
    );
    check(
        &["issues", "--type", "sync", "--input", "1"],
        "--input: sync `issues` takes no input; use --metadata for settings, or --webhook TYPE to send a webhook's \
         payload",
    );
    check(
        &["crate", "--input", "1"],
        "unknown function of `github` named `crate`; available: `by-hand`, `changed`, `create`, `issues` and \
         `ping`; did you mean `create`?",
    );
}

#[test]
fn option_without_effect_is_refused() {
    let checkpoint = "--checkpoint={\"title\":\"p\"}";
    let own = "keeps its own resume point, which cannot be set; use --reset to start from the beginning";
    check(&["issues", checkpoint], &format!("--checkpoint: sync `issues` {own}"));
    check(&["ping", checkpoint], "--checkpoint: action `ping` declares no checkpoint");
    check(&["by-hand", checkpoint], "sync by-hand");
    for variant in ["--variant=", "--variant=a::b"] {
        check(&["issues", variant], "--variant: the name of a variant must not be empty or contain `::`");
    }
}

#[test]
fn run_options_are_passed_to_request() {
    let request = parse_request(&[
        "by-hand",
        "--variant",
        "v",
        "--metadata",
        r#"{"a":1}"#,
        "--checkpoint",
        r#"{"title":"p"}"#,
        "--dry-run",
    ]);
    let request = request.unwrap();
    assert_eq!((request.variant.as_str(), request.dry_run, request.reset), ("v", true, false));
    assert_eq!(request.metadata.map(Value::Object), Some(json!({ "a": 1 })));
    assert_eq!(request.checkpoint, Some(json!({ "title": "p" })));
    assert_eq!(parse_request(&["by-hand", "--checkpoint", "5"]).unwrap_err().exit(), Exit::Usage);
    let emptied = parse_request(&["by-hand", "--reset", "--empty-cache"]).unwrap();
    assert!(emptied.reset && emptied.empty_cache);
    let full = parse_request(&["issues", "--type", "sync", "--full", "--allow-deletes"]).unwrap();
    assert!(full.full && full.allow_deletes);
}

#[test]
fn full_and_allow_deletes_are_refused_where_they_have_no_effect() {
    check(
        &["by-hand", "--full"],
        "--full: sync `by-hand` is written by hand and decides what it reads; use --reset to start from the \
         beginning",
    );
    check(&["ping", "--full"], "--full: action `ping` reads no list; only syncs do");
    check(&["ping", "--allow-deletes"], "--allow-deletes: action `ping` deletes no records; only syncs do");
}

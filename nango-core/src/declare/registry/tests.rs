use super::*;
use crate::declare::Location;

const fn action(name: &'static str, line: u32) -> ActionDef {
    ActionDef {
        at: Location { file: "src/google_drive.rs", line, function: "" },
        integration: "google_drive",
        name,
        description: "",
        version: "0.0.1",
        scopes: &[],
        input: None,
        output: |generator| generator.subschema_for::<()>(),
        checkpoint: None,
        metadata: None,
        run: |_, _| Box::pin(std::future::ready(Ok(serde_json::Value::Null))),
    }
}

static LIST: ActionDef = action("list", 3);
static COPY: ActionDef = action("copy", 9);
static COPY_AGAIN: ActionDef = action("copy", 12);

#[test]
fn functions_are_sorted_and_found_by_integration_name() {
    let registry = Registry::from_items([Item::Action(&LIST), Item::Action(&COPY)]).unwrap();
    let names: Vec<_> = registry.entries().iter().map(Entry::name).collect();
    assert_eq!((names, registry.integrations()), (vec!["copy", "list"], vec!["google-drive"]));
    assert!(registry.action("google-drive", "list").is_some());
    assert!(registry.sync("google-drive", "list").is_none());
}

#[test]
fn duplicate_name_is_reported_with_both_locations() {
    let errors = Registry::from_items([&LIST, &COPY_AGAIN, &COPY].map(Item::Action)).unwrap_err();
    let text: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        text,
        ["action `copy` of `google-drive` is defined twice: src/google_drive.rs:9 and src/google_drive.rs:12. \
          Rename one, or give it `name = \"…\"`"]
    );
}

#[test]
fn empty_registry_is_an_error_with_an_example() {
    let errors = Registry::from_items([]).unwrap_err();
    assert_eq!(errors, [LoadError::Empty]);
    assert!(errors[0].to_string().contains("integrations::main()"));
}

#[test]
fn unknown_name_is_reported_with_suggestion_and_list() {
    let check = |wrong: &str, expect: &str| {
        assert_eq!(Registry::unknown_message("action", wrong, &["copy", "list"]), expect);
    };
    check("lst", "unknown action `lst`; available: `copy` and `list`; did you mean `list`?");
    check("move-all", "unknown action `move-all`; available: `copy` and `list`");
    assert_eq!(Registry::unknown_message("sync", "x", &[]), "unknown sync `x`; none are defined");
}

use super::*;
use crate::declare::{
    Deletes, Each, EachRequest, Endpoint, ListRequest, Location, MapRecord, Merging, OnInvalid, OnParentError,
    SharedParent,
};

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
    assert_eq!(Registry::unknown_message::<&str>("sync", "x", &[]), "unknown sync `x`; none are defined");
}

const fn model(name: &'static str, type_name: fn() -> &'static str) -> ModelInfo {
    ModelInfo { name, schema: |generator| generator.subschema_for::<String>(), type_name }
}

static CHANNEL: ModelInfo = model("Channel", || "Channel");
static OTHER_CHANNEL: ModelInfo = model("Channel", || "other::Channel");
static MESSAGE: ModelInfo = model("Message", || "Message");

/// Returns a sync of a model, with `each` if it has parents.
fn sync(name: &'static str, model: &'static ModelInfo, parent: Option<&'static ModelInfo>) -> Item {
    let each = parent.map(|model| {
        let decode = |_: &[u8]| Ok(SharedParent::new(()));
        &*Box::leak(Box::new(Each {
            parents: ParentSource::Model { model, variant: None, decode },
            at_once: 4,
            on_error: OnParentError::Standard,
            metadata: None,
            request: EachRequest::NONE,
        }))
    });
    let mapper = Mapper {
        endpoint: Endpoint::Fixed("/x"),
        request: ListRequest::GET,
        paginate: None,
        retries: 0,
        since: None,
        errors: &[],
        on_invalid: OnInvalid::Fail,
        each,
        delta: None,
        map: MapRecord::PlainEach(|_, _, _| Ok(())),
    };
    Item::Sync(Box::leak(Box::new(SyncDef {
        at: Location { file: "src/slack.rs", line: 3, function: "" },
        integration: "slack",
        name,
        description: "",
        version: "0.0.1",
        frequency: None,
        auto_start: true,
        track_deletes: false,
        deletes: Deletes::standard(),
        merging: Merging::Newer,
        scopes: &[],
        models: Box::leak(Box::new([model])),
        checkpoint: None,
        metadata: None,
        run: SyncRun::Mapper(Box::leak(Box::new(mapper))),
    })))
}

#[test]
fn parents_are_saved_by_another_sync_of_the_integration() {
    let errors = |items: &[Item]| match Registry::from_items(items.iter().copied()) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
    };
    let messages = sync("messages", &MESSAGE, Some(&CHANNEL));
    assert_eq!(errors(&[sync("channels", &CHANNEL, None), messages]), [""; 0]);
    let unknown = "the sync `messages` of `slack` has `each = Channel` (src/slack.rs:3), but no sync of `slack` saves \
                   `Channel`. Add a sync with `model = \"Channel\"` to `slack`, or name a model that is saved there";
    assert_eq!(errors(&[messages]), [unknown]);
    let own = "the sync `threads` of `slack` saves `Message`, which are also its parents (`each = Message`, \
               src/slack.rs:3): a sync reads its parents from another sync. Write a sync of another model for the \
               children of `Message`";
    assert_eq!(errors(&[sync("threads", &MESSAGE, Some(&MESSAGE))]), [own]);
    let renamed = "`slack` has two models named `Channel`: Channel and other::Channel. Give one another name: \
                   `#[model(name = \"…\")]`";
    assert_eq!(
        errors(&[sync("channels", &CHANNEL, None), sync("messages", &MESSAGE, Some(&OTHER_CHANNEL))]),
        [renamed]
    );
}

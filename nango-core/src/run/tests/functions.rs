//! Functions of the integration `acme` that the tests run.

use crate::prelude::*;

/// Test record of the integration `acme`.
#[model]
pub(super) struct Thing {
    /// Id of the thing.
    pub id: u64,
    /// Name of the thing.
    pub name: String,
}

/// Record of the API.
#[derive(serde::Deserialize)]
pub(super) struct ApiThing {
    id: u64,
    name: String,
}

/// Metadata with the space that a connection reads.
#[model]
pub(super) struct Space {
    /// Name of the space.
    pub space: String,
}

/// Syncs by cursor, with deletes and an endpoint from the metadata.
#[sync(
    integration = "acme",
    model = "Thing",
    metadata = Space,
    endpoint = "/spaces/{space}/things",
    paginate(cursor(name = "after", path = "next"), response_path = "items"),
    track_deletes
)]
fn by_cursor(thing: ApiThing) -> Thing {
    Thing { id: thing.id, name: thing.name }
}

/// Syncs by offset, with deletes.
#[sync(
    integration = "acme",
    model = "Thing",
    endpoint = "/things",
    paginate(offset(name = "skip"), limit = 2, limit_name = "take"),
    track_deletes
)]
fn by_offset(thing: ApiThing) -> Option<Thing> {
    (thing.name != "hidden").then_some(Thing { id: thing.id, name: thing.name })
}

/// Skips records that do not fit.
#[sync(integration = "acme", model = "Thing", endpoint = "/things", track_deletes, on_invalid = "skip")]
fn lenient(thing: ApiThing) -> Result<Thing> {
    match thing.name.as_str() {
        "refused" => Err(ActionError::new("a refusal is not a decode error").into()),
        _ => Ok(Thing { id: thing.id, name: thing.name }),
    }
}

/// Syncs changes, by a field of the records.
#[sync(
    integration = "acme",
    model = "Thing",
    endpoint = "/things",
    since(param = "since", format = "rfc3339", from = "field:updated_at", overlap = "2m")
)]
fn changed_since(thing: ApiThing) -> Thing {
    Thing { id: thing.id, name: thing.name }
}

/// Syncs changes, by the provider's clock.
#[sync(
    integration = "acme",
    model = "Thing",
    endpoint = "/things",
    paginate(cursor(name = "after", path = "next"), response_path = "items"),
    since(param = "since", format = "unix", from = "run_start")
)]
fn changed_by_clock(thing: ApiThing) -> Thing {
    Thing { id: thing.id, name: thing.name }
}

/// Syncs by page number, with deletes.
#[sync(
    integration = "acme",
    model = "Thing",
    endpoint = "/numbered",
    paginate(offset(name = "page", start = 1, by = "page"), has_more = "more", response_path = "items"),
    track_deletes
)]
fn by_page(thing: ApiThing) -> Thing {
    Thing { id: thing.id, name: thing.name }
}

/// Syncs a list of one page, with deletes that are confirmed by requests.
#[sync(
    integration = "acme",
    model = "Thing",
    endpoint = "/things",
    track_deletes,
    confirm_deletes(get = "/things/{record.id}", response_path = "thing")
)]
fn confirmed(thing: ApiThing) -> Option<Thing> {
    (thing.name != "hidden").then_some(Thing { id: thing.id, name: thing.name })
}

/// Syncs with deletes of at most a fifth of the records.
#[sync(integration = "acme", model = "Thing", endpoint = "/things", track_deletes, max_deletes = "20%")]
fn at_most_a_fifth(thing: ApiThing) -> Thing {
    Thing { id: thing.id, name: thing.name }
}

/// Syncs changes by page number, with deletes once a week.
#[sync(
    integration = "acme",
    model = "Thing",
    endpoint = "/numbered",
    paginate(offset(name = "page", start = 1, by = "page"), has_more = "more", response_path = "items"),
    since(param = "since", format = "unix", from = "run_start", full_every = "7d"),
    track_deletes
)]
fn changed_by_page(thing: ApiThing) -> Thing {
    Thing { id: thing.id, name: thing.name }
}

/// Sends a further request for each record.
#[sync(integration = "acme", model = "Thing", endpoint = "/things")]
async fn enriched(nango: NangoSync, thing: ApiThing) -> Result<Thing> {
    let detail: Value = nango.get(format!("/things/{}", thing.id)).json().await?;
    let name = format!("{} {}", thing.name, detail["surname"].as_str().unwrap_or_default());
    Ok(Thing { id: thing.id, name })
}

/// Checkpoint of a hand-written sync.
#[checkpoint]
pub(super) struct Position {
    /// Number of the next page.
    pub page: u32,
}

/// Reads pages by hand and stores a checkpoint after each page.
#[sync(integration = "acme", model = "Thing", checkpoint = Position)]
async fn by_hand(nango: NangoSync) -> Result<()> {
    let mut page = nango.checkpoint().await?.map_or(1, |position| position.page);
    loop {
        let things: Vec<Thing> = nango.get("/things").query("page", page).json().await?;
        if things.is_empty() {
            return nango.clear_checkpoint().await;
        }
        page += 1;
        nango.page().save(things).checkpoint(Position { page }).commit().await?;
    }
}

/// Reads pages by hand, with a checkpoint and a full scan.
#[sync(integration = "acme", model = "Thing", checkpoint = Position)]
async fn scanned_by_hand(nango: NangoSync) -> Result<()> {
    let mut page = nango.checkpoint().await?.map_or(1, |position| position.page);
    let scan = nango.full_scan::<Thing>().await?;
    loop {
        let things: Vec<Thing> = nango.get("/things").query("page", page).json().await?;
        if things.is_empty() {
            scan.finish().await?;
            return nango.clear_checkpoint().await;
        }
        page += 1;
        nango.page().save(things).checkpoint(Position { page }).commit().await?;
    }
}

/// Emits a `tracing` event.
#[action(integration = "acme")]
async fn trace(_nango: NangoAction) -> Result<()> {
    tracing::warn!(target: "integrations::acme", count = 3, kind = "odd", "counting");
    Ok(())
}

/// Panics in every run.
#[action(integration = "acme")]
async fn panicking(_nango: NangoAction) -> Result<()> {
    panic!("over a stone")
}

/// Triggers a sync whose key is leased by another run.
#[action(integration = "acme")]
async fn trigger_busy(nango: NangoAction) -> Result<String> {
    nango.trigger_sync("by-hand")?;
    Ok("done".to_owned())
}

/// Returns its input in upper case.
#[action(integration = "acme")]
pub(super) async fn uppercase(nango: NangoAction, input: String) -> Result<String> {
    nango.log("shouting").field("region", nango.env("REGION")?).debug();
    match input.as_str() {
        "" => Err(ActionError::new(json!({ "code": "empty" })).into()),
        input => Ok(input.to_uppercase()),
    }
}

/// Triggers another action and a sync.
#[action(integration = "acme")]
async fn relay(nango: NangoAction, input: String) -> Result<String> {
    let shouted = nango.trigger(uppercase, input).await?;
    nango.trigger_sync("by-offset")?;
    Ok(format!("{shouted}!"))
}

/// Refuses connections with the space `forbidden`.
#[on_event(validate_connection, integration = "acme")]
async fn check(nango: NangoAction) -> Result<()> {
    match nango.metadata_map().await?.get("space").and_then(Value::as_str) {
        Some("forbidden") => Err(ActionError::new("that space is closed").into()),
        _ => Ok(()),
    }
}

/// Runs before a connection is removed.
#[on_event(pre_connection_deletion, integration = "acme")]
async fn before_removal(nango: NangoAction) -> Result<()> {
    nango.log("removing").debug();
    Ok(())
}

/// Changes the metadata of a new connection and triggers a sync.
#[on_event(post_connection_creation, integration = "acme")]
async fn welcome(nango: NangoAction) -> Result<()> {
    nango.update_metadata(&json!({ "welcomed": true })).await?;
    match nango.metadata_map().await?.get("space").and_then(Value::as_str) {
        Some("open") => nango.trigger_sync("lenient"),
        _ => Ok(()),
    }
}

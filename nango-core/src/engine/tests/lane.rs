//! Actions beside syncs.

use super::*;
use crate::run::{RunRequest, Target};

static ECHO: ActionDef = ActionDef {
    at: AT,
    integration: "acme",
    name: "echo",
    description: "A test.",
    version: "0.0.1",
    scopes: &[],
    input: None,
    output: |generator| generator.subschema_for::<u64>(),
    metadata: None,
    checkpoint: None,
    run: |_, input| Box::pin(async move { Ok(input) }),
};
static BLOCKING: SyncDef = sync("blocking", None, until_cancelled);

fn echo() -> RunRequest {
    RunRequest::new("acme", Target::Action { name: "echo".to_owned(), input: serde_json::json!(7) }, "one")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn action_runs_while_syncs_have_all_slots() {
    let runtime = runtime(registry([Item::Sync(&BLOCKING), Item::Action(&ECHO)])).await;
    connect(&runtime, "one").await;
    let settings = EngineSettings { runs: 1, ..EngineSettings::of(&runtime.config) };
    let engine = Engine::start(Arc::clone(&runtime), settings).await.unwrap();
    let run = engine.trigger(&key("one", "blocking"), TriggerOptions::default()).await.unwrap();
    eventually(&runtime, || async { status(&runtime, run).await == Some(RunStatus::Running) }).await;
    let report = engine.run_action(echo()).await.unwrap();
    assert_eq!((report.status, report.output), (RunStatus::Success, Some(serde_json::json!(7))));
    engine.stop(Duration::from_secs(5)).await;
    let refused = engine.run_action(echo()).await.unwrap_err();
    assert!(refused.to_string().contains("is stopping"), "{refused}");
}

/// Sets the metadata of the connection.
static MARK: ActionDef = ActionDef {
    name: "mark",
    run: |handle, _| {
        Box::pin(async move {
            let nango = Nango::from(handle);
            nango.set_metadata(&serde_json::json!({ "marked": true })).await?;
            Ok(serde_json::Value::Null)
        })
    },
    ..ECHO
};
/// Action that triggers a sync.
static RELAY: ActionDef = ActionDef {
    name: "relay",
    run: |handle, _| {
        Box::pin(async move {
            let nango = Nango::from(handle);
            nango.log("relaying").info();
            nango.trigger_sync("blocking")?;
            Ok(serde_json::Value::Null)
        })
    },
    ..ECHO
};

fn later(name: &str) -> RunRequest {
    let target = Target::Action { name: name.to_owned(), input: serde_json::json!(7) };
    RunRequest { write_later: true, ..RunRequest::new("acme", target, "one") }
}

async fn lane() -> (Arc<Runtime>, Arc<Engine>) {
    let items = [Item::Sync(&BLOCKING), Item::Action(&ECHO), Item::Action(&MARK), Item::Action(&RELAY)];
    let runtime = runtime(registry(items)).await;
    connect(&runtime, "one").await;
    let engine = start(&runtime).await;
    (runtime, engine)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn action_that_writes_nothing_is_stored_after_its_result() {
    let (runtime, engine) = lane().await;
    let report = engine.run_action(later("echo")).await.unwrap();
    assert_eq!((report.status, report.output), (RunStatus::Success, Some(serde_json::json!(7))));
    eventually(&runtime, || async { status(&runtime, report.run).await == Some(RunStatus::Success) }).await;
    let stored = runtime.store.run(report.run).await.unwrap().unwrap();
    assert_eq!(stored.started_at, report.started_at);
    assert!(stored.finished_at.unwrap() >= stored.started_at);
    engine.stop(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn graceful_stop_writes_finished_actions() {
    let (runtime, engine) = lane().await;
    let reports = futures_util::future::join_all((0..20).map(|_| engine.run_action(later("echo")))).await;
    engine.stop(Duration::from_secs(5)).await;
    for report in reports {
        assert_eq!(status(&runtime, report.unwrap().run).await, Some(RunStatus::Success));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn action_that_writes_is_stored_before_its_result() {
    let (runtime, engine) = lane().await;
    for name in ["mark", "relay"] {
        let report = engine.run_action(later(name)).await.unwrap();
        assert!(report.error.is_none(), "{:?}", report.error);
        assert_eq!(status(&runtime, report.run).await, Some(RunStatus::Success), "{name}");
        assert_eq!(runtime.store.logs(report.run).await.unwrap().len(), usize::from(name == "relay"));
    }
    let plain = engine.run_action(echo()).await.unwrap();
    assert_eq!(status(&runtime, plain.run).await, Some(RunStatus::Success), "with a key");
    engine.stop(Duration::from_secs(5)).await;
}

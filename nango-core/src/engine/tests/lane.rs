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

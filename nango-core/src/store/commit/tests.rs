//! Tests of the order of a commit, with steps that are only recorded.

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::{
    declare::{FunctionKind, Merging},
    store::{Level, Write, hash::Hasher},
};

/// Steps that record their calls, and fail at one of them.
#[derive(Debug, Default)]
struct Recorder {
    calls: Vec<String>,
    failing: &'static str,
}

impl Recorder {
    fn call(&mut self, step: &str, detail: impl std::fmt::Debug) -> Result<(), String> {
        self.calls.push(format!("{step} {detail:?}"));
        if step == self.failing { Err(step.to_owned()) } else { Ok(()) }
    }
}

/// The model of a dataset; the model `pending` has delete candidates.
type Model = String;

impl CommitSteps for Recorder {
    type Error = String;
    type Dataset = Model;

    async fn count_page(&mut self, page: &Page) -> Result<(), String> {
        self.call("count", page.pages)
    }

    async fn open(&mut self, keys: &[&DatasetKey]) -> Result<Opened<Model>, String> {
        let datasets: Vec<_> = keys.iter().map(|key| key.model.clone()).collect();
        self.call("open", &datasets)?;
        let policy = crate::store::encryption::Vault::new(Hasher::new(&[1; 32])).latest_policy();
        Ok(Opened { datasets, committed_at: Timestamp::from_micros(1000), policy })
    }

    async fn write_change(
        &mut self,
        dataset: &mut Model,
        _: &EncryptionPolicy,
        context: WriteContext<'_>,
        change: &Change,
        prepared: &PreparedWrite,
    ) -> Result<Vec<RowOutcome>, String> {
        assert_eq!((*dataset).as_str(), change.dataset.model);
        let skip_newer_than = context.skip_newer_than.map(Timestamp::as_micros);
        self.call("write", (&dataset, context.committed_at.as_micros(), skip_newer_than, context.full_walk))?;
        let mut outcomes = prepared.outcomes();
        for (index, _) in prepared.unique(change.write.ids()) {
            outcomes[index] = RowOutcome::Deleted;
        }
        Ok(outcomes)
    }

    fn has_candidates(dataset: &Model) -> bool {
        dataset == "pending"
    }

    async fn drop_candidates(&mut self, dataset: &Model, ids: &[&str]) -> Result<(), String> {
        self.call("drop", (dataset, ids))
    }

    async fn save_dataset(&mut self, dataset: &Model, committed_at: Timestamp) -> Result<(), String> {
        self.call("save", (dataset, committed_at.as_micros()))
    }

    async fn write_checkpoint(&mut self, _: &FunctionKey, write: &CheckpointWrite) -> Result<i64, String> {
        self.call("checkpoint", write.expected)?;
        Ok(write.expected + 1)
    }

    async fn write_resume(&mut self, _: &EncryptionPolicy, _: &FunctionKey, _: &ResumeWrite) -> Result<(), String> {
        self.call("resume", ())
    }

    async fn write_parents(
        &mut self,
        _: &EncryptionPolicy,
        _: &FunctionKey,
        parents: &[ParentWrite],
    ) -> Result<(), String> {
        self.call("parents", parents.len())
    }

    async fn write_logs(&mut self, _: &RunToken, lines: &[LogLine]) -> Result<(), String> {
        self.call("logs", lines.len())
    }

    async fn count_models(&mut self, _: &RunToken, totals: &Totals) -> Result<(), String> {
        self.call("models", totals.models.iter().map(|(model, counts)| (model, counts.deleted)).collect::<Vec<_>>())
    }
}

fn change(model: &str, merging: Merging, full_walk: Option<i64>, ids: &[&str]) -> Change {
    let [integration, connection, model, variant] = ["a", "b", model, "base"].map(str::to_owned);
    let dataset = DatasetKey { integration, connection, model, variant };
    Change { dataset, merging, full_walk, parent: None, write: Write::delete(ids.iter().map(|id| (*id).to_owned())) }
}

fn page() -> Page {
    let [integration, connection, function, variant] = ["a", "b", "f", "base"].map(str::to_owned);
    Page {
        run: RunToken { id: Uuid::nil(), row: 1, fence: 1 },
        function: FunctionKey { kind: FunctionKind::Sync, integration, connection, function, variant },
        requested_at: Timestamp::from_micros(500),
        changes: vec![
            change("pending", Merging::Newer, Some(3), &["1", "2", "1"]),
            change("plain", Merging::Override, None, &["1"]),
            change("pending", Merging::Newer, None, &["4"]),
        ],
        checkpoint: Some(CheckpointWrite { value: Some(json!({})), expected: 6 }),
        resume: Some(ResumeWrite::Clear),
        parents: vec![ParentWrite {
            id: "p".to_owned(),
            first_seen_at: None,
            state: None,
            done: None,
            scan: None,
            is_early: false,
        }],
        pages: 1,
        requests: 2,
        skipped_invalid: 0,
        logs: vec![LogLine {
            timestamp: Timestamp::UNIX_EPOCH,
            level: Level::Info,
            message: "m".to_owned(),
            fields: json!(null),
        }],
    }
}

const STEPS: [&str; 14] = [
    "count 1",
    r#"open ["pending", "plain"]"#,
    r#"write ("pending", 1000, Some(500), Some(3))"#,
    r#"drop ("pending", ["1", "2"])"#,
    r#"write ("plain", 1000, None, None)"#,
    r#"write ("pending", 1000, Some(500), None)"#,
    r#"drop ("pending", ["4"])"#,
    r#"save ("pending", 1000)"#,
    r#"save ("plain", 1000)"#,
    "checkpoint 6",
    "resume ()",
    "parents 1",
    "logs 1",
    r#"models [("pending", 3), ("plain", 1)]"#,
];

#[tokio::test]
async fn steps_follow_the_order_of_a_commit() {
    use RowOutcome::{Deleted, Duplicate};

    let mut steps = Recorder::default();
    let hashed = HashedPage::new(page(), &Hasher::new(&[1; 32]));
    let committed = commit(&mut steps, &hashed).await.unwrap().into_committed(hashed);
    assert_eq!(steps.calls, STEPS);
    assert_eq!(committed.checkpoint_version, Some(7));
    let rows: Vec<_> = committed.changes.iter().map(|outcome| outcome.rows.clone()).collect();
    assert_eq!(rows, [vec![Deleted, Deleted, Duplicate], vec![Deleted], vec![Deleted]]);
}

#[tokio::test]
async fn failed_step_ends_the_commit() {
    for (at, step) in STEPS.iter().enumerate() {
        let failing = step.split_once(' ').unwrap().0;
        let first = STEPS.iter().position(|step| step.starts_with(failing)).unwrap();
        if first != at {
            continue;
        }
        let mut steps = Recorder { failing, ..Recorder::default() };
        let hashed = HashedPage::new(page(), &Hasher::new(&[1; 32]));
        assert_eq!(commit(&mut steps, &hashed).await.unwrap_err(), failing);
        assert_eq!(steps.calls, STEPS[..=at]);
    }
}

#[tokio::test]
async fn optional_parts_of_a_page_are_skipped() {
    let mut steps = Recorder::default();
    let empty =
        Page { changes: Vec::new(), checkpoint: None, resume: None, parents: Vec::new(), logs: Vec::new(), ..page() };
    let hashed = HashedPage::new(empty, &Hasher::new(&[1; 32]));
    let committed = commit(&mut steps, &hashed).await.unwrap().into_committed(hashed);
    assert_eq!(steps.calls, ["count 1", "open []", "logs 0", "models []"]);
    assert_eq!(committed.checkpoint_version, None);
}

//! `each` together with `delta`: a position for each parent.

use super::super::*;
use crate::{prelude::*, store::RunStatus};

/// Test settings of a connection with boards.
#[model]
struct BoardNames {
    /// Names of the boards.
    boards: Vec<String>,
}

/// Test record of a board's feed.
#[model]
struct BoardCard {
    /// Id of the card.
    id: String,
}

/// Record of the API.
#[derive(serde::Deserialize)]
struct ApiCard {
    id: String,
    #[serde(default)]
    deleted: bool,
}

/// Reads the feed of each board from its position.
#[sync(
    integration = "acme",
    model = "BoardCard",
    metadata = BoardNames,
    each = metadata.boards,
    parents_at_once = 1,
    endpoint = "/boards/{each}",
    paginate(cursor(name = "page", path = "next"), response_path = "items"),
    delta(param = "cursor", path = "after", initial("board" = each), expired(410)),
    track_deletes
)]
fn board_cards(_board: &str, raw: ApiCard) -> Change<BoardCard> {
    if raw.deleted { Change::Delete(raw.id) } else { Change::Save(BoardCard { id: raw.id }) }
}

impl Fixture {
    async fn with_boards(boards: &[&str]) -> Self {
        let fixture = Self::without_connection().await;
        fixture.connect(json!({ "boards": boards })).await.unwrap();
        fixture
    }

    /// Adds the response with all changes of a board: saved ids and deleted ones, and the position after them.
    fn changes(&self, board: &str, saved: &[&str], deleted: &[&str], after: &str) {
        let saved = saved.iter().map(|id| json!({ "id": id }));
        let items: Value = saved.chain(deleted.iter().map(|id| json!({ "id": id, "deleted": true }))).collect();
        self.script.add(&format!("/boards/{board}"), 200, &[], json!({ "items": items, "after": after }));
    }

    fn refuses(&self, board: &str, status: u16) {
        self.script.add(&format!("/boards/{board}"), status, &[], json!({ "message": "refused" }));
    }

    /// Runs the sync, and returns its report and its requests.
    async fn board_cards(&self) -> (RunReport, Vec<String>) {
        let before = self.requests().len();
        let report = self.sync("board-cards").await;
        (report, self.requests().split_off(before))
    }

    /// Runs the sync, which succeeds, and returns its requests.
    async fn read_boards(&self) -> Vec<String> {
        let (report, requests) = self.board_cards().await;
        assert_succeeded(&report);
        requests
    }

    async fn cards(&self) -> Vec<String> {
        let mut live = self.live("BoardCard").await;
        live.sort();
        live
    }
}

#[tokio::test]
async fn each_parent_is_read_from_its_own_position() {
    let fixture = Fixture::with_boards(&["a", "b"]).await;
    fixture.changes("a", &["a1", "a2"], &[], "pa");
    fixture.changes("b", &["b1", "b2"], &[], "pb");
    assert_eq!(fixture.read_boards().await, ["/boards/a?board=a", "/boards/b?board=b"]);
    fixture.changes("a", &["a3"], &["a1"], "pa2");
    fixture.changes("b", &[], &[], "pb");
    assert_eq!(fixture.read_boards().await, ["/boards/a?cursor=pa", "/boards/b?cursor=pb"]);
    assert_eq!(fixture.cards().await, ["a2", "a3", "b1", "b2"], "records that did not change stay");
    fixture.changes("a", &[], &[], "pa2");
    fixture.changes("b", &[], &[], "pb");
    assert_eq!(fixture.read_boards().await, ["/boards/a?cursor=pa2", "/boards/b?cursor=pb"]);
}

#[tokio::test]
async fn expired_position_of_a_parent_makes_only_its_own_walk_full() {
    let fixture = Fixture::with_boards(&["a", "b"]).await;
    fixture.changes("a", &["a1", "a2"], &[], "pa");
    fixture.changes("b", &["b1", "b2"], &[], "pb");
    fixture.read_boards().await;
    fixture.refuses("a", 410);
    fixture.changes("a", &["a1"], &[], "pa2");
    fixture.changes("b", &["b3"], &[], "pb2");
    let requests = fixture.read_boards().await;
    assert_eq!(requests, ["/boards/a?cursor=pa", "/boards/a?board=a", "/boards/b?cursor=pb"]);
    assert_eq!(fixture.cards().await, ["a1", "b1", "b2", "b3"], "only the parent that was read completely loses cards");
    fixture.changes("a", &[], &[], "pa2");
    fixture.changes("b", &[], &[], "pb2");
    assert_eq!(fixture.read_boards().await, ["/boards/a?cursor=pa2", "/boards/b?cursor=pb2"]);
}

#[tokio::test]
async fn expired_position_is_no_error_of_the_parent_and_a_refused_parent_keeps_its_position() {
    let fixture = Fixture::with_boards(&["a", "b"]).await;
    fixture.changes("a", &["a1"], &[], "pa");
    fixture.changes("b", &["b1"], &[], "pb");
    fixture.read_boards().await;
    // Status 410 would skip the parent if it were no statement about its position.
    fixture.refuses("a", 410);
    fixture.changes("a", &["a1"], &[], "pa2");
    fixture.refuses("b", 403);
    let (report, _) = fixture.board_cards().await;
    assert_succeeded(&report);
    let parents = report.findings.parents.unwrap();
    assert_eq!((parents.walked, parents.skipped), (1, 1));
    fixture.changes("a", &[], &[], "pa2");
    fixture.changes("b", &[], &[], "pb");
    assert_eq!(fixture.read_boards().await, ["/boards/a?cursor=pa2", "/boards/b?cursor=pb"]);
    assert_eq!(fixture.cards().await, ["a1", "b1"]);
}

#[tokio::test]
async fn interrupted_run_continues_a_feed_at_the_page_and_the_position_of_its_parent() {
    let fixture = Fixture::with_boards(&["a", "b"]).await;
    fixture.changes("a", &["a1"], &[], "pa");
    fixture.changes("b", &["b1"], &[], "pb");
    fixture.read_boards().await;
    fixture.changes("a", &["a2"], &[], "pa2");
    fixture.script.add("/boards/b", 200, &[], json!({ "items": [{ "id": "b2" }], "next": "x" }));
    fixture.refuses("b", 500);
    let (report, _) = fixture.board_cards().await;
    assert_eq!((report.status, report.resumable), (RunStatus::Error, true));
    fixture.changes("b", &["b3"], &[], "pb2");
    let requests = fixture.read_boards().await;
    assert_eq!(requests, ["/boards/b?cursor=pb&page=x"], "the parent that is done is not requested again");
    assert_eq!(fixture.cards().await, ["a1", "a2", "b1", "b2", "b3"]);
    fixture.changes("a", &[], &[], "pa2");
    fixture.changes("b", &[], &[], "pb2");
    assert_eq!(fixture.read_boards().await, ["/boards/a?cursor=pa2", "/boards/b?cursor=pb2"]);
}

#[tokio::test]
async fn metadata_without_the_list_is_an_error_with_its_path_and_the_next_step() {
    for (metadata, problem) in [(json!({}), "missing field `boards`"), (json!({ "boards": "a" }), "invalid type")] {
        let fixture = Fixture::without_connection().await;
        fixture.connect(metadata).await.unwrap();
        let (report, requests) = fixture.board_cards().await;
        let error = report.error.unwrap();
        let text = error.to_string();
        assert!(text.contains("`boards`") && text.contains(problem), "{text}");
        assert!(text.starts_with("the metadata of connection `one`"), "{text}");
        assert_eq!(requests.len(), 0, "nothing is requested");
        let remedy = crate::error::Remedy::SetMetadata { integration: "acme".into(), connection: "one".into() };
        assert_eq!(error.remedy(), Some(&remedy));
    }
}

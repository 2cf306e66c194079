//! Recordings of runs over several parents, whose lists are read at the same time.

use std::sync::Arc;

use tokio::sync::Notify;

use super::{
    super::recorded::{check_replay, reversed},
    *,
};
use crate::http::{BoxFuture, OutgoingRequest, RawResponse, Transport, TransportError};

fn sync(at_once: usize) -> Messages {
    Messages { since: true, ..Messages::of_channels() }.at_once(at_once)
}

#[tokio::test]
async fn recorded_lists_of_parents_are_replayed_in_any_order() {
    let fixture = sync(4).fixture(&["a", "b", "c", "d", "e", "f"]).await;
    fixture.list("/messages/a", &["a1"], Some("x"));
    fixture.list("/messages/a", &["a2"], None);
    fixture.fails("/messages/b", 403);
    fixture.list("/messages/c", &["c1", "c2"], Some("x"));
    fixture.list("/messages/c", &["c3"], None);
    for channel in ["d", "e", "f"] {
        fixture.list(&format!("/messages/{channel}"), &[&format!("{channel}1")], None);
    }
    let (first, of_first) = fixture.record("messages").await;
    assert_succeeded(&first);
    assert_eq!((counts(&first), first.totals.models["Message"].added), ((5, 1), 8));
    // The second run starts from the stored parents, each with its own `since`.
    fixture.list("/messages/a", &["a3"], None);
    fixture.list("/messages/c", &["c3"], None);
    let (second, of_second) = fixture.record("messages").await;
    assert_succeeded(&second);
    assert_eq!(of_second.matches("?since=").count(), 5, "{of_second}");
    for (recording, report) in [(&of_first, &first), (&of_second, &second)] {
        for text in [recording.clone(), reversed(recording)] {
            for at_once in [1, 2, 16] {
                check_replay(&text, report, sync(at_once).registry()).await;
            }
        }
    }
}

/// Transport that never answers the list of `c`, and answers that of `b` when the one of `c` was requested.
#[derive(Debug)]
struct Stalled {
    inner: Arc<dyn Transport>,
    is_requested: Notify,
}

impl Transport for Stalled {
    fn send(&self, request: OutgoingRequest) -> BoxFuture<'_, Result<RawResponse, TransportError>> {
        Box::pin(async move {
            match request.url.path() {
                "/messages/b" => self.is_requested.notified().await,
                "/messages/c" => {
                    self.is_requested.notify_one();
                    std::future::pending::<()>().await;
                }
                _ => {}
            }
            self.inner.send(request).await
        })
    }
}

#[tokio::test]
async fn error_that_ended_the_other_walks_is_the_error_of_the_replay() {
    let fixture = sync(2).fixture(&["a", "b", "c", "d"]).await;
    fixture.list("/messages/a", &["a1", "a2"], None);
    fixture.fails("/messages/b", 500);
    let inner = fixture.runtime.transport.clone();
    let fixture = fixture.with_transport(Arc::new(Stalled { inner, is_requested: Notify::new() }));
    let (report, recording) = fixture.record("messages").await;
    assert_eq!((report.status, report.totals.models["Message"].added), (RunStatus::Error, 2));
    assert!(report.error.as_ref().unwrap().to_string().starts_with("parent `b`: "), "{:?}", report.error);
    assert!(recording.contains("\"kind\":\"unread\""), "{recording}");
    for _ in 0..5 {
        check_replay(&recording, &report, sync(2).registry()).await;
    }
}

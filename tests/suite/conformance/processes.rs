//! Process registry: heartbeats and their expiry.

use std::time::Duration;

use uuid::Uuid;

use super::support::*;

pub(super) async fn processes_with_unexpired_heartbeat_are_counted(store: TestStore) {
    let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
    assert_eq!(store.process_heartbeat(one, MINUTE, false).await.unwrap(), 1);
    assert_eq!(store.process_heartbeat(one, MINUTE, false).await.unwrap(), 1);
    assert_eq!(store.process_heartbeat(other, Duration::from_millis(300), false).await.unwrap(), 2);
    // A process without a heartbeat for the duration of its lease is not counted.
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(store.process_heartbeat(one, MINUTE, false).await.unwrap(), 1);
    assert_eq!(store.process_heartbeat(other, MINUTE, false).await.unwrap(), 2);
    // A heartbeat whose expiry is too far in the future is not counted.
    store.move_leases(3_600_000_000).await.unwrap();
    assert_eq!(store.process_heartbeat(other, MINUTE, false).await.unwrap(), 1);
    assert_eq!(store.process_heartbeat(one, MINUTE, false).await.unwrap(), 2);
    store.remove_process(one).await.unwrap();
    assert_eq!(store.process_heartbeat(other, MINUTE, false).await.unwrap(), 1);
}

pub(super) async fn serving_process_is_marked_until_it_stops(store: TestStore) {
    let process = Uuid::now_v7();
    assert!(!store.is_served().await.unwrap());
    store.start_serving(process, MINUTE).await.unwrap();
    assert!(store.is_served().await.unwrap());
    // A heartbeat keeps the mark, or extends it.
    for is_serving in [false, true] {
        store.process_heartbeat(process, MINUTE, is_serving).await.unwrap();
        assert!(store.is_served().await.unwrap());
    }
    store.stop_serving(process).await.unwrap();
    assert!(!store.is_served().await.unwrap());
}

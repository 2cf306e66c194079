//! Refresh leases: claims, extension, interruption and failures.

use std::time::Duration;

use nango_core::Timestamp;
use nango_tests::internal::store::{ClaimOutcome, NewConnection, RefreshClaim, RefreshEnd};
use serde_json::{Map, json};
use uuid::Uuid;

use super::support::*;

const LEASE: Duration = MINUTE;

fn renewed(credentials: &[u8]) -> RefreshEnd {
    let mut config = Map::new();
    config.insert("api_domain".to_owned(), json!("eu"));
    RefreshEnd::Refreshed { credentials: credentials.to_vec(), refresh_at: Some(Timestamp::from_micros(7)), config }
}

fn failed(refused: bool) -> RefreshEnd {
    RefreshEnd::Failed { message: "no\0answer".to_owned(), refused, outcome_unknown: !refused, responded: refused }
}

async fn claim_of(store: &TestStore, lease: Duration) -> RefreshClaim {
    let stored = store.connection("github", "acme").await.unwrap().unwrap();
    RefreshClaim { row: stored.row, version: stored.version, holder: Uuid::now_v7(), lease }
}

pub(super) async fn refresh_lease_is_exclusive(store: TestStore) {
    let new = NewConnection { refresh_at: Some(Timestamp::from_micros(3)), ..connection("acme") };
    let (first, _) = store.put_connection(new).await.unwrap();
    assert_eq!((first.version, first.refresh_at, &first.failure), (1, Some(Timestamp::from_micros(3)), &None));
    let (one, other) = (claim_of(&store, LEASE).await, claim_of(&store, LEASE).await);
    assert_eq!(store.claim_refresh(one).await.unwrap(), ClaimOutcome::Acquired { interrupted: false });
    let ClaimOutcome::HeldByOther(wait) = store.claim_refresh(other).await.unwrap() else {
        panic!("two holders have the lease")
    };
    assert!(wait > Duration::ZERO && wait <= LEASE);
    // A refresh cannot be ended by another holder.
    store.end_refresh(other, RefreshEnd::Abandoned { outcome_unknown: false }).await.unwrap();
    store.end_refresh(other, failed(true)).await.unwrap();
    assert!(matches!(store.claim_refresh(other).await.unwrap(), ClaimOutcome::HeldByOther(_)));

    let after = store.end_refresh(one, renewed(b"new")).await.unwrap().unwrap();
    assert_eq!(
        (after.version, after.refresh_at, &*after.credentials),
        (2, Some(Timestamp::from_micros(7)), &b"new"[..])
    );
    let mut config = first.config.clone();
    config.insert("api_domain".to_owned(), json!("eu"));
    assert_eq!((&after.config, after.metadata == first.metadata), (&config, true));
    assert_eq!(store.connection("github", "acme").await.unwrap(), Some(after.clone()));
    assert_eq!(store.claim_refresh(other).await.unwrap(), ClaimOutcome::Changed(Box::new(after)));
    assert_eq!(
        store.claim_refresh(claim_of(&store, LEASE).await).await.unwrap(),
        ClaimOutcome::Acquired { interrupted: false }
    );
}

pub(super) async fn abandoned_refresh_lease_is_reported(store: TestStore) {
    store.put_connection(connection("acme")).await.unwrap();
    let lost = claim_of(&store, Duration::from_millis(1)).await;
    store.claim_refresh(lost).await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let next = claim_of(&store, LEASE).await;
    assert_eq!(store.claim_refresh(next).await.unwrap(), ClaimOutcome::Acquired { interrupted: true });
    // The first holder was only slow: its result is stored, because no other refresh has stored one.
    let after = store.end_refresh(lost, renewed(b"late")).await.unwrap().unwrap();
    assert_eq!((&*after.credentials, after.version), (&b"late"[..], 2));
    assert_eq!(store.end_refresh(next, renewed(b"second")).await.unwrap(), Some(after));
    // An abandoned refresh leaves no trace.
    let abandoned = claim_of(&store, LEASE).await;
    store.claim_refresh(abandoned).await.unwrap();
    store.end_refresh(abandoned, RefreshEnd::Abandoned { outcome_unknown: false }).await.unwrap();
    assert_eq!(
        store.claim_refresh(claim_of(&store, LEASE).await).await.unwrap(),
        ClaimOutcome::Acquired { interrupted: false }
    );
}

pub(super) async fn refresh_lease_from_the_future_counts_as_expired(store: TestStore) {
    store.put_connection(connection("acme")).await.unwrap();
    let lost = claim_of(&store, Duration::from_secs(45)).await;
    store.claim_refresh(lost).await.unwrap();
    let next = claim_of(&store, Duration::from_secs(45)).await;
    assert!(matches!(store.claim_refresh(next).await.unwrap(), ClaimOutcome::HeldByOther(_)));
    store.move_leases(3_600_000_000).await.unwrap();
    assert_eq!(store.claim_refresh(next).await.unwrap(), ClaimOutcome::Acquired { interrupted: true });
    assert!(matches!(store.claim_refresh(lost).await.unwrap(), ClaimOutcome::HeldByOther(_)));
    // Leases of an older version are longer, and are active.
    let other = RefreshClaim { holder: Uuid::now_v7(), lease: Duration::from_secs(1), ..next };
    assert!(matches!(store.claim_refresh(other).await.unwrap(), ClaimOutcome::HeldByOther(_)));
}

pub(super) async fn refresh_lease_is_extended_only_by_its_holder(store: TestStore) {
    store.put_connection(connection("acme")).await.unwrap();
    let lease = Duration::from_millis(400);
    let holder = claim_of(&store, lease).await;
    let other = claim_of(&store, lease).await;
    assert!(!store.extend_refresh(holder).await.unwrap(), "the lease was not acquired yet");
    store.claim_refresh(holder).await.unwrap();
    for _ in 0..4 {
        tokio::time::sleep(lease / 3).await;
        assert!(store.extend_refresh(holder).await.unwrap());
        assert!(!store.extend_refresh(other).await.unwrap());
        assert!(matches!(store.claim_refresh(other).await.unwrap(), ClaimOutcome::HeldByOther(_)));
    }
    tokio::time::sleep(lease * 2).await;
    assert_eq!(store.claim_refresh(other).await.unwrap(), ClaimOutcome::Acquired { interrupted: true });
    assert!(!store.extend_refresh(holder).await.unwrap());
    store.end_refresh(other, renewed(b"new")).await.unwrap();
    assert!(!store.extend_refresh(other).await.unwrap(), "the refresh has ended");
}

pub(super) async fn failure_is_kept_until_token_is_obtained(store: TestStore) {
    store.put_connection(connection("acme")).await.unwrap();
    // An unknown outcome is reported to the next claim.
    let mut rejected_since = None;
    for (attempts, refused, interrupted) in [(1, false, false), (2, true, true), (3, true, false)] {
        let claim = claim_of(&store, LEASE).await;
        assert_eq!(store.claim_refresh(claim).await.unwrap(), ClaimOutcome::Acquired { interrupted });
        let stored = store.end_refresh(claim, failed(refused)).await.unwrap().unwrap();
        let failure = stored.failure.clone().unwrap();
        assert_eq!((failure.attempts, failure.refused, stored.version), (attempts, refused, 1));
        let since = failure.rejected_since;
        assert_eq!(since.is_some(), refused, "only responses count");
        assert!(since.is_none_or(|since| failure.failed_at.micros_since(since).unsigned_abs() < 60_000_000));
        assert_eq!(rejected_since.or(since), since, "since the first response");
        rejected_since = since;
        assert!(failure.message.starts_with("no") && failure.failed_at >= stored.updated_at);
        assert_eq!(store.connections(None).await.unwrap(), [stored]);
    }
    let claim = claim_of(&store, LEASE).await;
    store.claim_refresh(claim).await.unwrap();
    assert_eq!(store.end_refresh(claim, renewed(b"new")).await.unwrap().unwrap().failure, None);

    // New credentials reset the failure, and the result of an older refresh is dropped.
    let claim = claim_of(&store, LEASE).await;
    store.claim_refresh(claim).await.unwrap();
    let (replaced, _) = store.put_connection(connection("acme")).await.unwrap();
    assert_eq!((replaced.version, replaced.refresh_at, &replaced.failure), (3, None, &None));
    assert_eq!(store.end_refresh(claim, renewed(b"old")).await.unwrap(), Some(replaced));
    store.remove_connection("github", "acme").await.unwrap();
    assert_eq!(store.claim_refresh(claim).await.unwrap(), ClaimOutcome::NotFound);
    assert_eq!(store.end_refresh(claim, renewed(b"old")).await.unwrap(), None);
}

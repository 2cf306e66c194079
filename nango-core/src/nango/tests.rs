//! Tests of the handles: the functions below are syncs that run on a mock.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;

use crate::{ErrorKind, prelude::*, testing::Mock};

/// Test record with a nullable field.
#[model]
pub(super) struct Thing {
    /// Id of the thing.
    pub id: u64,
    /// Name of the thing.
    pub name: String,
    /// Optional note.
    pub note: Option<String>,
}

/// Test patch of a thing.
#[patch(of = Thing)]
pub(super) struct ThingChange {
    /// Id of the thing.
    pub id: u64,
    /// New name.
    pub name: Option<String>,
    /// New note; `null` removes it.
    pub note: Patch<String>,
}

fn thing(id: u64, name: &str) -> Thing {
    Thing { id, name: name.into(), note: Some("n".into()) }
}

#[sync(integration = "helper", model = "Thing")]
async fn writes_and_reads_back(nango: NangoSync) -> Result<()> {
    let saved = nango.batch_save([thing(1, "a"), thing(2, "b"), thing(1, "c")]).await?;
    assert_eq!(
        (saved.added().collect::<Vec<_>>(), saved.duplicates().collect::<Vec<_>>()),
        (vec!["1", "2"], vec!["1"])
    );

    let patch = ThingChange { id: 1, name: None, note: Patch::null() };
    assert_eq!(nango.batch_update([patch]).await?.updated().collect::<Vec<_>>(), ["1"]);
    let values =
        nango.batch_update_values::<Thing>([(2_u64, json!({ "name": "B" })), (9, json!({ "name": "x" }))]).await?;
    assert_eq!((values.updated().count(), values.missing().collect::<Vec<_>>()), (1, vec!["9"]));

    let found = nango.records_by_id::<Thing, _>([1_u64, 2, 3]).await?;
    assert_eq!((found.len(), &found[&1].note, found[&2].name.as_str()), (2, &None, "B"));

    assert_eq!(nango.batch_delete::<Thing>([thing(2, "any")]).await?.deleted().count(), 1);
    let mut all = nango.records::<Thing>();
    let mut seen = Vec::new();
    while let Some(record) = all.next().await? {
        seen.push((record.id, record.deleted_at.is_some()));
    }
    assert_eq!(seen, [(1, false), (2, true)]);
    Ok(())
}

#[tokio::test]
async fn records_are_written_and_read_back() {
    writes_and_reads_back(Mock::new().nango()).await.unwrap();
}

/// Test record with a time of update.
#[model(updated = "at")]
struct Dated {
    /// Id of the record.
    id: u64,
    /// Name of the record.
    name: String,
    /// Time of the last update.
    at: Option<u64>,
}

fn dated(name: &str, at: u64) -> Dated {
    Dated { id: 1, name: name.into(), at: Some(at) }
}

#[sync(integration = "helper", model = "Dated")]
async fn compares_times(nango: NangoSync) -> Result<()> {
    nango.batch_save([dated("a", 20)]).await?;
    let patch = async |fields| nango.batch_update_values::<Dated>([(1_u64, fields)]).await;
    let older = patch(json!({ "name": "b", "at": 19 })).await?;
    assert_eq!((older.skipped_older().collect::<Vec<_>>(), older.updated().count()), (vec!["1"], 0));
    assert_eq!(patch(json!({ "name": "c" })).await?.updated().count(), 1);
    assert_eq!(nango.batch_save([dated("d", 19)]).await?.skipped_older().count(), 1);
    assert_eq!(patch(json!({ "at": null })).await?.updated().count(), 1);
    assert_eq!(nango.batch_save([dated("e", 10)]).await?.updated().count(), 1);

    assert_eq!(nango.batch_delete::<Dated>([(1_u64, 9)]).await?.skipped_older().count(), 1);
    let page = nango.page().delete::<Dated>([(&dated("e", 10), Some(11_u32))]).save([dated("f", 10)]).commit().await?;
    assert_eq!((page.deleted().count(), page.skipped_older().count()), (1, 1));
    Ok(())
}

#[tokio::test]
async fn older_writes_are_reported_and_change_nothing() {
    let mock = Mock::new();
    compares_times(mock.nango()).await.unwrap();
    assert_eq!(mock.deleted::<Dated>().await, ["1"]);
}

#[sync(integration = "helper", model = "Dated")]
async fn saves_dated_in_a_full_scan(nango: NangoSync) -> Result<()> {
    let scan = nango.full_scan::<Dated>().await?;
    nango.batch_save([dated("old", 10)]).await?;
    scan.finish().await?;
    Ok(())
}

#[sync(integration = "helper", model = "Dated")]
async fn saves_dated_after_a_scan(nango: NangoSync) -> Result<()> {
    drop(nango.full_scan::<Dated>().await?);
    nango.batch_save([dated("old", 10)]).await?;
    Ok(())
}

#[tokio::test]
async fn older_record_is_applied_in_the_second_full_scan_only() {
    let mock = Mock::new().record(dated("new", 20)).await;
    for _ in 0..2 {
        saves_dated_after_a_scan(mock.nango()).await.unwrap();
    }
    saves_dated_in_a_full_scan(mock.nango()).await.unwrap();
    assert_eq!(mock.saved::<Dated>().await[0].name, "new");
    saves_dated_in_a_full_scan(mock.nango()).await.unwrap();
    assert_eq!(mock.saved::<Dated>().await[0].name, "old");
}

#[sync(integration = "helper", model = "Thing")]
async fn makes_invalid_calls(nango: NangoSync) -> Result<()> {
    let unknown = nango.batch_update_values::<Thing>([(1_u64, json!({ "nmae": "x" }))]).await.unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "unknown field `nmae` of model `Thing`; available: `id`, `name` and `note`; did you mean `name`?"
    );
    let missing = nango.env("REGION").unwrap_err().to_string();
    assert!(missing.contains("NANGO_ENV_REGION") && missing.contains("[environment]"), "{missing}");
    let header = nango.get("/x").header("a b", "1").await.unwrap_err().to_string();
    assert_eq!(header, "`a b` is not the name of a header");
    let mut pages = nango.paginate::<Thing>(nango.fetch("https://elsewhere.test/x"), Paginate::link("next"));
    assert!(pages.next().await.unwrap_err().to_string().contains("nango.get("));
    assert!(nango.token().await.unwrap_err().to_string().contains("has no token"));
    Ok(())
}

#[tokio::test]
async fn invalid_call_is_refused_before_sending_or_writing() {
    let mock = Mock::new();
    makes_invalid_calls(mock.nango()).await.unwrap();
    assert!(mock.received_requests().is_empty());
}

#[sync(integration = "helper", model = "Thing")]
async fn saves_in_two_batches(nango: NangoSync) -> Result<()> {
    let things: Vec<Thing> = nango.get("/things").json().await?;
    tokio::time::sleep(Duration::from_millis(5)).await;
    // This request lets another run write a newer version of the second thing.
    nango.fetch("https://api.mock.test/meanwhile").await?;
    let [first, second] = <[Thing; 2]>::try_from(things).unwrap();
    nango.batch_save([first]).await?;
    let saved = nango.batch_save([second]).await?;
    assert_eq!(saved.skipped_newer().collect::<Vec<_>>(), ["2"]);
    Ok(())
}

#[sync(integration = "helper", model = "Thing")]
async fn writes_meanwhile(nango: NangoSync) -> Result<()> {
    nango.batch_save([thing(2, "newer")]).await?;
    Ok(())
}

#[tokio::test]
async fn second_batch_of_a_response_is_not_newer_than_the_first() {
    let mock = Mock::new().reply("/things", json!([thing(1, "a"), thing(2, "old")])).reply("/meanwhile", json!(null));
    let other = mock.clone();
    let writer = tokio::spawn(async move {
        while other.received_requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        writes_meanwhile(other.nango()).await
    });
    let reader = tokio::spawn(saves_in_two_batches(mock.nango()));
    writer.await.unwrap().unwrap();
    reader.await.unwrap().unwrap();
    assert!(mock.saved::<Thing>().await.iter().any(|thing| thing.name == "newer"));
}

#[tokio::test]
async fn lock_is_held_by_one_run_and_released() {
    let mock = Mock::new();
    let (one, two): (Nango, Nango) = (mock.nango(), mock.nango());
    let minute = Duration::from_mins(1);
    let guard = one.try_lock("import", minute).await.unwrap().expect("the lock");
    assert!(two.try_lock("import", minute).await.unwrap().is_none());
    assert!(guard.extend(minute).await.unwrap());
    guard.release().await.unwrap();
    assert!(two.try_lock("import", minute).await.unwrap().is_some());
}

#[tokio::test]
async fn cancelled_function_fails_at_its_next_call() {
    let mock = Mock::new().reply("/things", json!([]));
    let nango: Nango = mock.nango();
    assert_eq!(nango.get("/things").optional().json::<Vec<Thing>>().await.unwrap(), Some(vec![]));
    mock.cancel();
    assert_eq!(nango.get("/things").await.unwrap_err().kind(), ErrorKind::Interrupted);
}

#[tokio::test]
async fn response_is_decoded_into_requested_type() {
    let mock = Mock::new().reply_with("/missing", 404, json!({ "message": "no" })).always().reply("/text", "plain");
    let nango: Nango = mock.nango();
    assert!(nango.get("/missing").optional().await.unwrap().is_none());
    assert_eq!(nango.get("/missing").accept([404]).await.unwrap().data()["message"], "no");
    let failure = nango.post("/missing").body(json!({ "a": 1 })).await.unwrap_err();
    assert_eq!(failure.http().map(|http| (http.status, http.json())), Some((404, json!({ "message": "no" }))));
    let wrong = nango.get("/text").json::<Thing>().await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Decode);
    assert_eq!(nango.fetch("https://anywhere.test/missing").await.unwrap().status(), 404, "every status is accepted");
}

#[tokio::test]
async fn body_is_sent_as_given_with_its_content_type() {
    let mock = Mock::new().on("PUT", "/upload").reply(json!({})).on("POST", "/upload").reply(json!({}));
    let nango: Nango = mock.nango();
    nango.put("/upload").raw_body("a,b\n1,2", "text/csv").await.unwrap();
    let pieces = ["ab", "cd"].map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece)));
    nango.post("/upload").stream_body(stream::iter(pieces), "application/octet-stream").await.unwrap();
    let sent: Vec<_> = mock
        .received_requests()
        .into_iter()
        .map(|request| (request.method, request.headers["content-type"].clone(), request.body))
        .collect();
    assert_eq!((sent[0].0.as_str(), &sent[0].1, &*sent[0].2), ("PUT", &"text/csv".parse().unwrap(), &b"a,b\n1,2"[..]));
    let binary = "application/octet-stream".parse().unwrap();
    assert_eq!((sent[1].0.as_str(), &sent[1].1, &*sent[1].2), ("POST", &binary, &b"abcd"[..]));
}

#[tokio::test]
async fn interrupted_stream_body_fails_the_request() {
    let mock = Mock::new();
    let nango: Nango = mock.nango();
    let pieces = [Ok(Bytes::from("ab")), Err("the file ended early")];
    let error = nango.post("/upload").stream_body(stream::iter(pieces), "text/plain").await.unwrap_err();
    assert!(error.to_string().contains("the file ended early"), "{error}");
    assert!(mock.received_requests().is_empty());
}

#[tokio::test]
async fn metadata_is_merged_or_replaced() {
    let mock = Mock::new().metadata(json!({ "team": "a", "size": 1 }));
    let nango: Nango = mock.nango();
    nango.update_metadata(&json!({ "size": 2 })).await.unwrap();
    assert_eq!(Value::Object(nango.metadata_map().await.unwrap()), json!({ "team": "a", "size": 2 }));
    nango.set_metadata(&json!({ "region": "eu" })).await.unwrap();
    let later: Nango = mock.nango();
    for handle in [nango, later] {
        assert_eq!(Value::Object(handle.metadata_map().await.unwrap()), json!({ "region": "eu" }));
        assert!(handle.set_metadata(&json!(["not", "an", "object"])).await.is_err());
    }
}

#[tokio::test]
async fn environment_variables_are_listed_by_name() {
    let nango: Nango = Mock::new().env("REGION", "eu").env("LEVEL", "high").nango();
    let all: Vec<_> =
        nango.environment_variables().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(all, [("LEVEL", "high"), ("REGION", "eu")]);
    assert_eq!((nango.env("LEVEL").unwrap(), nango.env_opt("OTHER")), ("high", None));
    assert!(nango.env("OTHER").unwrap_err().to_string().contains("NANGO_ENV_OTHER"));
}

#[tokio::test]
async fn mock_returns_the_headers_of_a_reply() {
    let mock = Mock::new().reply_headers("/things", 429, &[("retry-after", "3")], json!({})).reply_headers(
        "/things",
        200,
        &[("x-request-id", "7")],
        json!([]),
    );
    let nango: Nango = mock.nango();
    let response = nango.get("/things").retries(1).await.unwrap();
    assert_eq!((response.header("x-request-id"), response.attempts()), (Some("7"), 2));
}

#[tokio::test]
async fn declared_error_of_the_provider_fails_requests_and_walks() {
    let refusal = json!({ "ok": false, "error": "invalid_auth", "members": [] });
    let mock = Mock::new().provider("slack").reply("/users.list", refusal).always();
    let nango: Nango = mock.nango();
    let failure = nango.get("/users.list").json::<Value>().await.unwrap_err();
    assert!(failure.to_string().contains("invalid_auth"), "{failure}");
    let list = Paginate::provider().response_path("members");
    let failure = nango.paginate::<Value>(nango.get("/users.list"), list).next().await.unwrap_err();
    assert!(failure.to_string().contains("invalid_auth"), "{failure}");
    let own = ErrorAt::path("warning");
    let body = nango.get("/users.list").error_at(own).json::<Value>().await.unwrap();
    assert_eq!(body["members"], json!([]), "the declaration of a request replaces that of the provider");
}

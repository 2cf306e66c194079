//! Records that are the values of an object.

use super::*;

fn paginate() -> Paginate {
    Paginate::cursor("after", "next").response_path("items.*").response_key("id")
}

#[tokio::test]
async fn values_of_an_object_are_records_with_their_keys() {
    check(
        paginate(),
        vec![
            mock_json(r#"{"items":{"b":{"x":1},"a":{"x":2}},"next":"n"}"#),
            mock_json(r#"{"next":null,"items":{"c":{"id":"own"},"d":5}}"#),
        ],
        &[r#"{"id":"b","x":1} {"id":"a","x":2}"#, r#"{"id":"own"} 5"#],
        &["GET /x?a=1", "GET /x?a=1&after=n"],
    )
    .await;
    let whole_body = Paginate::cursor("after", "next").response_path("*");
    check(whole_body, vec![mock_json(r#"{"b":{"x":1},"a":2}"#)], &[r#"{"x":1} 2"#], &["GET /x?a=1"]).await;
}

#[tokio::test]
async fn key_of_the_last_record_is_the_cursor() {
    let by_key = || Paginate::last_item("after", "id").response_path("items.*").response_key("id");
    check(
        by_key(),
        vec![mock_json(r#"{"items":{"b":{},"a b":{}}}"#), mock_json(r#"{"items":{}}"#)],
        &[r#"{"id":"b"} {"id":"a b"}"#],
        &["GET /x?a=1", "GET /x?a=1&after=a+b"],
    )
    .await;
}

#[tokio::test]
async fn object_that_is_missing_is_an_error_and_null_is_incomplete() {
    let at = "page 1 of GET https://h.test/v1/x";
    for (body, expect) in [
        (r#"{"rows":{}}"#, format!("{at} has nothing at `items`: the body is an object with `rows`")),
        (
            r#"{"items":[{"id":1}]}"#,
            format!(
                "{at} is not an object of records but a list at `items`; if its items are the records, remove `.*` \
                 from the end of `response_path`"
            ),
        ),
        (r#"{"items":7}"#, format!("{at} is not an object of records but a number at `items`")),
    ] {
        check(paginate(), vec![mock_json(body)], &[&expect], &["GET /x?a=1"]).await;
    }
    for (body, reason) in [
        (r#"{"items":null}"#, "null_list"),
        (r#"{"items":null,"error":"busy"}"#, "error_in_body"),
        (r#"{"items":{}}"#, "no_next_page"),
        (r#"{"items":[]}"#, "no_next_page"),
    ] {
        let script = MockTransport::new([mock_json(body)]);
        let mut walk = start(&script, RequestSpec::get("/x"), paginate()).unwrap();
        assert!(walk.next().await.unwrap().unwrap().is_empty(), "{body}");
        assert_eq!(walk.next().await.unwrap().map(|page| page.len()), None);
        assert_eq!(walk.end().unwrap().outcome.reason(), reason, "{body}");
    }
}

#[tokio::test]
async fn page_with_the_same_values_under_other_keys_is_another_page() {
    let pages = || Paginate::offset("skip").response_path("items.*").response_key("id");
    check(
        pages(),
        vec![
            mock_json(r#"{"items":{"a":{},"b":{}}}"#),
            mock_json(r#"{"items":{"c":{},"d":{}}}"#),
            mock_json(r#"{"items":{}}"#),
        ],
        &[r#"{"id":"a"} {"id":"b"}"#, r#"{"id":"c"} {"id":"d"}"#],
        &["GET /x?a=1&skip=0", "GET /x?a=1&skip=2", "GET /x?a=1&skip=4"],
    )
    .await;
    let again = || mock_json(r#"{"items":{"a":{}}}"#);
    let script = MockTransport::new([again(), again()]);
    let pages = read_all_pages(start(&script, RequestSpec::get("/x"), pages()).unwrap()).await;
    assert!(pages[1].contains("has the same records as the previous page"), "{pages:?}");
}

#[test]
fn key_without_an_object_is_a_wrong_setting() {
    let script = MockTransport::new([]);
    for (paginate, expect) in [
        (Paginate::link("next").response_path("items").response_key("id"), "requires a `response_path` that ends with"),
        (Paginate::link("next").response_key("id"), "requires a `response_path` that ends with"),
        (paginate().response_key("a.b"), "is not the name of a field"),
        (paginate().response_path("a.*.b"), "only at the end of `response_path`"),
        (paginate().has_more("a.*"), "only at the end of `response_path`"),
    ] {
        let error = start(&script, RequestSpec::get("/x"), paginate).err().unwrap().to_string();
        assert!(error.contains(expect), "{error}");
    }
}

mod feeds;
mod links;
mod objects;

use super::*;
use crate::{
    ErrorKind,
    declare::OffsetBy,
    error::Chain,
    http::{
        Body, Method,
        mock::{MockResponse, MockTransport, mock_json, mock_response, unreachable_server},
    },
};

const BASE: &str = "https://h.test/v1";

/// Starts a walk from the first page.
fn start(script: &MockTransport, request: RequestSpec, paginate: Paginate) -> Result<Walk, PaginateError> {
    Walk::new(script.client(BASE), request, Some(paginate), WalkOptions::default())
}

/// Starts a walk from a resume point after one page.
fn resume(script: &MockTransport, paginate: Paginate, resume_point: ResumePoint) -> Result<Walk, PaginateError> {
    let memory = WalkState { pages: 1, ..WalkState::default() };
    let options = WalkOptions { resume: Some((resume_point, memory)), ..WalkOptions::default() };
    Walk::new(script.client(BASE), RequestSpec::get("/x"), Some(paginate), options)
}

/// Reads the walk to its end, and returns the records of each page, or the error that ends it.
async fn read_all_pages(mut walk: Walk) -> Vec<String> {
    let mut pages = Vec::new();
    loop {
        match walk.next().await {
            Ok(None) => return pages,
            Ok(Some(page)) => match page.records() {
                Ok(records) => pages.push(records.join(" ")),
                Err(error) => {
                    pages.push(Chain(&error).to_string());
                    return pages;
                }
            },
            Err(error) => {
                pages.push(Chain(&error).to_string());
                return pages;
            }
        }
    }
}

#[track_caller]
fn check_requests(script: &MockTransport, expect: &[&str]) {
    let lines: Vec<String> = script.request_lines().iter().map(|line| line.replace("https://h.test/v1", "")).collect();
    assert_eq!(lines, expect);
}

async fn check(paginate: Paginate, responses: Vec<MockResponse>, pages: &[&str], requests: &[&str]) {
    let script = MockTransport::new(responses);
    let walk = start(&script, RequestSpec::get("/x?a=1"), paginate).unwrap();
    assert_eq!(read_all_pages(walk).await, pages);
    check_requests(&script, requests);
}

fn linked(link: &str, body: &str) -> MockResponse {
    mock_response(200, &[("link", link), ("content-type", "application/json")], body)
}

#[tokio::test]
async fn cursor_is_sent_with_next_request() {
    let paginate = || Paginate::cursor("after", "meta.next").limit(2).limit_name("limit").response_path("items");
    check(
        paginate(),
        vec![
            mock_json(r#"{"items":[1,2],"meta":{"next":" b& "}}"#),
            mock_json(r#"{"items":[],"meta":{"next":0}}"#),
            mock_json(r#"{"meta":{"next":null},"items":[3]}"#),
        ],
        &["1 2", "", "3"],
        &["GET /x?a=1&limit=2", "GET /x?a=1&limit=2&after=+b%26+", "GET /x?a=1&limit=2&after=0"],
    )
    .await;
    for end in [
        r#"{"items":[1]}"#,
        r#"{"items":[1],"meta":{"next":""}}"#,
        r#"{"items":[1],"meta":{"next":" "}}"#,
        r#"{"items":[1],"meta":{"next":false}}"#,
        r#"{"items":[1],"meta":{"next":{}}}"#,
        r#"{"items":[1],"meta":{"next":[]}}"#,
    ] {
        check(paginate(), vec![mock_json(end)], &["1"], &["GET /x?a=1&limit=2"]).await;
    }
    let object = r#"{"items":[1],"meta":{"next":{"a":1}}}"#;
    let error = "page 1 of GET https://h.test/v1/x has no usable cursor at `meta.next`: it is an object";
    check(paginate(), vec![mock_json(object)], &[error], &["GET /x?a=1&limit=2"]).await;
}

#[tokio::test]
async fn id_of_last_item_is_the_cursor() {
    let paginate = || Paginate::last_item("after", "id").response_path("data");
    check(
        paginate().has_more("more"),
        vec![
            mock_json(r#"{"data":[{"id":"a"},{"id":"b"}],"more":true}"#),
            mock_json(r#"{"more":false,"data":[{"id":"c"}]}"#),
        ],
        &[r#"{"id":"a"} {"id":"b"}"#, r#"{"id":"c"}"#],
        &["GET /x?a=1", "GET /x?a=1&after=b"],
    )
    .await;
    // Without a flag of the API, the walk ends at an empty page.
    check(
        paginate(),
        vec![mock_json(r#"{"data":[{"id":7}]}"#), mock_json(r#"{"data":[]}"#)],
        &[r#"{"id":7}"#],
        &["GET /x?a=1", "GET /x?a=1&after=7"],
    )
    .await;
    let error = "page 1 of GET https://h.test/v1/x has no usable cursor at `id`: the last record has no value there";
    check(paginate(), vec![mock_json(r#"{"data":[{"di":7}]}"#)], &[error], &["GET /x?a=1"]).await;
    let circle = "page 2 of GET https://h.test/v1/x leads to a cursor of an earlier page, so the walk would never end; if \
                  the API reports the end elsewhere, declare `has_more` or `is_last`";
    let again = mock_json(r#"{"data":[{"id":7,"b":1}]}"#);
    let first = mock_json(r#"{"data":[{"id":7}]}"#);
    check(paginate(), vec![first, again], &[r#"{"id":7}"#, circle], &["GET /x?a=1", "GET /x?a=1&after=7"]).await;
}

#[tokio::test]
async fn has_more_flag_ends_the_walk() {
    let cursor = || Paginate::cursor("c", "next").response_path("r").has_more("page.more");
    let page = |id: u8, more: &str| mock_json(&format!(r#"{{"r":[{id}],"next":"n","page":{{"more":{more}}}}}"#));
    for no in ["false", "null", "0", "\"\"", "\"False\""] {
        check(cursor(), vec![page(1, "true"), page(2, no)], &["1", "2"], &["GET /x?a=1", "GET /x?a=1&c=n"]).await;
    }
    // Without the flag, the cursor or link decides.
    check(cursor(), vec![mock_json(r#"{"r":[1]}"#)], &["1"], &["GET /x?a=1"]).await;
    let offset = Paginate::offset("o").response_path("r").has_more("page.more");
    check(offset, vec![page(1, "false")], &["1"], &["GET /x?a=1&o=0"]).await;
}

#[tokio::test]
async fn repeated_cursor_is_an_error() {
    let page = |id: u8, next: &str| mock_json(&format!(r#"{{"items":[{id}],"next":"{next}"}}"#));
    let circle = "page 3 of GET https://h.test/v1/x leads to a cursor of an earlier page, so the walk would never end; if \
                  the API reports the end elsewhere, declare `has_more` or `is_last`";
    check(
        Paginate::cursor("c", "next").response_path("items"),
        vec![page(1, "b"), page(2, "c"), page(3, "b")],
        &["1", "2", circle],
        &["GET /x?a=1", "GET /x?a=1&c=b", "GET /x?a=1&c=c"],
    )
    .await;
    let again = |body| linked("</v1/x?page=2>; rel=next", body);
    let circle = "page 2 of GET https://h.test/v1/x leads to a link of an earlier page, so the walk would never end; if \
                  the API reports the end elsewhere, declare `has_more` or `is_last`";
    check(Paginate::link("next"), vec![again("[1]"), again("[2]")], &["1", circle], &["GET /x?a=1", "GET /x?page=2"])
        .await;
}

#[tokio::test]
async fn offset_advances_by_page_size() {
    let paginate = || Paginate::offset("start").limit_name("max").response_path("values");
    let page = |values: &str| mock_json(&format!(r#"{{"values":{values}}}"#));
    check(
        paginate(),
        vec![page("[1,2]"), page("[3]"), page("[]")],
        &["1 2", "3"],
        &["GET /x?a=1&start=0", "GET /x?a=1&start=2", "GET /x?a=1&start=3"],
    )
    .await;
    check(
        paginate().limit(2),
        vec![page("[1,2]"), page("[3]"), page("[]")],
        &["1 2", "3"],
        &["GET /x?a=1&max=2&start=0", "GET /x?a=1&max=2&start=2", "GET /x?a=1&max=2&start=3"],
    )
    .await;
    check(
        Paginate::offset("page").start(1).by(OffsetBy::Page),
        vec![mock_json("[1,2]"), mock_json("[3,4]"), mock_json("null")],
        &["1 2", "3 4"],
        &["GET /x?a=1&page=1", "GET /x?a=1&page=2", "GET /x?a=1&page=3"],
    )
    .await;
    check(paginate(), vec![page("[]")], &[""], &["GET /x?a=1&start=0"]).await;
    let same = "page 2 of GET https://h.test/v1/x has the same records as the previous page: the API ignores `start`, \
                so the walk would never end";
    let requests = ["GET /x?a=1&start=0", "GET /x?a=1&start=1"];
    check(paginate(), vec![page("[1]"), page("[1]")], &["1", same], &requests).await;
}

#[tokio::test]
async fn pagination_parameters_are_sent_in_body() {
    let bodies = async |body: Body, paginate: Paginate, method: Method| {
        let script =
            MockTransport::new([mock_json(r#"{"r":[1],"n":5}"#), mock_json(r#"{"r":[2]}"#), mock_json(r#"{"r":[]}"#)]);
        let request = RequestSpec::new(method, "/x").body(body);
        let walk = start(&script, request, paginate.response_path("r")).unwrap();
        assert_eq!(read_all_pages(walk).await, ["1", "2"]);
        let mut bodies = Vec::new();
        for sent in script.sent().into_iter().take(2) {
            let body = sent.into_parts().unwrap().3.read().await.unwrap();
            bodies.push(String::from_utf8(body.to_vec()).unwrap());
        }
        bodies
    };
    let cursor = || Paginate::cursor("page.after", "n").limit(9).limit_name("page.size");
    let sent = bodies(Body::Json(r#"{"q":"x","page":{"z":1}}"#.into()), cursor(), Method::POST).await;
    assert_eq!(sent, [r#"{"q":"x","page":{"z":1,"size":9}}"#, r#"{"q":"x","page":{"z":1,"size":9,"after":5}}"#,]);
    let offset = || Paginate::offset("from").limit(1).limit_name("size");
    let sent = bodies(Body::Empty, offset().in_body(true), Method::GET).await;
    assert_eq!(sent, [r#"{"size":1,"from":0}"#, r#"{"size":1,"from":1}"#]);
    let form = Body::Form(vec![("q".into(), "x".into()), ("from".into(), "7".into())]);
    assert_eq!(bodies(form, offset(), Method::POST).await, ["q=x&size=1&from=0", "q=x&size=1&from=1"]);
    let sent = bodies(Body::Json("[]".into()), offset().in_body(false), Method::POST).await;
    assert_eq!(sent, ["[]", "[]"]);
}

#[tokio::test]
async fn response_without_page_is_reported() {
    let at = "page 1 of GET https://h.test/v1/x";
    let check = async |path: &'static str, response: MockResponse, expect: String| {
        let mut paginate = Paginate::link("next");
        if !path.is_empty() {
            paginate = paginate.response_path(path);
        }
        check(paginate, vec![response], &[&expect], &["GET /x?a=1"]).await;
    };
    let keys = format!("{at} has nothing at `data.itms`: `data` is an object with `items`, `total`");
    check("data.itms", mock_json(r#"{"data":{"total":1,"items":[]}}"#), keys).await;
    let body = format!("{at} has nothing at `data`: the body is an object with `errs`");
    check("data", mock_json(r#"{"errs":"secret"}"#), body).await;
    let error = format!("{at} has no list of records but an error at `error`: {{\"message\":\"down\"}}");
    check("data", mock_json(r#"{"error":{"message":"down"}}"#), error).await;
    check("data", mock_json("[1]"), format!("{at} has nothing at `data`: the body is a list")).await;
    check("data", mock_json(r#"{"data":"secret"}"#), format!("{at} is not a list of records but a string at `data`"))
        .await;
    let message = format!(
        "{at} is not a list of records but an object with `items`; set `response_path` to the path of the list, or to \
         `*` if the values of this object are the records"
    );
    check("", mock_json(r#"{"items":[]}"#), message).await;
    let html = mock_response(200, &[("content-type", "text/html")], "<html>\n<title>Sign in</title>");
    let text = format!(
        "{at} returned 200 (text/html) with a body that is not JSON: expected value at line 1 column 1; it begins \
         with `<html> <title>Sign in</title>`"
    );
    check("", html, text).await;
    check("", mock_response(204, &[], ""), String::new()).await;
}

#[test]
fn incomplete_settings_are_reported_with_missing_key() {
    let check = |paginate: Paginate, request: RequestSpec, expect: &str| {
        let error = start(&MockTransport::default(), request, paginate).unwrap_err();
        assert!(error.to_string().contains(expect), "{error}");
        assert_eq!(error.into_error().kind(), ErrorKind::Internal);
    };
    let get = || RequestSpec::get("/x");
    check(Paginate::provider().limit(2), get(), "`Paginate::cursor(name, path)` or `Paginate::offset(name)`");
    check(Paginate::link("next").limit(2), get(), "`limit = 2` requires `limit_name`, its parameter");
    check(Paginate::cursor("", "a"), get(), "a cursor requires `name`");
    check(Paginate::offset(""), get(), "an offset requires `name`");
    check(Paginate::last_item("after", ""), get(), "a last item requires `name`, the parameter of its id");
    check(Paginate::link("next").response_path("a..b"), get(), "`a..b` is not a path such as");
    check(Paginate::cursor("c", "a[x]"), get(), "`a[x]` is not a path");
    check(Paginate::link("next").has_more("page.isLast"), get(), "`page.isLast` is its inverse: write `is_last`");
    check(Paginate::link("next").is_last("has_more"), get(), "`has_more` is its inverse: write `has_more`");
    let post = RequestSpec::new(Method::POST, "/x").body(Body::Json("[]".into()));
    check(Paginate::offset("o"), post, "neither a JSON object nor a form");
}

#[tokio::test]
async fn walk_resumes_from_its_resume_point() {
    let cursor = || Paginate::cursor("after", "next").response_path("items");
    let script = MockTransport::new([mock_json(r#"{"items":[1],"next":"b"}"#)]);
    let mut walk = start(&script, RequestSpec::get("/x"), cursor()).unwrap();
    let page = walk.next().await.unwrap().unwrap();
    assert_eq!((page.next(), page.sent_at() > crate::time::Timestamp::UNIX_EPOCH), (Some("b"), true));
    let resume_point = page.resume_point().unwrap().clone();
    assert!(!format!("{page:?} {walk:?}").contains("\"b\""), "{page:?} {walk:?}");

    let script = MockTransport::new([mock_json(r#"{"items":[2],"next":"b"}"#)]);
    let resumed = resume(&script, cursor(), resume_point.clone()).unwrap();
    assert!(read_all_pages(resumed).await[0].contains("leads to a cursor of an earlier page"));
    check_requests(&script, &["GET /x?after=b"]);

    let other = resume(&script, Paginate::link("next"), resume_point).unwrap_err();
    assert!(other.to_string().contains("another pagination method"));

    let link = ResumePoint::link(&"https://h.test/v1/x?cursor=c".parse().unwrap(), true);
    let script = MockTransport::new([mock_json("[3]")]);
    let resumed = resume(&script, Paginate::link("next"), link).unwrap();
    assert_eq!(read_all_pages(resumed).await, ["3"]);
    check_requests(&script, &["GET /x?cursor=c"]);
}

#[tokio::test]
async fn offset_has_no_resume_point_and_single_request_no_next_page() {
    let script = MockTransport::new([mock_json("[1]"), mock_json("[2]")]);
    let mut walk = start(&script, RequestSpec::get("/x"), Paginate::offset("o")).unwrap();
    let page = walk.next().await.unwrap().unwrap();
    assert_eq!((page.next(), page.resume_point()), (Some("1"), None));
    let single = Walk::new(script.client(BASE), RequestSpec::get("/x"), None, WalkOptions::default()).unwrap();
    assert_eq!(read_all_pages(single).await, ["2"]);
}

#[tokio::test]
async fn failed_page_can_be_requested_again() {
    let script = MockTransport::new([linked("</v1/x?c=2>; rel=next", "[1]"), unreachable_server(), mock_json("[2]")]);
    let mut walk = start(&script, RequestSpec::get("/x"), Paginate::link("next")).unwrap();
    walk.next().await.unwrap();
    let error = walk.next().await.unwrap_err().into_error();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert_eq!(read_all_pages(walk).await, ["2"]);
    check_requests(&script, &["GET /x", "GET /x?c=2", "GET /x?c=2"]);
}

#[tokio::test]
async fn null_body_is_not_an_empty_list() {
    for paginate in [Paginate::link("next"), Paginate::offset("skip")] {
        let script = MockTransport::new([mock_json("null")]);
        let mut walk = start(&script, RequestSpec::get("/x"), paginate).unwrap();
        let page = walk.next().await.and_then(|page| page.unwrap().records().map(|records| records.len()));
        let error = page.unwrap_err().to_string();
        assert!(error.contains("is not a list of records but null"), "{error}");
    }
}

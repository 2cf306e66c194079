//! Walks that follow links, in headers and in bodies.

use super::*;

#[tokio::test]
async fn link_header_is_followed() {
    let paginate = || Paginate::link("next").limit(2).limit_name("per_page");
    check(
        paginate(),
        vec![
            linked(r#"<https://h.test/v1/x?page=2>; rel="next""#, "[1,2]"),
            linked(r#"</v1/x?page=3>; rel="next""#, "[]"),
            linked(r#"</v1/x?page=1>; rel="first""#, "[3]"),
        ],
        &["1 2", "", "3"],
        &["GET /x?a=1&per_page=2", "GET /x?page=2", "GET /x?page=3"],
    )
    .await;
    check(paginate(), vec![mock_json("[]")], &[""], &["GET /x?a=1&per_page=2"]).await;
    let bad = vec![linked("<ftp://h.test/x>; rel=next", "[1]")];
    let error = "page 1 of GET https://h.test/v1/x has no usable link at `Link`: it is not an HTTP URL";
    check(Paginate::link("next"), bad, &[error], &["GET /x?a=1"]).await;
    let dots = vec![linked("</v1/%2e./y?page=2>; rel=next", "[1]")];
    let error =
        "page 1 of GET https://h.test/v1/x has no usable link at `Link`: its segment `%2e.` leads to another path";
    check(Paginate::link("next"), dots, &[error], &["GET /x?a=1"]).await;
}

#[tokio::test]
async fn link_in_body_is_followed() {
    let paginate = Paginate::link_in_body("links.next").response_path("data");
    check(
        paginate.clone(),
        vec![
            mock_json(r#"{"data":[1],"links":{"next":"https://h.test/v1/x?c=2"}}"#),
            mock_json(r#"{"data":[2],"links":{"next":"/y?c=3"}}"#),
            mock_json(r#"{"data":[],"links":{"next":"/v1/z?c=4"}}"#),
            mock_json(r#"{"data":[4],"links":{"next":"?c=5"}}"#),
            mock_json(r#"{"data":[],"links":{"next":" "}}"#),
        ],
        &["1", "2", "", "4"],
        &["GET /x?a=1", "GET /x?c=2", "GET /y?c=3", "GET /z?c=4", "GET /z?c=5"],
    )
    .await;
    let seven = vec![mock_json(r#"{"data":[1],"links":{"next":7}}"#)];
    let error = "page 1 of GET https://h.test/v1/x has no usable link at `links.next`: it is a number";
    check(paginate, seven, &[error], &["GET /x?a=1"]).await;
}

#[tokio::test]
async fn link_to_another_host_is_requested_without_credentials() {
    let script = MockTransport::new([
        linked("<https://evil.test/x?page=2>; rel=next", "[1]"),
        linked("<https://h.test/v1/x?page=3>; rel=next", "[2]"),
        mock_json("[3]"),
    ]);
    let request = RequestSpec::get("/x").header("x-api-key".parse().unwrap(), "secret".parse().unwrap());
    let walk = start(&script, request, Paginate::link("next")).unwrap();
    assert_eq!(read_all_pages(walk).await, ["1", "2", "3"]);
    let secrets: Vec<(bool, bool)> = script
        .sent()
        .iter()
        .map(|sent| (sent.headers.contains_key("authorization"), sent.headers.contains_key("x-api-key")))
        .collect();
    assert_eq!(secrets, [(true, true), (false, false), (true, true)]);
}

#[tokio::test]
async fn errors_and_debug_redact_links() {
    let to = "<https://me:secret@h.test/v1/x?c=secret>; rel=next";
    let script = MockTransport::new([linked(to, "[1]"), mock_response(200, &[], "{}")]);
    let mut walk = start(&script, RequestSpec::get("/x"), Paginate::link("next")).unwrap();
    let page = walk.next().await.unwrap().unwrap();
    assert!(page.next().is_some_and(|next| next.contains("secret")));
    let shown = format!("{page:?} {walk:?}");
    assert!(!shown.contains("secret"), "{shown}");
    let error = walk.next().await.unwrap_err().to_string();
    assert!(error.contains("https://h.test/v1/x") && !error.contains("secret"), "{error}");
}

//! Requests that are valid HTTP, but whose parameters, headers or body are hostile: they are errors of the client.

use nango_tests::{ApiServer, Registry};
use serde_json::Value;

use super::{exchange, head, statuses, stop};

/// Text in hostile requests that must not be in the log.
const HUSH: &str = "hush";

/// Headers that some routes require.
const NAMES: &str = "provider-config-key: github\r\nconnection-id: hush\r\n";

/// Sends a request with a body on a connection of its own, and returns the status and the code of its error.
#[track_caller]
fn refusal(server: &ApiServer, target: &str, body: &[u8]) -> (u16, String) {
    let length = body.len();
    let head = head("POST", target, &format!("{NAMES}connection: close\r\ncontent-length: {length}\r\n"));
    let answers = exchange(server, [head.as_bytes(), body].concat());
    assert_eq!(answers.len(), 1, "{target}");
    (answers[0].status, answers[0].refused(answers[0].status))
}

/// Returns numbers between two texts, one after another.
fn numbered(count: usize, before: &str, after: &str) -> String {
    (0..count).flat_map(|index| [before.to_owned(), index.to_string(), after.to_owned()]).collect()
}

#[test]
fn body_that_is_not_json_of_its_type_is_an_error_of_the_client() {
    let mut registry = Registry::new();
    let server = ApiServer::start(&mut registry);
    let nested = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
    let utf16: Vec<u8> = "{\"hush\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let digits = "1".repeat(400);
    let in_metadata = |value: &str| {
        format!("{{\"provider_config_key\":\"github\",\"connection_id\":\"hush\",\"metadata\":{{\"hush\":{value}}}}}")
    };
    let bodies: &[(&str, Vec<u8>)] = &[
        ("deep lists", nested("[", "]").into()),
        ("deep objects", nested("{\"a\":", "}").into()),
        ("lists without an end", "[".repeat(100_000).into()),
        ("deep metadata", in_metadata(&nested("[", "]")).into()),
        ("a number beyond the range", in_metadata("1e400").into()),
        ("400 digits", in_metadata(&digits).into()),
        ("400 digits after the point", in_metadata(&format!("0.{digits}")).into()),
        ("digits that would be lost", in_metadata("12345678901234567890123").into()),
        ("a number with a leading zero", in_metadata("01").into()),
        ("NaN", in_metadata("NaN").into()),
        ("a repeated key", in_metadata("1").replace("\"metadata\"", "\"connection_id\":\"b\",\"metadata\"").into()),
        ("invalid UTF-8", [b"{\"metadata\":{\"hush\":\"".as_slice(), b"\xff\xfe\"}}"].concat()),
        ("invalid UTF-8 in a key", [b"{\"".as_slice(), b"\xc0\xaf\":1}"].concat()),
        ("a surrogate in UTF-8", [b"{\"hush\":\"".as_slice(), b"\xed\xa0\x80\"}"].concat()),
        ("a lone surrogate", in_metadata(r#""\ud800""#).into()),
        ("a reversed pair of surrogates", in_metadata(r#""\udc00\ud800""#).into()),
        ("UTF-16", utf16.clone()),
        ("UTF-16 with its mark", [&[0xff, 0xfe], utf16.as_slice()].concat()),
        ("a byte order mark", [b"\xef\xbb\xbf".as_slice(), in_metadata("1").as_bytes()].concat()),
        ("a zero byte", in_metadata("\"\0\"").into()),
        (
            "an escaped zero byte in an id",
            br#"{"connection_id":"hush\u0000","provider_config_key":"a","metadata":{}}"#.into(),
        ),
        ("zero bytes", vec![0; 1_000]),
        ("nothing", Vec::new()),
        ("spaces", b" \r\n\t".into()),
        ("null", b"null".into()),
        ("a list", b"[]".into()),
        ("a list of the values of the fields", br#"["hush","github",{}]"#.into()),
        ("a text", b"\"hush\"".into()),
        ("a number", b"1".into()),
        ("two objects", b"{}{}".into()),
        ("a comment", b"{/*hush*/}".into()),
        ("a comma at the end", b"{\"hush\":1,}".into()),
        ("an unknown key", b"{\"hush\":1}".into()),
        ("a key of prototypes", br#"{"__proto__":{"hush":1}}"#.into()),
    ];
    let mut accepted = Vec::new();
    for (name, body) in bodies {
        for target in ["/connections/metadata", "/sync/trigger", "/action/trigger"] {
            let (status, code) = refusal(&server, target, body);
            if status != 400 || !matches!(code.as_str(), "invalid_json" | "invalid_body") {
                accepted.push(format!("{name}: {target}: {status} {code}"));
            }
        }
    }
    assert!(accepted.is_empty(), "{accepted:#?}");
    stop(server, &[HUSH]);
}

#[test]
fn metadata_with_any_text_is_stored_and_returned_as_sent() {
    let mut registry = Registry::new();
    registry.connect("github", "acme");
    let server = ApiServer::start(&mut registry);
    let metadata =
        r#"{"\u0000":"a\u0000b","é😀\ud83d\ude00":["\u001f","\u2028","\uffff",1e308,-0.0,9223372036854775807]}"#;
    let body = format!(r#"{{"provider_config_key":"github","connection_id":"acme","metadata":{metadata}}}"#);
    server.request(reqwest::Method::POST, "/connections/metadata").text("application/json", body).send().expect(201);
    let stored = server.get("/connections/acme?provider_config_key=github").expect(200);
    assert_eq!(stored["metadata"], serde_json::from_str::<Value>(metadata).expect("JSON"));
    stop(server, &["\u{1f600}"]);
}

#[test]
fn many_parameters_and_headers_are_refused() {
    let mut registry = Registry::new();
    let server = ApiServer::start_configured(&mut registry, "head_bytes = \"1MiB\"\n");
    let records = |query: &str| head("GET", &format!("/records?model=A&{query}"), "connection: close\r\n");
    for (name, query) in [
        ("many parameters", numbered(10_000, "a", "&")),
        ("many empty parameters", "=&".repeat(10_000)),
        ("a parameter that is repeated", "model=hush&".repeat(900)),
        ("a parameter that is repeated often", "model=hush&".repeat(5_000)),
        ("a long name", "hush".repeat(15_000) + "=1"),
        ("a long value", "cursor=".to_owned() + &"hush".repeat(15_000)),
        ("many brackets", "tags".to_owned() + &"[hush]".repeat(5_000) + "=1"),
        ("many keys of a map", numbered(900, "tags[hush", "]=1&")),
        ("many values of a list", "ids[]=hush&".repeat(900)),
    ] {
        let answers = exchange(&server, records(&query));
        assert_eq!(statuses(&answers), [400], "{name}");
        assert_eq!(answers[0].refused(400), "invalid_query_params", "{name}");
    }
    // What the HTTP parser refuses has no body.
    let long = exchange(&server, records(&"x".repeat(70_000)));
    assert_eq!((statuses(&long), long[0].body.len()), (vec![414], 0));
    let headers = |count: usize| {
        let lines = numbered(count, "x-", ": hush\r\n");
        exchange(&server, head("GET", "/providers/github", &format!("connection: close\r\n{lines}")))
    };
    assert_eq!(statuses(&headers(97)), [200]);
    for count in [98, 1_000, 50_000] {
        let refused = headers(count);
        assert_eq!((statuses(&refused), refused[0].body.len()), (vec![431], 0), "{count} headers");
    }
    let repeated = exchange(
        &server,
        head(
            "GET",
            "/providers/github",
            &("connection: close\r\n".to_owned() + &"authorization: Bearer hush\r\n".repeat(90)),
        ),
    );
    assert_eq!(repeated[0].status, 401);
    stop(server, &[HUSH]);
}

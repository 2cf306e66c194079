use nango_core::prelude::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// Parsed response of the stand-in.
struct Reply {
    status: u16,
    head: String,
    body: Value,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// Returns the URL of a relation in the `Link` header, without scheme and host.
    fn link(&self, standin: &Standin, rel: &str) -> Option<String> {
        let link = self.header("link")?.split(", ").find(|link| link.ends_with(&format!("; rel=\"{rel}\"")))?;
        let address = link.strip_prefix('<')?.split('>').next()?;
        Some(address.strip_prefix(standin.url()).expect("a link to the stand-in itself").to_owned())
    }

    fn numbers(&self) -> Vec<u64> {
        self.body.as_array().expect("a list").iter().filter_map(|issue| issue["number"].as_u64()).collect()
    }
}

async fn send(standin: &Standin, line: &str, headers: &[&str], body: &str) -> Reply {
    let address = standin.url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let headers = [&["accept: application/json"], headers].concat().join("\r\n");
    let request = format!(
        "{line} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Reply { status, head: head.to_owned(), body: body.parse().unwrap() }
}

async fn get(standin: &Standin, target: &str) -> Reply {
    send(standin, &format!("GET {target}"), &["user-agent: tests"], "").await
}

async fn write(standin: &Standin, line: &str, body: &str) -> Reply {
    send(standin, line, &["user-agent: tests", "authorization: Bearer demo"], body).await
}

#[tokio::test]
async fn demo_repository_lists_seven_issues() {
    let standin = Standin::start().await.unwrap();
    let target = "/repos/NangoHQ/interactive-demo/issues?labels=demo&sort=created&direction=asc";
    let first = get(&standin, target).await;
    assert_eq!((first.status, first.numbers()), (200, vec![1, 2, 3, 4, 5, 6, 7]));
    assert_eq!(first.header("link"), None);
    assert_eq!(first.body[0]["html_url"], "https://github.example/NangoHQ/interactive-demo/issues/1");
    assert_eq!(first.body[0]["created_at"], "2026-01-05T09:00:00Z");

    let second = Standin::start().await.unwrap();
    assert_eq!(get(&second, target).await.body, first.body, "seeds are deterministic");
}

#[tokio::test]
async fn list_is_filtered_and_sorted() {
    let standin = Standin::start().await.unwrap();
    #[rustfmt::skip]
    let cases: [(&str, &[u64]); 10] = [
        ("per_page=3", &[25, 24, 23]),
        ("per_page=3&direction=asc", &[1, 2, 3]),
        ("per_page=3&direction=asc&page=2", &[4, 5, 6]),
        ("per_page=3&page=99", &[]),
        ("state=closed", &[28, 27, 26]),
        ("state=all&per_page=2", &[28, 27]),
        ("labels=bug&per_page=2", &[25, 22]),
        ("labels=BUG,%20documentation", &[]),
        ("sort=updated&per_page=3", &[24, 21, 25]),
        ("since=2026-02-12T00:00:00Z&sort=updated&direction=asc", &[25, 21, 24]),
    ];
    for (query, expect) in cases {
        let page = get(&standin, &format!("/repos/octo-org/hello-world/issues?{query}")).await;
        assert_eq!((page.status, page.numbers()), (200, expect.to_vec()), "{query}");
    }
    assert_eq!(get(&standin, "/repos/OCTO-org/Hello-World/issues?per_page=500").await.numbers().len(), 25);
}

#[tokio::test]
async fn link_headers_lead_through_all_pages() {
    let standin = Standin::start().await.unwrap();
    let mut target = "/repos/octo-org/hello-world/issues?per_page=10&state=open".to_owned();
    let mut pages = Vec::new();
    loop {
        let page = get(&standin, &target).await;
        pages.push(page.numbers().len());
        let Some(next) = page.link(&standin, "next") else {
            assert_eq!(page.link(&standin, "last"), None);
            assert_eq!(page.link(&standin, "prev").unwrap(), target.replace("page=3", "page=2"));
            assert_eq!(page.link(&standin, "first").unwrap(), target.replace("page=3", "page=1"));
            break;
        };
        assert_eq!(next, format!("/repositories/4202/issues?per_page=10&state=open&page={}", pages.len() + 1));
        assert_eq!(
            page.link(&standin, "last").unwrap(),
            next.replace(&format!("&page={}", pages.len() + 1), "&page=3")
        );
        target = next;
    }
    assert_eq!(pages, [10, 10, 5]);
}

#[tokio::test]
async fn issue_is_created_edited_and_deleted() {
    let standin = Standin::start().await.unwrap();
    let issues = format!("/repos/{DEMO_REPOSITORY}/issues");
    let body = json!({ "title": "[demo] Hello", "body": "Text.", "labels": ["automatic"] }).to_string();
    let created = write(&standin, &format!("POST {issues}"), &body).await;
    assert_eq!((created.status, &created.body["number"]), (201, &json!(10)));
    assert_eq!(created.header("location"), Some(format!("{}{issues}/10", standin.url()).as_str()));
    let labels: Vec<&Value> = created.body["labels"].as_array().unwrap().iter().map(|label| &label["name"]).collect();
    assert_eq!(labels, ["automatic", "demo"]);
    assert_eq!(get(&standin, &format!("{issues}?labels=demo")).await.numbers(), [10, 7, 6, 5, 4, 3, 2, 1]);

    let edited = write(&standin, &format!("PATCH {issues}/10"), r#"{"body":null,"state":"closed"}"#).await;
    let fields = ["title", "body", "state", "state_reason"].map(|field| edited.body[field].clone());
    assert_eq!(fields, [json!("[demo] Hello"), Value::Null, json!("closed"), json!("completed")]);
    assert!(edited.body["updated_at"].as_str() > created.body["updated_at"].as_str());

    assert!(standin.edit_issue(DEMO_REPOSITORY, 2, "Another title"));
    assert_eq!(get(&standin, &format!("{issues}/2")).await.body["title"], "Another title");
    assert!(standin.delete_issue(DEMO_REPOSITORY, 2));
    assert_eq!(get(&standin, &format!("{issues}/2")).await.status, 410);
    assert_eq!(get(&standin, &format!("{issues}?labels=demo")).await.numbers(), [7, 6, 5, 4, 3, 1]);
    assert!(!standin.delete_issue(DEMO_REPOSITORY, 2) && !standin.edit_issue(DEMO_REPOSITORY, 99, "Nothing"));
    assert!(standin.restore_issue(DEMO_REPOSITORY, 2) && !standin.restore_issue(DEMO_REPOSITORY, 2));
    assert_eq!(get(&standin, &format!("{issues}/2")).await.body["title"], "Another title");
    assert_eq!(standin.add_issue(DEMO_REPOSITORY, "Upstream", &["demo"]), Some(11), "no number is reused");
    assert_eq!(standin.add_issue("no/body", "Upstream", &[]), None);
    let pull = standin.add_pull_request(PAGED_REPOSITORY, "A change").unwrap();
    let shown = get(&standin, &format!("/repos/{PAGED_REPOSITORY}/issues/{pull}")).await.body;
    assert_eq!(shown["pull_request"]["html_url"], shown["html_url"]);
}

#[tokio::test]
async fn repository_is_returned() {
    let standin = Standin::start().await.unwrap();
    let shown = get(&standin, "/repos/octo-org/hello-world").await;
    assert_eq!((shown.status, &shown.body["full_name"]), (200, &json!(PAGED_REPOSITORY)));
    assert_eq!(shown.body["open_issues_count"], 25);
    assert_eq!(get(&standin, "/repos/octo-org/goodbye").await.status, 404);
}

#[tokio::test]
async fn errors_have_github_json_format() {
    let standin = Standin::start().await.unwrap();
    let issues = "/repos/NangoHQ/interactive-demo/issues";
    let named = "user-agent: tests";
    let known = "authorization: Bearer demo";
    #[rustfmt::skip]
    let cases: [(&str, &[&str], &str, u16, &str); 14] = [
        ("GET /unknown", &[named], "", 404, "Not Found"),
        ("DELETE /user", &[named], "", 404, "Not Found"),
        ("GET /repos/no/body/issues", &[named], "", 404, "Not Found"),
        ("GET /repositories/x/issues", &[named], "", 404, "Not Found"),
        ("GET /repos/NangoHQ/interactive-demo/issues/0", &[named], "", 404, "Not Found"),
        ("GET /repos/NangoHQ/interactive-demo/issues?state=shut", &[named], "", 422, "Validation Failed"),
        ("GET /repos/NangoHQ/interactive-demo/issues?since=monday", &[named], "", 422, "Validation Failed"),
        ("GET /user", &[named], "", 401, "Requires authentication"),
        ("POST /repos/NangoHQ/interactive-demo/issues", &[named], "{}", 401, "Requires authentication"),
        ("POST /repos/NangoHQ/interactive-demo/issues", &[named, known], "{", 400, "Problems parsing JSON"),
        ("POST /repos/NangoHQ/interactive-demo/issues", &[named, known], "[]", 400, "Body should be a JSON object"),
        ("POST /repos/NangoHQ/interactive-demo/issues", &[named, known], "{}", 422, "Validation Failed"),
        ("PATCH /repos/octo-org/hello-world/issues/1", &[named, known], r#"{"title":" "}"#, 422, "Validation Failed"),
        ("PATCH /repos/NangoHQ/interactive-demo/issues/99", &[named, known], "{}", 404, "Not Found"),
    ];
    for (line, headers, body, status, message) in cases {
        let reply = send(&standin, line, headers, body).await;
        assert_eq!((reply.status, &reply.body["message"]), (status, &json!(message)), "{line} {body}");
        assert_eq!(reply.body["status"], status.to_string(), "{line} {body}");
    }
    let nameless = send(&standin, &format!("GET {issues}"), &[], "").await;
    assert_eq!(nameless.status, 403);
}

#[tokio::test]
async fn responses_have_headers_and_requests_are_recorded() {
    let standin = Standin::start().await.unwrap();
    let user = send(&standin, "GET /user?a=1&b", &["user-agent: tests", "authorization: Bearer secret"], "").await;
    assert_eq!(user.body["login"], "ada-demo");
    assert_eq!(user.header("date"), Some("Fri, 06 Mar 2026 09:00:01 GMT"));
    assert_eq!(user.header("x-ratelimit-remaining"), Some("4999"));
    let next = get(&standin, "/unknown").await;
    assert_eq!(next.header("date"), Some("Fri, 06 Mar 2026 09:00:02 GMT"));
    assert_eq!((next.header("x-ratelimit-used"), next.header("x-ratelimit-reset")), (Some("2"), Some("1772791200")));
    let seen = |path: &str, query: &str, authorized| ReceivedRequest {
        method: "GET".to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        authorized,
    };
    assert_eq!(standin.requests(), [seen("/user", "a=1&b", true), seen("/unknown", "", false)]);
    assert!(!format!("{standin:?}").contains("secret"));
}

#[tokio::test]
async fn server_stops() {
    let standin = Standin::start().await.unwrap();
    let address = standin.url().strip_prefix("http://").unwrap().to_owned();
    standin.stop().await.unwrap();
    assert!(TcpStream::connect(&address).await.is_err());
}

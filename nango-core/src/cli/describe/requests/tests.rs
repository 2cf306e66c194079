use std::borrow::Cow;

use super::*;
use crate::{
    cli::terminal::tests::captured_terminal,
    declare::{ListMethod, ListRequest, MapRecord},
};

static ERRORS: [ErrorAt; 1] = [ErrorAt {
    path: Cow::Borrowed("ok"),
    is: Some(ErrorValue::Bool(false)),
    message: Some(Cow::Borrowed("error")),
    partial: false,
    fatal: Cow::Borrowed(&[]),
}];

fn mapper(paginate: Option<Paginate>) -> Mapper {
    Mapper {
        endpoint: Endpoint::Metadata(|_| Ok(String::new()), "/v1/{id}/query"),
        request: ListRequest {
            method: ListMethod::Post,
            query_names: &["status"],
            header_names: &["Api-Version"],
            ..ListRequest::GET
        },
        paginate,
        retries: 3,
        since: Some(Since {
            param: "since",
            format: SinceFormat::Unix,
            from: SinceFrom::Field("updated_at"),
            overlap: 120,
            full_every: Some(60),
        }),
        on_invalid: OnInvalid::Skip,
        each: None,
        delta: None,
        errors: &ERRORS,
        map: MapRecord::Plain(|_, _| Ok(())),
    }
}

#[test]
fn requests_of_a_mapper_are_described() {
    let paginate = Paginate::cursor("after", "next").limit(100).response_path("items").has_more("more");
    let (mut terminal, out, _) = captured_terminal(false);
    Requests::of(&mapper(Some(paginate))).print(&mut terminal).unwrap();
    assert_eq!(
        out.text(),
        "request   POST /v1/{id}/query\nquery     status\nheaders   Api-Version\nnext page parameter `after` with \
         the value at `next`\nlimit     100 records\nlist      at `items` of a response\nend       has_more `more`\n\
         since     parameter `since` (unix), from field:updated_at, minus 120 s; a full run every 60 s\n\
         error     `ok` is false, message at `error`\nretries   3 of a request\n\
         invalid   a record that does not fit its type is skipped\n"
    );
}

#[test]
fn every_kind_of_pages_has_a_text() {
    let check = |paginate: Paginate, kind: &str, expect: &str| {
        let pages = Pages::of(&paginate);
        assert_eq!((pages.kind, pages.next_text().as_str()), (kind, expect));
    };
    check(Paginate::link("next"), "link", "the `Link` header with rel `next`");
    check(Paginate::link_in_body("paging.next"), "link", "the URL at `paging.next`");
    check(Paginate::last_item("after", "id"), "last_item", "parameter `after` with `id` of the last record");
    check(Paginate::offset("page").start(1), "offset", "parameter `page` counts records from 1");
    check(Paginate::provider(), "provider", "as the provider's entry declares it");
    assert!(serde_json::to_value(Requests::of(&mapper(None))).unwrap()["pages"].is_null());
}

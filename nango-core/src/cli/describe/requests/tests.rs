use std::borrow::Cow;

use super::*;
use crate::{
    cli::terminal::tests::captured_terminal,
    declare::{
        Delta, DeltaPosition, Each, EachRequest, EachScope, ListMethod, ListRequest, MapRecord, OnParentError,
        ParentSource, SharedMetadata, SharedParent,
    },
};

static ERRORS: [ErrorAt; 1] = [ErrorAt {
    path: Cow::Borrowed("ok"),
    is: Some(ErrorValue::Bool(false)),
    message: Some(Cow::Borrowed("error")),
    partial: false,
    fatal: Cow::Borrowed(&[Cow::Borrowed("invalid_auth")]),
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
         error     `ok` is false, message at `error`; fatal invalid_auth\nretries   3 of a request\n\
         invalid   a record that does not fit its type is skipped\n"
    );
}

fn text(mapper: &Mapper) -> String {
    let (mut terminal, out, _) = captured_terminal(false);
    Requests::of(mapper).print(&mut terminal).unwrap();
    out.text()
}

fn delta(position: DeltaPosition, initial_names: &'static [&'static str], end: Option<&'static str>) -> &'static Delta {
    Box::leak(Box::new(Delta { position, initial: None, initial_names, end, expired: &[400, 410] }))
}

#[test]
fn parents_and_positions_are_described() {
    let list = |_: &SharedMetadata| Ok(Vec::new());
    let each = |parents, on_error| {
        let body = Some((|_: &EachScope| Ok(Vec::new())) as fn(&EachScope) -> _);
        let request = EachRequest { body, ..EachRequest::NONE };
        &*Box::leak(Box::new(Each { parents, at_once: 8, on_error, metadata: None, request }))
    };
    let repos = ParentSource::Metadata { path: "metadata.repos", list };
    let position = DeltaPosition::Param { param: "cursor", path: "after" };
    let of_list = Mapper {
        each: Some(each(repos, OnParentError::Skip)),
        delta: Some(delta(position, &["start_time"], Some("done"))),
        since: None,
        ..mapper(None)
    };
    let got = text(&of_list);
    for line in [
        "body      declared by the attribute\n",
        "delta     parameter `cursor` with the value at `after`; without a position start_time; the last page has \
         `done`; expired if status 400, 410\n",
        "parents   one list for each of the elements of `metadata.repos`; 8 at once\n",
        "skipped   a parent whose list cannot be read\n",
    ] {
        assert!(got.contains(line), "no {line} in {got}");
    }
    let json = serde_json::to_value(Requests::of(&of_list)).unwrap();
    assert_eq!((&json["each"]["list"], &json["delta"]["param"]), (&"metadata.repos".into(), &"cursor".into()));

    let parents = ParentSource::Model {
        model: crate::cli::lookup::tests::MODELS[0],
        variant: Some("eu"),
        decode: |_| Ok(SharedParent::new(())),
    };
    let of_model = Mapper {
        each: Some(each(parents, OnParentError::Standard)),
        delta: Some(delta(DeltaPosition::Link { path: "@odata.deltaLink" }, &[], None)),
        ..mapper(None)
    };
    let got = text(&of_model);
    for line in [
        "delta     the URL at `@odata.deltaLink`; expired if status 400, 410\n",
        "parents   one list for each of the records of `Issue`, variant `eu`; 8 at once\n",
        "skipped   a parent whose list has status 403, 404 or 410, or a declared error that is not fatal\n",
    ] {
        assert!(got.contains(line), "no {line} in {got}");
    }
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

#[test]
fn position_of_feed_with_end_is_cursor_of_pages() {
    let position = DeltaPosition::Param { param: "cursor", path: "after_cursor" };
    let feed = Mapper {
        paginate: Some(Paginate::provider()),
        delta: Some(delta(position, &["start_time"], Some("end_of_stream"))),
        ..mapper(None)
    };
    let got = text(&feed);
    for line in
        ["next page parameter `cursor` with the value at `after_cursor`\n", "end       is_last `end_of_stream`\n"]
    {
        assert!(got.contains(line), "no {line} in {got}");
    }
}

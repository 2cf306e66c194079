//! Responses of the APIs according to their public documentation.

use serde_json::{Value, json};

use super::Reply;

pub(super) type Pages<'a> = &'a [&'a [&'a str]];

/// Returns the records of a page.
pub(super) fn records(ids: &[&str]) -> Value {
    ids.iter().map(|id| json!({ "id": id })).collect()
}

/// Builds a response for each page. The arguments of `body` are the number of the page from 0, its records, and whether
/// it is the last.
fn reply_per_page(pages: Pages<'_>, path: &'static str, body: impl Fn(usize, Value, bool) -> Value) -> Vec<Reply> {
    let last = pages.len() - 1;
    let reply = |(at, ids): (usize, &&[&str])| Reply {
        path,
        status: 200,
        link: None,
        body: body(at, records(ids), at == last),
    };
    pages.iter().enumerate().map(reply).collect()
}

/// Builds a response for each page, with the list as the body and a `Link` header.
fn linked(pages: Pages<'_>, path: &'static str, link: impl Fn(usize, bool) -> String) -> Vec<Reply> {
    let mut replies = reply_per_page(pages, path, |_, records, _| records);
    let last = replies.len() - 1;
    for (at, reply) in replies.iter_mut().enumerate() {
        reply.link = Some(link(at, at == last)).filter(|link| !link.is_empty());
    }
    replies
}

pub(super) fn github(pages: Pages<'_>) -> Vec<Reply> {
    let url = "https://api.test/repositories/7/issues?per_page=2&page";
    let last = pages.len();
    let mut replies = linked(pages, "/repositories/7/issues", |at, is_last| {
        if is_last {
            format!(r#"<{url}={at}>; rel="prev", <{url}=1>; rel="first""#)
        } else {
            format!(r#"<{url}={}>; rel="next", <{url}={last}>; rel="last""#, at + 2)
        }
    });
    replies[0].path = "/repos/o/r/issues";
    replies
}

/// Keyset pagination: after the last record an empty page without a link.
pub(super) fn gitlab(pages: Pages<'_>) -> Vec<Reply> {
    let with_end: Vec<&[&str]> = pages.iter().copied().chain([&[][..]]).collect();
    linked(&with_end, "/api/v4/projects", |at, is_last| {
        let url = "https://api.test/api/v4/projects?pagination=keyset&per_page=2&order_by=id&sort=asc";
        if is_last { String::new() } else { format!(r#"<{url}&id_after={}>; rel="next""#, (at + 1) * 10) }
    })
}

pub(super) fn shopify(pages: Pages<'_>) -> Vec<Reply> {
    linked(pages, "/admin/api/products.json", |_, is_last| {
        let url = "https://api.test/admin/api/products.json?limit=2&page_info";
        if is_last { format!(r#"<{url}=before>; rel="previous""#) } else { format!(r#"<{url}=behind>; rel="next""#) }
    })
    .into_iter()
    .map(|reply| Reply { body: json!({ "products": reply.body }), ..reply })
    .collect()
}

pub(super) fn hubspot(pages: Pages<'_>) -> Vec<Reply> {
    reply_per_page(pages, "/crm/v3/objects/contacts", |_, records, is_last| {
        if is_last {
            json!({ "results": records })
        } else {
            let next = json!({ "after": "NTI1Cg%3D%3D", "link": "?after=NTI1Cg%3D%3D" });
            json!({ "results": records, "paging": { "next": next } })
        }
    })
}

pub(super) fn stripe(pages: Pages<'_>) -> Vec<Reply> {
    reply_per_page(
        pages,
        "/v1/customers",
        |_, records, is_last| json!({ "object": "list", "url": "/v1/customers", "has_more": !is_last, "data": records }),
    )
}

pub(super) fn notion(pages: Pages<'_>) -> Vec<Reply> {
    reply_per_page(pages, "/v1/users", |_, records, is_last| {
        let next = if is_last { Value::Null } else { json!("f4ef5d13-54e1-4d3a-a5f8-3d1f2d1e4c3b") };
        json!({ "object": "list", "results": records, "next_cursor": next, "has_more": !is_last, "type": "user" })
    })
}

pub(super) fn slack(pages: Pages<'_>) -> Vec<Reply> {
    reply_per_page(pages, "/users.list", |_, records, is_last| {
        let next = if is_last { "" } else { "dXNlcjpVMEc5V0ZYTlo=" };
        let metadata = json!({ "next_cursor": next });
        json!({ "ok": true, "members": records, "cache_ts": 1_498_777_272, "response_metadata": metadata })
    })
}

pub(super) fn google(pages: Pages<'_>) -> Vec<Reply> {
    reply_per_page(pages, "/calendar/v3/calendars/primary/events", |_, records, is_last| {
        if is_last {
            json!({ "kind": "calendar#events", "items": records, "nextSyncToken": "CPDAlvWDx70CEPDAlvWDx70CGAU=" })
        } else {
            json!({ "kind": "calendar#events", "items": records, "nextPageToken": "CigKGmFkNHNjaGVk" })
        }
    })
}

/// A page without messages lacks the list.
pub(super) fn gmail(pages: Pages<'_>) -> Vec<Reply> {
    reply_per_page(pages, "/gmail/v1/users/me/messages", |_, records, is_last| {
        let count = records.as_array().map_or(0, Vec::len);
        let mut body = json!({ "resultSizeEstimate": count });
        if count > 0 {
            body["messages"] = records;
        }
        if !is_last {
            body["nextPageToken"] = json!("09876543210987654321");
        }
        body
    })
}

pub(super) fn graph(pages: Pages<'_>) -> Vec<Reply> {
    reply_per_page(pages, "/v1.0/users", |_, records, is_last| {
        let mut body = json!({ "@odata.context": "https://api.test/v1.0/$metadata#users", "value": records });
        if !is_last {
            body["@odata.nextLink"] = json!("https://api.test/v1.0/users?$top=2&$skiptoken=RFNwdAIAAQAA");
        }
        body
    })
}

pub(super) fn salesforce(pages: Pages<'_>) -> Vec<Reply> {
    const LOCATOR: &str = "/services/data/v60.0/query/01gRO0000016PIAYA2-2";
    let mut replies = reply_per_page(pages, LOCATOR, |_, records, is_last| {
        if is_last {
            json!({ "totalSize": 4, "done": true, "records": records })
        } else {
            json!({ "totalSize": 4, "done": false, "nextRecordsUrl": LOCATOR, "records": records })
        }
    });
    replies[0].path = "/services/data/v60.0/query";
    replies
}

pub(super) fn zendesk(pages: Pages<'_>) -> Vec<Reply> {
    reply_per_page(pages, "/api/v2/tickets.json", |_, records, is_last| {
        let next = "https://api.test/api/v2/tickets.json?page[size]=100&page[after]=eyJvIjoi";
        let next = if is_last { Value::Null } else { json!(next) };
        let meta = json!({ "has_more": !is_last, "after_cursor": "eyJvIjoi", "before_cursor": "eyJpIjoi" });
        json!({ "tickets": records, "meta": meta, "links": { "next": next, "prev": null } })
    })
}

/// The limit of the API is lower than the requested limit.
pub(super) fn jira(pages: Pages<'_>) -> Vec<Reply> {
    let total: usize = pages.iter().map(|ids| ids.len()).sum();
    reply_per_page(
        pages,
        "/rest/api/3/project/search",
        |at, records, is_last| json!({ "maxResults": 2, "startAt": 2 * at, "total": total, "isLast": is_last, "values": records }),
    )
}

/// A request after the last page is refused.
pub(super) fn wordpress(pages: Pages<'_>) -> Vec<Reply> {
    let mut replies = reply_per_page(pages, "/wp-json/wp/v2/posts", |_, records, _| records);
    let body = json!({ "code": "rest_post_invalid_page_number", "message": "…", "data": { "status": 400 } });
    replies.push(Reply { path: "/wp-json/wp/v2/posts", status: 400, link: None, body });
    replies
}

pub(super) fn django(pages: Pages<'_>) -> Vec<Reply> {
    let total: usize = pages.iter().map(|ids| ids.len()).sum();
    reply_per_page(pages, "/items/", |at, records, is_last| {
        let page = |number: usize| json!(format!("https://api.test/items/?page={number}"));
        let next = if is_last { Value::Null } else { page(at + 2) };
        let previous = if at == 0 { Value::Null } else { page(at) };
        json!({ "count": total, "next": next, "previous": previous, "results": records })
    })
}

/// Pagination by page number: after the last page the API responds with 404.
pub(super) fn django_pages(pages: Pages<'_>) -> Vec<Reply> {
    let mut replies = django(pages);
    replies.push(Reply { path: "/items/", status: 404, link: None, body: json!({ "detail": "Invalid page." }) });
    replies
}

pub(super) fn single_list(pages: Pages<'_>) -> Vec<Reply> {
    reply_per_page(&[&pages.concat()], "/labels", |_, records, _| records)
}

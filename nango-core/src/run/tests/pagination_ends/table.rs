//! Table of the lists, each with its requests and its end.

use super::{
    ApiCase, Reply,
    replies::{
        Pages, django, django_pages, github, gitlab, gmail, google, graph, hubspot, jira, notion, salesforce, shopify,
        single_list, slack, stripe, wordpress, zendesk,
    },
};
use crate::{
    declare::{OffsetBy, Paginate, Pagination},
    paginate::Completion,
};

pub(super) fn api_cases() -> Vec<ApiCase> {
    use Completion::{EndStatus, HasMoreFalse, NoNextPage, SingleRequest};
    use Pagination::{Position, Token};

    let preset = || Some(Paginate::provider().limit(2));
    vec![
        ApiCase {
            name: "GitHub",
            preset: Some("github"),
            paginate: preset(),
            endpoint: "/repos/o/r/issues",
            serve: github,
            requests: &["/repos/o/r/issues?per_page=2", "/repositories/7/issues?per_page=2&page=2"],
            end: NoNextPage,
            pagination: Position,
        },
        ApiCase {
            name: "GitLab",
            preset: Some("gitlab"),
            paginate: preset(),
            endpoint: "/api/v4/projects?pagination=keyset&order_by=id&sort=asc",
            serve: gitlab,
            requests: &[
                "/api/v4/projects?pagination=keyset&order_by=id&sort=asc&per_page=2",
                "/api/v4/projects?pagination=keyset&per_page=2&order_by=id&sort=asc&id_after=10",
                "/api/v4/projects?pagination=keyset&per_page=2&order_by=id&sort=asc&id_after=20",
            ],
            end: NoNextPage,
            pagination: Token,
        },
        ApiCase {
            name: "HubSpot",
            preset: Some("hubspot"),
            paginate: preset(),
            endpoint: "/crm/v3/objects/contacts",
            serve: hubspot,
            requests: &["/crm/v3/objects/contacts?limit=2", "/crm/v3/objects/contacts?limit=2&after=NTI1Cg%3D%3D"],
            end: NoNextPage,
            pagination: Token,
        },
        ApiCase {
            name: "Stripe",
            preset: Some("stripe"),
            paginate: preset(),
            endpoint: "/v1/customers",
            serve: stripe,
            requests: &["/v1/customers?limit=2", "/v1/customers?limit=2&starting_after=r2"],
            end: HasMoreFalse,
            pagination: Token,
        },
        ApiCase {
            name: "Notion",
            preset: Some("notion"),
            paginate: preset(),
            endpoint: "/v1/users",
            serve: notion,
            requests: &[
                "/v1/users?page_size=2",
                "/v1/users?page_size=2&start_cursor=f4ef5d13-54e1-4d3a-a5f8-3d1f2d1e4c3b",
            ],
            end: HasMoreFalse,
            pagination: Token,
        },
        ApiCase {
            name: "Slack",
            preset: Some("slack"),
            paginate: Some(Paginate::provider().limit(2).response_path("members")),
            endpoint: "/users.list",
            serve: slack,
            requests: &["/users.list?limit=2", "/users.list?limit=2&cursor=dXNlcjpVMEc5V0ZYTlo="],
            end: NoNextPage,
            pagination: Token,
        },
        ApiCase {
            name: "Google Calendar",
            preset: Some("google-calendar"),
            paginate: preset(),
            endpoint: "/calendar/v3/calendars/primary/events",
            serve: google,
            requests: &[
                "/calendar/v3/calendars/primary/events?maxResults=2",
                "/calendar/v3/calendars/primary/events?maxResults=2&pageToken=CigKGmFkNHNjaGVk",
            ],
            end: NoNextPage,
            pagination: Token,
        },
        ApiCase {
            name: "Microsoft Graph",
            preset: Some("microsoft"),
            paginate: preset(),
            endpoint: "/v1.0/users",
            serve: graph,
            requests: &["/v1.0/users?$top=2", "/v1.0/users?$top=2&$skiptoken=RFNwdAIAAQAA"],
            end: NoNextPage,
            pagination: Token,
        },
        ApiCase {
            name: "Salesforce",
            preset: Some("salesforce"),
            paginate: Some(Paginate::provider()),
            endpoint: "/services/data/v60.0/query?q=SELECT+Id+FROM+Contact",
            serve: salesforce,
            requests: &[
                "/services/data/v60.0/query?q=SELECT Id FROM Contact",
                "/services/data/v60.0/query/01gRO0000016PIAYA2-2",
            ],
            end: HasMoreFalse,
            pagination: Token,
        },
        ApiCase {
            name: "Zendesk",
            preset: Some("zendesk"),
            paginate: Some(Paginate::provider().response_path("tickets")),
            endpoint: "/api/v2/tickets.json",
            serve: zendesk,
            requests: &[
                "/api/v2/tickets.json?page[size]=100",
                "/api/v2/tickets.json?page[size]=100&page[after]=eyJvIjoi",
            ],
            end: HasMoreFalse,
            pagination: Token,
        },
        ApiCase {
            name: "Shopify",
            preset: Some("shopify"),
            paginate: Some(Paginate::provider().limit(2).response_path("products")),
            endpoint: "/admin/api/products.json",
            serve: shopify,
            requests: &["/admin/api/products.json?limit=2", "/admin/api/products.json?limit=2&page_info=behind"],
            end: NoNextPage,
            pagination: Token,
        },
        ApiCase {
            name: "Jira",
            preset: Some("jira"),
            paginate: Some(Paginate::provider().limit(100).total("total")),
            endpoint: "/rest/api/3/project/search",
            serve: jira,
            requests: &[
                "/rest/api/3/project/search?maxResults=100&startAt=0",
                "/rest/api/3/project/search?maxResults=100&startAt=2",
            ],
            end: HasMoreFalse,
            pagination: Position,
        },
        ApiCase {
            name: "WordPress",
            preset: None,
            paginate: Some(
                Paginate::offset("page").start(1).by(OffsetBy::Page).limit(2).limit_name("per_page").end_status([400]),
            ),
            endpoint: "/wp-json/wp/v2/posts",
            serve: wordpress,
            requests: &[
                "/wp-json/wp/v2/posts?per_page=2&page=1",
                "/wp-json/wp/v2/posts?per_page=2&page=2",
                "/wp-json/wp/v2/posts?per_page=2&page=3",
            ],
            end: EndStatus,
            pagination: Position,
        },
        ApiCase {
            name: "Django REST framework by link",
            preset: None,
            paginate: Some(Paginate::link_in_body("next").response_path("results").total("count")),
            endpoint: "/items/",
            serve: django,
            requests: &["/items/", "/items/?page=2"],
            end: NoNextPage,
            pagination: Position,
        },
        ApiCase {
            name: "Django REST framework by page number",
            preset: None,
            paginate: Some(
                Paginate::offset("page").start(1).by(OffsetBy::Page).response_path("results").end_status([404]),
            ),
            endpoint: "/items/",
            serve: django_pages,
            requests: &["/items/?page=1", "/items/?page=2", "/items/?page=3"],
            end: EndStatus,
            pagination: Position,
        },
        ApiCase {
            name: "a list without pages",
            preset: None,
            paginate: None,
            endpoint: "/labels",
            serve: single_list,
            requests: &["/labels"],
            end: SingleRequest,
            pagination: Token,
        },
    ]
}

/// Returns lists of an account without records, with one page each.
pub(super) fn api_cases_with_empty_list() -> Vec<ApiCase> {
    let row = |name, serve: fn(Pages<'_>) -> Vec<Reply>, paginate, endpoint| ApiCase {
        name,
        preset: None,
        paginate,
        endpoint,
        serve,
        requests: &[],
        end: Completion::NoNextPage,
        pagination: Pagination::Token,
    };
    let provider = || Some(Paginate::provider());
    vec![
        ApiCase { preset: Some("hubspot"), ..row("HubSpot", hubspot, provider(), "/crm/v3/objects/contacts") },
        ApiCase { preset: Some("google-mail"), ..row("Gmail", gmail, provider(), "/gmail/v1/users/me/messages") },
        ApiCase {
            preset: Some("stripe"),
            end: Completion::HasMoreFalse,
            ..row("Stripe", stripe, provider(), "/v1/customers")
        },
        ApiCase { end: Completion::SingleRequest, ..row("a list without pages", single_list, None, "/labels") },
    ]
}

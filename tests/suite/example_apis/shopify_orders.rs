//! Shopify's `orders.json`, as its documentation describes it: pages by links, and only the changes after
//! `updated_at_min`.

use std::sync::atomic::Ordering;

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    routing::get,
};
use nango_tests::{Registry, serve};
use serde_json::{Value, json};

use super::{Answer, Api, RECORDS, TOKEN, parameter};

/// Orders of a Shopify shop. A request with `page_info` has no other parameters than `limit`.
fn answer(api: &Api, headers: &HeaderMap, query: &[(String, String)], host: &str) -> (HeaderMap, Answer) {
    let error = |status, errors: Value| (HeaderMap::new(), (status, Json(json!({ "errors": errors }))));
    if headers.get("x-shopify-access-token").is_none_or(|token| token != TOKEN) || api.is_failing() {
        let message = "[API] Invalid API key or access token (unrecognized login or wrong password)";
        return error(StatusCode::UNAUTHORIZED, json!(message));
    }
    let page_info = parameter(query, "page_info");
    if page_info.is_some() && query.iter().any(|(name, _)| name != "page_info" && name != "limit") {
        return error(StatusCode::BAD_REQUEST, json!({ "status": "cannot be passed when page_info is present" }));
    }
    let after = page_info.and_then(|position| position.strip_prefix("eyJhZnRlciI6")?.parse().ok());
    let limit = parameter(query, "limit").map_or(Some(50), |limit| limit.parse().ok());
    let (Some(limit @ 1..=250), true) = (limit, page_info.is_none() || after.is_some()) else {
        return error(StatusCode::BAD_REQUEST, json!({ "page_info": "Invalid value." }));
    };
    // Without `status=any` the list contains open orders only.
    let is_open = |id: &usize| !id.is_multiple_of(2);
    let all = after.is_some() || parameter(query, "status") == Some("any");
    // A page is smaller than its limit, so that there are several.
    let (ids, next) = match parameter(query, "updated_at_min") {
        Some(_) => (api.changed.lock().expect("the changes").clone(), None),
        None => api.page(after, limit.min(api.page_size)),
    };
    let orders = ids.iter().filter(|id| all || is_open(id)).map(|id| order(*id, api.has_changed(*id)));
    let orders: Vec<Value> = orders.collect();
    let mut links = HeaderMap::new();
    if let Some(next) = next {
        let link = format!("<http://{host}/admin/api/2026-01/orders.json?limit=250&page_info=eyJhZnRlciI6{next}>");
        links.insert("link", format!("{link}; rel=\"next\"").parse().expect("a header"));
    }
    (links, (StatusCode::OK, Json(json!({ "orders": orders }))))
}

/// Returns an order. A line was removed from an order that has changed.
fn order(id: usize, has_changed: bool) -> Value {
    let updated_at = if has_changed { "2100-01-02T10:00:00-05:00" } else { "2026-01-02T10:00:00-05:00" };
    let line = |n: usize, quantity: u32| {
        json!({
            "id": id * 10 + n, "product_id": 7, "title": "Mug", "sku": "MUG", "quantity": 2,
            "current_quantity": quantity, "price": "4.50",
        })
    };
    json!({
        "id": id, "name": format!("#{id}"), "email": "", "currency": "EUR", "total_price": "9.00",
        "financial_status": "paid", "cancelled_at": null, "updated_at": updated_at,
        "line_items": [line(1, if has_changed { 0 } else { 2 }), line(2, 0), line(3, 1)],
    })
}

/// Connects to a shop with these orders.
pub(in super::super) fn shop(api: &Api) -> Registry {
    type Parameters = Query<Vec<(String, String)>>;
    let orders = async |State(api): State<Api>, headers: HeaderMap, Query(query): Parameters| {
        let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
        answer(&api, &headers, &query, &host)
    };
    let router = Router::new().route("/admin/api/2026-01/orders.json", get(orders)).with_state(api.clone());
    let registry = Registry::new();
    let base_url = serve(router);
    registry.config(&format!("[integrations.shopify]\nprovider = \"shopify-api-key\"\nbase_url = \"{base_url}\"\n"));
    let credentials = format!("\"{TOKEN}\"");
    let add = ["connection", "add", "shopify", "acme", "--auth", "api-key", "--credentials", &credentials];
    registry.run(add.iter().chain(&["--set", "subdomain=acme", "--no-verify"])).expect(0);
    registry
}

#[test]
fn shopify_orders_are_read_with_their_lines() {
    let api = Api::new();
    let registry = shop(&api);
    let run = ["run", "shopify", "orders", "--connection", "acme", "--full", "--json"];
    let counts = |report: &Value, count: &str| {
        let count = |model: &str| report["models"][model][count].as_u64();
        (count("ShopifyOrder"), count("ShopifyOrderLine"))
    };
    let all = RECORDS as u64;
    assert_eq!(counts(&registry.json(run), "added"), (Some(all), Some(2 * all)));
    api.delete(117);
    let second = registry.json(run);
    assert_eq!(counts(&second, "deleted"), (Some(1), Some(2)), "{second:#}");
    assert_eq!(counts(&second, "unchanged"), (Some(all - 1), Some(2 * all - 2)), "{second:#}");
    api.fails.store(true, Ordering::Relaxed);
    let failed = registry.run(run).expect(1).json();
    let message = failed["error"].to_string();
    assert!(message.contains("Invalid API key or access token") && !message.contains(TOKEN), "{failed:#}");
}

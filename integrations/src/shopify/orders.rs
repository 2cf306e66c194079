use nango_core::prelude::*;

/// An order of a Shopify shop.
#[model(updated = "updated_at")]
pub struct ShopifyOrder {
    /// Id of the order.
    pub id: u64,
    /// Name that customers see, such as `#1001`.
    pub name: String,
    /// Email address of the customer.
    pub email: Option<String>,
    /// Currency of the shop, as three upper-case letters.
    pub currency: String,
    /// Sum of all lines, taxes and shipping, as a decimal number.
    pub total_price: String,
    /// Status of the payment, such as `paid`.
    pub financial_status: Option<String>,
    /// Time when the order was cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// A line of an order.
#[model]
pub struct ShopifyOrderLine {
    /// Id of the line.
    pub id: u64,
    /// Id of the order.
    pub order_id: u64,
    /// Id of the product; `None` if the product was deleted.
    pub product_id: Option<u64>,
    /// Name of the product when it was ordered.
    pub title: String,
    /// Stock keeping unit of the variant.
    pub sku: Option<String>,
    /// Number of items, without those that were removed.
    pub quantity: u32,
    /// Price of one item, as a decimal number.
    pub price: String,
}

/// An order as Shopify sends it.
#[derive(Deserialize)]
pub struct ApiOrder {
    id: u64,
    name: String,
    email: Option<String>,
    currency: String,
    total_price: String,
    financial_status: Option<String>,
    cancelled_at: Option<Timestamp>,
    updated_at: Timestamp,
    line_items: Vec<ApiLine>,
}

/// A line as Shopify sends it. A line that was removed from an order is still sent, without items.
#[derive(Deserialize)]
pub struct ApiLine {
    id: u64,
    product_id: Option<u64>,
    title: String,
    sku: Option<String>,
    current_quantity: u32,
    price: String,
}

/// Syncs the orders of a shop with their lines.
///
/// Each order contains all its lines, so a line that was removed from its order is deleted when the order is read.
#[sync(
    models("ShopifyOrder", "ShopifyOrderLine"),
    frequency = "every 15 minutes",
    scopes("read_orders"),
    endpoint = "/admin/api/2026-01/orders.json",
    query("status" = "any"),
    paginate(link(rel = "next"), limit = 250, limit_name = "limit", response_path = "orders"),
    since(param = "updated_at_min", overlap = "2m", full_every = "7d"),
    track_deletes
)]
pub fn orders(order: ApiOrder) -> (ShopifyOrder, Children<ShopifyOrderLine>) {
    let ApiOrder { id, name, email, currency, total_price, financial_status, cancelled_at, updated_at, .. } = order;
    let lines = order.line_items.into_iter().filter(|line| line.current_quantity > 0).map(|line| ShopifyOrderLine {
        id: line.id,
        order_id: id,
        product_id: line.product_id,
        title: line.title,
        sku: line.sku,
        quantity: line.current_quantity,
        price: line.price,
    });
    let lines = Children::of(&id, lines);
    (ShopifyOrder { id, name, email, currency, total_price, financial_status, cancelled_at, updated_at }, lines)
}

#[cfg(test)]
mod replay_orders;

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::*;

    fn order(id: u64, lines: &[(u64, u32)]) -> Value {
        let line = |(id, quantity): &(u64, u32)| {
            json!({
                "id": id, "product_id": 7, "title": "Mug", "sku": null, "quantity": 3, "current_quantity": quantity,
                "price": "4.50",
            })
        };
        json!({
            "id": id, "name": format!("#{id}"), "email": "a@example.com", "currency": "EUR", "total_price": "13.50",
            "financial_status": "paid", "cancelled_at": null, "updated_at": "2026-01-02T10:00:00+01:00",
            "line_items": lines.iter().map(line).collect::<Vec<_>>(),
        })
    }

    fn page(orders: &[Value]) -> Value {
        json!({ "orders": orders })
    }

    const PATH: &str = "/admin/api/2026-01/orders.json";
    const NEXT: &str = "/admin/api/2026-01/orders.json?limit=250&page_info=bmV4dA";

    #[tokio::test]
    async fn orders_and_their_lines_are_saved_and_missing_ones_deleted() -> Result<()> {
        let mock = Mock::new()
            .on("GET", "/admin/api/2026-01/orders.json?status=any&limit=250")
            .page("?limit=250&page_info=bmV4dA", page(&[order(1, &[(10, 3), (11, 2)]), order(2, &[(20, 1)])]))
            .on("GET", NEXT)
            .reply(page(&[order(3, &[(30, 1)])]));
        let report = mock.run(orders).await?;
        assert_eq!(report.counts::<ShopifyOrder>().added, 3);
        assert_eq!(report.counts::<ShopifyOrderLine>().added, 4);
        let line = &mock.saved::<ShopifyOrderLine>().await[1];
        assert_eq!((line.id, line.order_id, line.quantity, line.price.as_str()), (11, 1, 2, "4.50"));

        mock.advance(std::time::Duration::from_hours(24 * 8));
        let mock = mock.reply(PATH, page(&[order(1, &[(10, 3), (11, 2)]), order(3, &[(30, 1)])]));
        let report = mock.run(orders).await?;
        assert_eq!(report.counts::<ShopifyOrder>().deleted, 1);
        assert_eq!(mock.deleted::<ShopifyOrder>().await, ["2"]);
        assert_eq!(mock.deleted::<ShopifyOrderLine>().await, ["20"]);
        Ok(())
    }

    #[tokio::test]
    async fn removed_line_is_deleted_by_a_run_that_reads_only_changes() -> Result<()> {
        let first = page(&[order(1, &[(10, 3), (11, 2)]), order(2, &[(20, 1)])]);
        let mock = Mock::new().reply(PATH, first).on("GET", PATH).reply(page(&[order(1, &[(10, 1), (11, 0)])]));
        mock.run(orders).await?;

        let report = mock.run(orders).await?;

        assert!(mock.received_requests()[1].query("updated_at_min").is_some());
        let counts = report.counts::<ShopifyOrderLine>();
        assert_eq!((counts.updated, counts.deleted), (1, 1));
        assert_eq!(mock.deleted::<ShopifyOrderLine>().await, ["11"]);
        assert_eq!(mock.saved::<ShopifyOrder>().await.len(), 2);
        Ok(())
    }

    #[tokio::test]
    async fn error_of_shopify_fails_the_run() {
        let message =
            json!({ "errors": "[API] Invalid API key or access token (unrecognized login or wrong password)" });
        let mock = Mock::new().reply_with(PATH, 401, message);

        let error = mock.run(orders).await.unwrap_err();

        assert_eq!(error.http().map(|http| http.status), Some(401));
        assert!(error.to_string().contains("Invalid API key or access token"), "{error}");
    }
}

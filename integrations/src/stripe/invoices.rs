use nango_core::prelude::*;

/// An invoice of a Stripe account. Amounts are in the smallest unit of the currency, such as cents.
#[model]
pub struct StripeInvoice {
    /// Id of the invoice, such as `in_123`.
    pub id: String,
    /// Id of the customer.
    pub customer: Option<String>,
    /// Number that is printed on the invoice; drafts have none.
    pub number: Option<String>,
    /// Status: `draft`, `open`, `paid`, `uncollectible` or `void`.
    pub status: Option<String>,
    /// Currency, as three lower-case letters.
    pub currency: String,
    /// Amount that is due.
    pub amount_due: i64,
    /// Amount that was paid.
    pub amount_paid: i64,
    /// Time when the invoice was created.
    pub created: Timestamp,
}

/// An invoice as Stripe sends it.
#[derive(Deserialize)]
pub struct ApiInvoice {
    id: String,
    customer: Option<String>,
    number: Option<String>,
    status: Option<String>,
    currency: String,
    amount_due: i64,
    amount_paid: i64,
    created: i64,
}

/// Syncs the invoices of an account.
///
/// Between two runs, webhooks change the stored invoices; see [`invoice_changed`](super::invoice_changed()).
#[sync(
    model = "StripeInvoice",
    frequency = "every day",
    endpoint = "/v1/invoices",
    paginate(
        last_item(name = "starting_after", id = "id"),
        has_more = "has_more",
        limit = 100,
        limit_name = "limit",
        response_path = "data"
    ),
    track_deletes
)]
pub fn invoices(invoice: ApiInvoice) -> StripeInvoice {
    let ApiInvoice { id, customer, number, status, currency, amount_due, amount_paid, created } = invoice;
    let created = Timestamp::from_seconds(created);
    StripeInvoice { id, customer, number, status, currency, amount_due, amount_paid, created }
}

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::*;

    #[tokio::test]
    async fn draft_without_number_is_saved() -> Result<()> {
        let draft = json!({
            "id": "in_1", "customer": "cus_1", "number": null, "status": "draft", "currency": "eur", "amount_due": 1250,
            "amount_paid": 0, "created": 1_767_225_600, "lines": { "object": "list", "data": [] },
        });
        let mock = Mock::new().reply("/v1/invoices", json!({ "object": "list", "data": [draft], "has_more": false }));

        assert!(mock.run(invoices).await?.is_complete());

        let saved = &mock.saved::<StripeInvoice>().await[0];
        assert_eq!((saved.number.as_deref(), saved.status.as_deref(), saved.amount_due), (None, Some("draft"), 1250));
        Ok(())
    }
}

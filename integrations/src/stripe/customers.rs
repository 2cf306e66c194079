use nango_core::prelude::*;

/// A customer of a Stripe account.
#[model]
pub struct StripeCustomer {
    /// Id of the customer, such as `cus_123`.
    pub id: String,
    /// Email address of the customer.
    pub email: Option<String>,
    /// Full name of the person, or name of the business.
    pub name: Option<String>,
    /// Whether the newest invoice is overdue.
    pub delinquent: bool,
    /// Time when the customer was created.
    pub created: Timestamp,
}

/// A customer as Stripe sends it.
#[derive(Deserialize)]
pub struct ApiCustomer {
    id: String,
    email: Option<String>,
    name: Option<String>,
    #[serde(default)]
    delinquent: Option<bool>,
    created: i64,
}

/// Syncs the customers of an account.
///
/// The id of the last record of a page leads to the next page.
#[sync(
    model = "StripeCustomer",
    frequency = "every hour",
    endpoint = "/v1/customers",
    paginate(
        last_item(name = "starting_after", id = "id"),
        has_more = "has_more",
        limit = 100,
        limit_name = "limit",
        response_path = "data"
    ),
    track_deletes
)]
pub fn customers(customer: ApiCustomer) -> StripeCustomer {
    let ApiCustomer { id, email, name, delinquent, created } = customer;
    StripeCustomer { id, email, name, delinquent: delinquent == Some(true), created: Timestamp::from_seconds(created) }
}

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::*;

    fn page(ids: &[&str], has_more: bool) -> Value {
        let customer = |id: &&str| json!({ "id": id, "object": "customer", "email": null, "created": 1_767_225_600 });
        json!({ "object": "list", "data": ids.iter().map(customer).collect::<Vec<_>>(), "has_more": has_more })
    }

    #[tokio::test]
    async fn pages_continue_after_the_last_customer_and_missing_customers_are_deleted() -> Result<()> {
        let mock = Mock::new()
            .on("GET", "/v1/customers?limit=100")
            .reply(page(&["cus_3", "cus_2"], true))
            .on("GET", "/v1/customers?starting_after=cus_2")
            .reply(page(&["cus_1"], false))
            .on("GET", "/v1/customers")
            .reply(page(&["cus_3", "cus_1"], false));

        assert_eq!(mock.run(customers).await?.counts::<StripeCustomer>().added, 3);
        assert_eq!(mock.run(customers).await?.counts::<StripeCustomer>().deleted, 1);

        assert_eq!(mock.deleted::<StripeCustomer>().await, ["cus_2"]);
        assert_eq!(mock.saved::<StripeCustomer>().await[0].created.to_string(), "2026-01-01T00:00:00Z");
        Ok(())
    }

    #[tokio::test]
    async fn error_of_stripe_fails_the_run() {
        let message = json!({ "error": { "type": "invalid_request_error", "message": "Invalid API Key provided" } });
        let mock = Mock::new().reply_with("/v1/customers", 401, message);

        let error = mock.run(customers).await.unwrap_err();

        assert_eq!(error.http().map(|http| http.status), Some(401));
        assert!(error.to_string().contains("Invalid API Key provided"), "{error}");
    }
}

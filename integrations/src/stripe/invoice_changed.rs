use nango_core::prelude::*;

use super::StripeInvoice;

/// Changes to an invoice that a webhook contains.
#[patch(of = StripeInvoice)]
pub struct InvoiceChange {
    /// Id of the invoice.
    pub id: String,
    /// New number of the invoice.
    pub number: Option<String>,
    /// New status of the invoice.
    pub status: Option<String>,
    /// New amount that is due.
    pub amount_due: Option<i64>,
    /// New amount that was paid.
    pub amount_paid: Option<i64>,
}

/// A webhook of the type `invoice.*`.
#[model]
pub struct InvoiceEvent {
    /// Type of the event, such as `invoice.paid`.
    pub r#type: String,
    /// Content of the event.
    pub data: InvoiceEventData,
}

/// Content of an event.
#[model]
pub struct InvoiceEventData {
    /// The invoice after the event.
    pub object: InvoiceChange,
}

/// Applies the changes in a webhook to the stored invoice.
///
/// An invoice that is not stored yet is left to the next run of the sync.
#[on_webhook(super::invoices::invoices, "invoice.finalized", "invoice.paid", "invoice.voided", "invoice.deleted")]
pub async fn invoice_changed(nango: NangoSync, event: InvoiceEvent) -> Result<()> {
    let invoice = event.data.object;
    if event.r#type == "invoice.deleted" {
        nango.batch_delete([invoice.id]).await?;
    } else {
        nango.batch_update([invoice]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::*;

    async fn mock() -> Mock {
        let (id, customer, number) = ("in_1".into(), Some("cus_1".into()), Some("A-1".into()));
        let (status, currency, created) = (Some("open".into()), "eur".into(), Timestamp::UNIX_EPOCH);
        let stored = StripeInvoice { id, customer, number, status, currency, amount_due: 900, amount_paid: 0, created };
        Mock::new().record(stored).await
    }

    fn event(kind: &str, invoice: &Value) -> Value {
        json!({ "id": "evt_1", "object": "event", "type": kind, "data": { "object": invoice } })
    }

    #[tokio::test]
    async fn webhook_changes_only_its_fields() -> Result<()> {
        let mock = mock().await;
        let paid = event("invoice.paid", &json!({ "id": "in_1", "status": "paid", "amount_paid": 900 }));

        assert_eq!(mock.run(invoice_changed).webhook("invoice.paid", paid).await?.counts::<StripeInvoice>().updated, 1);

        let saved = &mock.saved::<StripeInvoice>().await[0];
        assert_eq!(
            (saved.status.as_deref(), saved.amount_paid, saved.number.as_deref()),
            (Some("paid"), 900, Some("A-1"))
        );
        Ok(())
    }

    #[tokio::test]
    async fn deleted_event_deletes_the_invoice() -> Result<()> {
        let mock = mock().await;
        let deleted = event("invoice.deleted", &json!({ "id": "in_1", "deleted": true }));

        mock.run(invoice_changed).webhook("invoice.deleted", deleted).await?;

        assert_eq!(mock.deleted::<StripeInvoice>().await, ["in_1"]);
        Ok(())
    }
}

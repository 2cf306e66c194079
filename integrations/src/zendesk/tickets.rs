use nango_core::prelude::*;

/// A ticket of a Zendesk account.
#[model]
pub struct ZendeskTicket {
    /// Id of the ticket.
    pub id: u64,
    /// Subject of the ticket.
    pub subject: Option<String>,
    /// Status of the ticket, such as `open` or `solved`.
    pub status: String,
    /// Priority of the ticket: `low`, `normal`, `high` or `urgent`.
    pub priority: Option<String>,
    /// Id of the user who requested the ticket.
    pub requester_id: Option<u64>,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// A ticket as Zendesk sends it.
#[derive(Deserialize)]
pub struct ApiTicket {
    id: u64,
    subject: Option<String>,
    status: String,
    priority: Option<String>,
    requester_id: Option<u64>,
    updated_at: Timestamp,
}

/// Syncs the tickets of an account by the incremental export.
///
/// The first run exports all tickets. Each run stores the cursor of its last page, and the next one exports the tickets
/// that changed since then. A deleted ticket is exported with the status `deleted`. An administrator must connect the
/// account.
#[sync(
    model = "ZendeskTicket",
    frequency = "every 15 minutes",
    endpoint = "/api/v2/incremental/tickets/cursor.json",
    paginate(limit = 1000, limit_name = "per_page", response_path = "tickets"),
    delta(param = "cursor", path = "after_cursor", initial("start_time" = 0), end = "end_of_stream"),
    track_deletes,
    retries = 3,
    scopes("read")
)]
pub fn tickets(ticket: ApiTicket) -> Change<ZendeskTicket> {
    let ApiTicket { id, subject, status, priority, requester_id, updated_at } = ticket;
    if status == "deleted" {
        return Change::Delete(id);
    }
    Change::Save(ZendeskTicket { id, subject, status, priority, requester_id, updated_at })
}

#[cfg(test)]
mod replay_tickets;

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::*;

    const PATH: &str = "/api/v2/incremental/tickets/cursor.json";

    fn ticket(id: u64, status: &str) -> Value {
        json!({
            "id": id, "subject": "Help", "status": status, "priority": null, "requester_id": 7,
            "updated_at": "2026-01-02T00:00:00Z", "generated_timestamp": 1_767_312_000,
        })
    }

    fn page(tickets: &[Value], after: &str, is_last: bool) -> Value {
        json!({ "tickets": tickets, "after_cursor": after, "before_cursor": null, "end_of_stream": is_last })
    }

    #[tokio::test]
    async fn second_run_exports_only_the_changes() -> Result<()> {
        let mock = Mock::new()
            .on("GET", "/api/v2/incremental/tickets/cursor.json?per_page=1000&start_time=0")
            .reply(page(&[ticket(1, "open"), ticket(2, "open")], "c1", false))
            .on("GET", "/api/v2/incremental/tickets/cursor.json?per_page=1000&cursor=c1")
            .reply(page(&[ticket(3, "new")], "c2", true))
            .on("GET", "/api/v2/incremental/tickets/cursor.json?per_page=1000&cursor=c2")
            .reply(page(&[ticket(1, "deleted"), ticket(3, "solved")], "c3", true));
        assert_eq!(mock.run(tickets).await?.counts::<ZendeskTicket>().added, 3);

        let second = mock.run(tickets).await?;

        let counts = second.counts::<ZendeskTicket>();
        assert_eq!((counts.deleted, counts.updated), (1, 1));
        assert_eq!(mock.deleted::<ZendeskTicket>().await, ["1"]);
        Ok(())
    }

    #[tokio::test]
    async fn failed_export_continues_at_its_last_page() -> Result<()> {
        let mock = Mock::new()
            .reply(PATH, page(&[ticket(1, "open")], "c1", false))
            .on("GET", PATH)
            .query("cursor", "c1")
            .reply_with(403, json!({ "error": "Forbidden" }))
            .on("GET", PATH)
            .query("cursor", "c1")
            .reply(page(&[ticket(2, "open")], "c2", true));
        let error = mock.run(tickets).await.unwrap_err();
        assert!(error.to_string().contains("Forbidden"), "{error}");

        mock.run(tickets).await?;

        assert_eq!(mock.saved::<ZendeskTicket>().await.len(), 2);
        Ok(())
    }
}

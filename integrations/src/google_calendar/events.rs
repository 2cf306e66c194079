use nango_core::prelude::*;

/// Metadata of a connection: the calendar to sync.
#[model]
pub struct GoogleCalendar {
    /// Id of the calendar; `primary`, the default, is the calendar of the user.
    #[serde(default = "primary")]
    pub calendar_id: String,
}

fn primary() -> String {
    "primary".to_owned()
}

/// An event of a Google calendar. A recurring event is one record, and each of its exceptions is another one.
#[model]
pub struct CalendarEvent {
    /// Id of the event.
    pub id: String,
    /// Title of the event.
    pub summary: Option<String>,
    /// Start: a date for an event of whole days, otherwise a time (RFC 3339).
    pub start: Option<String>,
    /// End, which is not a part of the event, in the form of the start.
    pub end: Option<String>,
    /// Id of the recurring event of which this event is an exception.
    pub recurring_event_id: Option<String>,
}

/// An event as Google sends it. A cancelled event may have only its id.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiEvent {
    id: String,
    status: Option<String>,
    summary: Option<String>,
    start: Option<ApiEventTime>,
    end: Option<ApiEventTime>,
    recurring_event_id: Option<String>,
}

/// Start or end of an event.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiEventTime {
    date: Option<String>,
    date_time: Option<String>,
}

impl ApiEventTime {
    fn into_text(self) -> Option<String> {
        self.date_time.or(self.date)
    }
}

/// Syncs the events of a calendar.
///
/// The first run reads all events. Google returns a sync token on the last page, and the next run sends it to read the
/// events that changed since then; cancelled events are among them. When a sync token has expired, Google responds with
/// 410, and the run reads all events. The pages are declared in the provider's entry in the catalogue.
#[sync(
    model = "CalendarEvent",
    frequency = "every 10 minutes",
    metadata = GoogleCalendar,
    endpoint = "/calendar/v3/calendars/{calendar_id}/events",
    paginate(limit = 250),
    delta(param = "syncToken", path = "nextSyncToken"),
    track_deletes,
    retries = 3,
    scopes("https://www.googleapis.com/auth/calendar.events.readonly")
)]
pub fn events(event: ApiEvent) -> Change<CalendarEvent> {
    if event.status.as_deref() == Some("cancelled") {
        return Change::Delete(event.id);
    }
    let [start, end] = [event.start, event.end].map(|time| time.and_then(ApiEventTime::into_text));
    let ApiEvent { id, summary, recurring_event_id, .. } = event;
    Change::Save(CalendarEvent { id, summary, start, end, recurring_event_id })
}

#[cfg(test)]
mod replay_events;

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::*;

    const PATH: &str = "/calendar/v3/calendars/primary/events";

    fn event(id: &str) -> Value {
        let [start, end] = ["10:00", "11:00"].map(|time| json!({ "dateTime": format!("2026-01-02T{time}:00Z") }));
        json!({ "id": id, "status": "confirmed", "summary": "Talk", "start": start, "end": end })
    }

    fn cancelled(id: &str) -> Value {
        json!({ "kind": "calendar#event", "id": id, "status": "cancelled" })
    }

    fn last_page(items: &[Value], token: &str) -> Value {
        json!({ "kind": "calendar#events", "items": items, "nextSyncToken": token })
    }

    #[tokio::test]
    async fn second_run_reads_only_the_changes() -> Result<()> {
        let mock = Mock::new()
            .on("GET", "/calendar/v3/calendars/primary/events?maxResults=250")
            .reply(json!({ "items": [event("a"), event("b")], "nextPageToken": "p2" }))
            .on("GET", "/calendar/v3/calendars/primary/events?maxResults=250&pageToken=p2")
            .reply(last_page(&[event("c")], "s1"))
            .on("GET", "/calendar/v3/calendars/primary/events?maxResults=250&syncToken=s1")
            .reply(last_page(&[cancelled("a"), event("d")], "s2"));
        assert_eq!(mock.run(events).await?.counts::<CalendarEvent>().added, 3);

        let second = mock.run(events).await?;

        let counts = second.counts::<CalendarEvent>();
        assert_eq!((counts.added, counts.deleted), (1, 1));
        assert_eq!(mock.deleted::<CalendarEvent>().await, ["a"]);
        assert_eq!(mock.saved::<CalendarEvent>().await[0].start.as_deref(), Some("2026-01-02T10:00:00Z"));
        Ok(())
    }

    #[tokio::test]
    async fn expired_sync_token_makes_the_run_read_all_events() -> Result<()> {
        let gone = json!({ "error": { "code": 410, "message": "Sync token is no longer valid.", "status": "GONE" } });
        let mock = Mock::new()
            .reply(PATH, last_page(&[event("a"), event("b"), event("c")], "s1"))
            .on("GET", PATH)
            .query("syncToken", "s1")
            .reply_with(410, gone)
            .reply(PATH, last_page(&[event("a"), event("c")], "s2"));
        mock.run(events).await?;

        assert_eq!(mock.run(events).await?.counts::<CalendarEvent>().deleted, 1);

        assert_eq!(mock.deleted::<CalendarEvent>().await, ["b"]);
        Ok(())
    }

    #[tokio::test]
    async fn metadata_names_another_calendar() -> Result<()> {
        let mock = Mock::new()
            .metadata(GoogleCalendar { calendar_id: "team@example.com".into() })
            .reply("/calendar/v3/calendars/team%40example.com/events", last_page(&[event("a")], "s1"));
        assert_eq!(mock.run(events).await?.counts::<CalendarEvent>().added, 1);
        Ok(())
    }
}

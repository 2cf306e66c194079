//! The Rust blocks of README.md and of `docs/`, compiled; `suite docs::` compares them with this file.
#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]
#![allow(missing_docs, unreachable_pub, reason = "examples show what matters")]

mod github {
    use nango_core::prelude::*;

    /// A repository of a customer.
    #[model]
    pub struct Repository {
        /// Account that owns the repository.
        pub owner: String,
        /// Name of the repository.
        pub repo: String,
    }

    /// An issue of a repository.
    #[model]
    pub struct Issue {
        pub id: u64,
        pub title: String,
        pub state: String,
    }

    /// A label of a repository, by name.
    #[model]
    pub struct LabelName {
        pub owner: String,
        pub repo: String,
        pub name: String,
    }

    /// The label to create.
    #[model]
    pub struct NewLabel {
        /// Account that owns the repository.
        pub owner: String,
        /// Name of the repository.
        pub repo: String,
        /// Name of the label.
        pub name: String,
    }

    /// Syncs the open issues of a repository.
    #[sync(
        model = "Issue",
        frequency = "every 30 minutes",
        metadata = Repository,
        endpoint = "/repos/{owner}/{repo}/issues",
        paginate(link(rel = "next"), limit = 100),
        track_deletes
    )]
    pub fn issues(issue: Issue) -> Option<Issue> {
        (issue.state == "open").then_some(issue)
    }

    /// Removes a label from a repository.
    #[action(scopes("repo"))]
    pub async fn remove_label(nango: NangoAction, input: LabelName) -> Result<()> {
        let LabelName { owner, repo, name } = input;
        nango.delete(path!("/repos/{owner}/{repo}/labels/{name}")).await?;
        Ok(())
    }

    /// A label of a repository.
    #[model]
    pub struct Label {
        /// The label's number at the API.
        pub id: u64,
        /// The text that is shown.
        pub name: String,
    }

    /// Syncs the labels of a repository.
    #[sync(
        model = "Label",
        frequency = "every hour",
        metadata = Repository,
        endpoint = "/repos/{owner}/{repo}/labels",
        paginate(link(rel = "next"), limit = 100),
        track_deletes
    )]
    pub fn labels(label: Label) -> Label {
        label
    }

    /// Syncs the labels of a repository with a loop of its own.
    #[sync(model = "Label", metadata = Repository)]
    pub async fn labels_by_hand(nango: NangoSync) -> Result<()> {
        let Repository { owner, repo } = nango.metadata().await?;
        let request = nango.get(path!("/repos/{owner}/{repo}/labels"));
        let mut pages = nango.paginate::<Label>(request, Paginate::link("next").limit(100));
        while let Some(page) = pages.next().await? {
            nango.batch_save(page).await?;
        }
        Ok(())
    }

    /// Creates a label in a repository.
    #[action(scopes("repo"))]
    pub async fn add_label(nango: NangoAction, input: NewLabel) -> Result<Label> {
        let NewLabel { owner, repo, name } = input;
        nango.post(path!("/repos/{owner}/{repo}/labels")).body(json!({ "name": name })).json().await
    }

    pub async fn test_labels() -> Result<()> {
        use nango_core::testing::Mock;

        let mock = Mock::new()
            .metadata(json!({ "owner": "octo", "repo": "demo" }))
            .on("GET", "/repos/octo/demo/labels?per_page=100")
            .page("?page=2", json!([{ "id": 1, "name": "bug" }]))
            .on("GET", "/repos/octo/demo/labels?page=2")
            .reply(json!([{ "id": 2, "name": "idea" }]))
            .reply("/repos/octo/demo/labels", json!([{ "id": 1, "name": "defect" }]));
        let first = mock.run(labels).await?.counts::<Label>();
        let second = mock.run(labels).await?.counts::<Label>();
        assert_eq!((first.added, second.updated, second.deleted), (2, 1, 1));
        assert_eq!(mock.saved::<Label>().await[0].name, "defect");
        Ok(())
    }

    pub async fn test_issues() -> Result<()> {
        use nango_core::testing::Mock;

        let mock = Mock::new()
            .metadata(json!({ "owner": "octo", "repo": "demo" }))
            .reply("/repos/octo/demo/issues", json!([{ "id": 1, "title": "Crash", "state": "open" }]))
            .reply("/repos/octo/demo/issues", json!([]));
        assert_eq!(mock.run(issues).await?.counts::<Issue>().added, 1);
        assert!(mock.run(issues).await?.is_complete());
        Ok(())
    }

    pub async fn test_add_label() -> Result<()> {
        use nango_core::testing::Mock;

        let mock = Mock::new()
            .on("POST", "/repos/octo/demo/labels")
            .body(json!({ "name": "new" }))
            .reply_with(201, json!({ "id": 3, "name": "new" }));
        let input = NewLabel { owner: "octo".into(), repo: "demo".into(), name: "new".into() };
        let label: Label = mock.run(add_label).input(input).await?.output();
        assert_eq!(label.id, 3);
        Ok(())
    }
}

mod jira {
    use nango_core::prelude::*;

    /// A project of a site.
    #[model]
    pub struct JiraProject {
        pub id: String,
        pub key: String,
    }

    #[sync(
        model = "JiraProject",
        endpoint = "/rest/api/3/project/search",
        paginate(
            offset(name = "startAt"),
            limit = 50,
            limit_name = "maxResults",
            response_path = "values",
            is_last = "isLast",
            total = "total"
        ),
        track_deletes,
        max_deletes = "20%"
    )]
    pub fn projects(project: JiraProject) -> JiraProject {
        project
    }
}

mod desk {
    use nango_core::prelude::*;

    #[model]
    pub struct Team {
        pub team: String,
    }

    #[model(id = "code")]
    pub struct Currency {
        pub code: String,
        pub name: String,
    }

    #[derive(Deserialize)]
    pub struct ApiTicket {
        id: u64,
        status: String,
        subject: String,
        updated_at: Timestamp,
    }

    #[derive(Deserialize)]
    pub struct ApiOrder {
        lines: Vec<Line>,
    }

    #[model]
    pub struct Line {
        pub id: u64,
        pub sku: String,
    }

    #[model]
    pub struct TicketId {
        pub id: u64,
    }

    #[model]
    pub struct LogEntry {
        pub id: u64,
        pub action: String,
    }

    /// Syncs the open tickets of a team.
    #[sync(
        model = "Ticket",
        metadata = Team,
        endpoint = "/tickets",
        query("status" = "open", "team" = metadata.team),
        headers("X-Api-Version" = "2026-01-01"),
        paginate(cursor(name = "after", path = "next"), response_path = "tickets")
    )]
    pub fn open_tickets(ticket: Ticket) -> Ticket {
        ticket
    }

    /// Syncs the currencies, which the API returns as an object with their codes as keys.
    #[sync(
        model = "Currency",
        endpoint = "/currencies",
        paginate(response_path = "currencies.*", response_key = "code")
    )]
    pub fn currencies(currency: Currency) -> Currency {
        currency
    }

    /// Comment on a ticket.
    #[model]
    pub struct Comment {
        pub id: u64,
        pub ticket: u64,
        pub text: String,
    }

    /// A comment as the API sends it.
    #[derive(Deserialize)]
    pub struct ApiComment {
        id: u64,
        text: String,
    }

    /// Settings of a customer with several brands.
    #[model]
    pub struct Brands {
        pub brands: Vec<String>,
    }

    /// Syncs the comments of each ticket that the sync of tickets has saved.
    #[sync(
        model = "Comment",
        each = Ticket,
        endpoint = "/tickets/{each.id}/comments",
        paginate(link(path = "next_page"), response_path = "comments"),
        track_deletes
    )]
    pub fn comments(ticket: &Ticket, comment: ApiComment) -> Comment {
        Comment { id: comment.id, ticket: ticket.id, text: comment.text }
    }

    /// Syncs the tickets of each brand in the settings of a customer.
    #[sync(model = "Ticket", metadata = Brands, each = metadata.brands, endpoint = "/brands/{each}/tickets")]
    pub fn tickets_of_brands(brand: &str, mut ticket: Ticket) -> Ticket {
        ticket.subject = format!("{brand}: {}", ticket.subject);
        ticket
    }

    /// Syncs the tickets: all of them at first, then those that have changed since the position of the run before.
    #[sync(
        model = "Ticket",
        endpoint = "/incremental/tickets",
        paginate(response_path = "tickets"),
        delta(param = "cursor", path = "after_cursor", initial("start_time" = "0"), end = "end_of_stream")
    )]
    pub fn incremental_tickets(ticket: Ticket) -> Ticket {
        ticket
    }

    /// Syncs the tickets, also deleted ones, and continues at the position of the last run.
    #[sync(
        model = "Ticket",
        endpoint = "/incremental/tickets",
        paginate(response_path = "tickets"),
        delta(param = "cursor", path = "after_cursor", initial("start_time" = "0"), end = "end_of_stream")
    )]
    pub fn ticket_feed(ticket: ApiTicket) -> Change<Ticket> {
        match ticket.status.as_str() {
            "deleted" => Change::Delete(ticket.id),
            _ => Change::Save(Ticket { id: ticket.id, subject: ticket.subject, updated_at: ticket.updated_at }),
        }
    }

    /// Syncs the tickets that can be read.
    #[sync(model = "Ticket", endpoint = "/tickets", on_invalid = "skip")]
    pub fn readable_tickets(ticket: Ticket) -> Ticket {
        ticket
    }

    /// Syncs the tickets from an export that also lists deleted ones.
    #[sync(model = "Ticket", endpoint = "/export", since(param = "start_time", format = "unix"))]
    pub fn exported_tickets(ticket: ApiTicket) -> Change<Ticket> {
        match ticket.status.as_str() {
            "deleted" => Change::Delete(ticket.id),
            _ => Change::Save(Ticket { id: ticket.id, subject: ticket.subject, updated_at: ticket.updated_at }),
        }
    }

    /// Syncs the changed tickets, and once a week all of them.
    #[sync(
        model = "Ticket",
        endpoint = "/tickets",
        since(param = "updated_since", overlap = "2m", full_every = "7d"),
        track_deletes
    )]
    pub fn changed_tickets(ticket: Ticket) -> Ticket {
        ticket
    }

    /// A ticket of a help desk.
    #[model(updated = "updated_at")]
    pub struct Ticket {
        pub id: u64,
        pub subject: String,
        /// Time of the last change.
        pub updated_at: Timestamp,
    }

    /// Syncs the lines of the orders.
    #[sync(model = "Line", endpoint = "/orders")]
    pub fn order_lines(order: ApiOrder) -> Vec<Line> {
        order.lines
    }

    /// Syncs the tickets with the text of their details.
    #[sync(model = "Ticket", endpoint = "/tickets", records_at_once = 8)]
    pub async fn ticket_details(nango: NangoSync, ticket: TicketId) -> Result<Ticket> {
        let id = ticket.id;
        nango.get(path!("/tickets/{id}")).json().await
    }

    /// Position in the audit log.
    #[checkpoint]
    pub struct LogPosition {
        pub after: u64,
    }

    /// Fetches the entries of the audit log since the last run.
    #[sync(model = "LogEntry", frequency = "every 5 minutes", checkpoint = LogPosition)]
    pub async fn audit_log(nango: NangoSync) -> Result<()> {
        let after = nango.checkpoint().await?.map_or(0, |position| position.after);
        let entries: Vec<LogEntry> = nango.get("/audit").query("after", after).json().await?;
        if let Some(last) = save_entries(&nango, entries).await? {
            nango.save_checkpoint(LogPosition { after: last }).await?;
        }
        Ok(())
    }

    /// Saves entries for any sync that declares their model, and returns the id of the last one.
    async fn save_entries(nango: &NangoSync<impl Saves<LogEntry>>, entries: Vec<LogEntry>) -> Result<Option<u64>> {
        let last = entries.last().map(|entry| entry.id);
        nango.batch_save(entries).await?;
        Ok(last)
    }

    /// Closes the ticket of a customer, and returns it.
    #[action]
    pub async fn close_ticket(nango: NangoAction, input: TicketId) -> Result<Ticket> {
        let id = input.id;
        nango.post(path!("/tickets/{id}/close")).json().await
    }

    /// Closes the test ticket of a new connection.
    #[on_event(post_connection_creation)]
    pub async fn close_test_ticket(nango: NangoAction) -> Result<()> {
        nango.trigger(close_ticket, TicketId { id: 1 }).await?;
        Ok(())
    }
}

/// Replays a recording, which the reader of the guide has.
async fn replay() -> nango_core::Result<()> {
    use github::{Issue, issues};
    use nango_core::testing::Replay;

    let replay = Replay::open("tests/recordings/issues.jsonl")?;
    let report = replay.run(issues).await?;
    assert_eq!(report.counts::<Issue>().added, 13);
    assert_eq!(replay.saved::<Issue>().await.len(), 13);
    Ok(())
}

mod shop {
    use nango_core::prelude::*;

    #[derive(Deserialize)]
    pub struct ApiOrder {
        id: u64,
        total: String,
        lines: Vec<ApiLine>,
    }

    #[derive(Deserialize)]
    pub struct ApiLine {
        id: u64,
        sku: String,
    }

    #[model]
    pub struct Order {
        pub id: u64,
        pub total: String,
    }

    #[model]
    pub struct Line {
        pub id: u64,
        pub order: u64,
        pub sku: String,
    }

    /// Syncs the orders with their lines.
    #[sync(models("Order", "Line"), endpoint = "/orders", paginate(response_path = "orders"), track_deletes)]
    pub fn orders(order: ApiOrder) -> (Order, Children<Line>) {
        let ApiOrder { id, total, lines } = order;
        let lines = lines.into_iter().map(|line| Line { id: line.id, order: id, sku: line.sku });
        (Order { id, total }, Children::of(&id, lines))
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(github::test_issues()).unwrap();
    runtime.block_on(github::test_labels()).unwrap();
    runtime.block_on(github::test_add_label()).unwrap();
    // The recording does not exist here.
    runtime.block_on(replay()).unwrap_err();
    let registry = nango_core::internal::declare::Registry::load().unwrap();
    assert_eq!(registry.entries().len(), 21);
}

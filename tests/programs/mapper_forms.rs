//! Mapper signatures: `Model`, `Option`, `Vec`, `Result` and tuples as return type, any serde type as raw record, the
//! handle as argument, and every attribute key.
#![allow(clippy::unwrap_used, reason = "tests report failures by panics")]
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, rust_2018_idioms, clippy::pedantic)]

/// Functions of the integration `github`.
pub mod github {
    use nango_core::prelude::*;

    /// Raw record of the API.
    #[model]
    pub struct Raw {
        /// Number of the record.
        pub id: u64,
        /// Whether the record is saved.
        pub open: bool,
    }

    /// Record that the sync saves.
    #[model(name = "Issue")]
    pub struct Out {
        /// Number of the record.
        pub id: u64,
    }

    /// Metadata of a connection.
    #[model]
    pub struct RepositoryOwner {
        /// A user or an organisation.
        pub owner: String,
        /// A keyword as field name.
        pub r#type: u32,
    }

    /// Metadata with an enum.
    #[model]
    pub struct ListState {
        /// State of the records that are read.
        pub state: State,
    }

    #[sync(model = "Out", endpoint = "/{state}?state={state}", metadata = ListState)]
    fn of_a_state(raw: Raw) -> Out {
        Out { id: raw.id }
    }

    #[sync(model = "Out", endpoint = "/a", frequency = "every hour")]
    fn plain(raw: Raw) -> Out {
        Out { id: raw.id }
    }

    #[sync(model = "Out", endpoint = "/a", paginate, retries = 3, track_deletes, confirm_deletes = 2)]
    fn optional(raw: Raw) -> Option<Out> {
        raw.open.then_some(Out { id: raw.id })
    }

    #[sync(model = "Out", endpoint = "/a", paginate(link(rel = "next", path = "next"), limit = 100))]
    fn many(raw: Raw) -> Vec<Out> {
        vec![Out { id: raw.id }, Out { id: raw.id + 1 }]
    }

    #[sync(
        model = Out,
        endpoint = "/{owner}/{type}?x=1",
        metadata = RepositoryOwner,
        paginate(
            offset(name = "skip", start = 1, by = "page"),
            limit = 50,
            limit_name = "n",
            response_path = "a.b",
            in_body
        ),
        on_invalid = "skip",
        merging = "override",
        auto_start = false,
        scopes("a", "b"),
        version = "1.2.3",
        name = "other",
        description = "Another.",
        integration = "git-hub"
    )]
    fn fallible(raw: Raw) -> Result<Option<Out>> {
        if raw.id == 0 {
            return Err(ActionError::new("no id").into());
        }
        Ok(Some(Out { id: raw.id }))
    }

    #[sync(
        model = Out,
        endpoint = "/a",
        paginate(cursor(name = "after", path = "meta.next")),
        since(param = "since", format = "unix_ms", from = "field:updated_at", overlap = "2m", full_every = "7d")
    )]
    fn of_a_value(raw: Value) -> Option<Out> {
        Some(Out { id: raw["id"].as_u64()? })
    }

    const ISSUES: &str = "query Issues { issues }";
    const GRAPHQL: &str = "POST /graphql";

    /// State that the API names in lower case.
    #[model]
    #[serde(rename_all = "lowercase")]
    pub enum State {
        /// Not closed.
        Open,
    }

    #[sync(
        model = Out,
        endpoint = "PUT /{owner}/search?sort=new",
        metadata = RepositoryOwner,
        query("state" = State::Open, "owner" = metadata.owner, "type" = metadata.r#type, "new" = ISSUES.len() > 1,),
        headers("X-Version" = "2026-01-01", "x-owner" = format!("of {}", metadata.owner)),
        body = json!({ "query": ISSUES, "variables": { "owner": metadata.owner, "all": Vec::<u8>::new() } }),
        paginate(cursor(name = "variables.after", path = "data.next"), response_path = "data.issues"),
        since(param = "variables.since")
    )]
    fn with_a_request(raw: Raw) -> Out {
        Out { id: raw.id }
    }

    #[sync(model = Out, endpoint = GRAPHQL, body = Raw { id: 1, open: true }, query("none" = None::<u8>))]
    fn of_a_constant(raw: Raw) -> Out {
        Out { id: raw.id }
    }

    #[sync(model = Out, metadata = RepositoryOwner, endpoint = "POST /a", body = metadata)]
    fn with_the_metadata_as_body(raw: Raw) -> Out {
        Out { id: raw.id }
    }

    #[sync(model = Out, endpoint = "/a", since(param = "since", full_every = "7d"), track_deletes)]
    fn with_tombstones(raw: Raw) -> Change<Out> {
        match raw.id {
            0 => Change::Skip,
            1 => Change::Keep(raw.id),
            _ if raw.open => Change::Save(Out { id: raw.id }),
            _ => Change::Delete(raw.id),
        }
    }

    #[sync(model = Out, endpoint = "/a")]
    fn with_many_changes(raw: Raw) -> Result<Vec<Change<Out>>> {
        Ok(vec![Change::Save(Out { id: raw.id }), Change::Delete(raw.id + 1)])
    }

    #[sync(model = Out, endpoint = "/a", metadata = RepositoryOwner)]
    fn with_metadata(raw: Raw, metadata: &RepositoryOwner) -> Option<Out> {
        (metadata.owner != "octocat").then_some(Out { id: raw.id })
    }

    #[sync(model = Out, endpoint = "/a", metadata = RepositoryOwner)]
    fn of_patterns(Raw { id, open }: Raw, RepositoryOwner { owner, .. }: &RepositoryOwner) -> Option<Out> {
        (open && !owner.is_empty()).then_some(Out { id })
    }

    #[sync(model = Out, endpoint = "/a/{owner}", metadata = RepositoryOwner, records_at_once = 8)]
    async fn with_handle_and_metadata(
        nango: NangoSync,
        raw: Raw,
        metadata: &RepositoryOwner,
    ) -> Result<Vec<Change<Out>>> {
        let more: Raw = nango.get(path!("/{owner}/{id}", owner = metadata.owner, id = raw.id)).json().await?;
        Ok(vec![if more.open { Change::Save(Out { id: more.id }) } else { Change::Keep(raw.id) }])
    }

    /// Requests more data from the API.
    #[sync(model = Out, endpoint = "/a", metadata = "RepositoryOwner", since(param = "since"))]
    async fn with_the_handle(nango: nango_core::NangoSync, raw: Raw) -> Result<Vec<Out>> {
        let metadata = nango.metadata().await?;
        let more: Vec<Raw> = nango.get(path!("/{owner}/{id}", owner = metadata.owner, id = raw.id)).json().await?;
        Ok(more.into_iter().map(|raw| Out { id: raw.id }).collect())
    }
}

/// Mappers of several models.
pub mod shop {
    use nango_core::prelude::*;

    /// Order of the API, which contains its lines.
    #[model]
    pub struct Order {
        /// Id of the order.
        pub id: u64,
        /// Lines of the order; `None` if they were not requested.
        pub lines: Option<Vec<Line>>,
        /// Whether the order was deleted.
        pub deleted: bool,
    }

    /// Line of an order.
    #[model]
    pub struct Line {
        /// Id of the line.
        pub id: String,
    }

    /// Customer of an order.
    #[model]
    pub struct Customer {
        /// Id of the customer.
        pub id: i64,
    }

    /// Metadata of a connection.
    #[model]
    pub struct Shop {
        /// Name of the shop.
        pub shop: String,
    }

    type OrderParts = (Order, Vec<Line>);
    type AllForms = (Option<Children<Line>>, Vec<Change<Customer>>, Change<Order>);

    #[sync(models("Order", "Line"), endpoint = "/orders", paginate, track_deletes, confirm_deletes = 2)]
    fn orders(order: Order) -> (Order, Vec<Line>) {
        (order.clone(), order.lines.unwrap_or_default())
    }

    #[sync(models(Order, Line), endpoint = "/{shop}/orders", metadata = Shop)]
    fn of_an_alias(order: Order, shop: &Shop) -> Result<OrderParts> {
        ensure!(!shop.shop.is_empty(), "a shop has a name");
        Ok((order.clone(), order.lines.unwrap_or_default()))
    }

    #[sync(models("Order", "Line", "Customer"), endpoint = "/orders", since(param = "since"), on_invalid = "skip")]
    fn of_all_forms(order: Order) -> Result<AllForms, Error> {
        if order.deleted {
            return Ok((Some(Children::of(&order.id, [])), Vec::new(), Change::Delete(order.id)));
        }
        let lines = order.lines.clone().map(|lines| Children::of(&order.id, lines));
        Ok((lines, vec![Change::Skip], Change::Save(order)))
    }

    /// Requests the lines of each order.
    #[sync(models("Order", "Line"), endpoint = "/orders", metadata = Shop)]
    async fn by_request(nango: NangoSync, order: Order, shop: &Shop) -> Result<(Order, Children<Line>)> {
        let lines: Vec<Line> = nango.get(path!("/{shop}/lines", shop = shop.shop)).json().await?;
        let lines = Children::of(&order.id, lines);
        Ok((order, lines))
    }

    #[sync(model = "Line", endpoint = "/orders")]
    fn only_lines(order: Order) -> Children<Line> {
        Children::of(&order.id, order.lines.into_iter().flatten())
    }

    #[sync(models("Order", "Line"))]
    async fn by_hand(nango: NangoSync) -> Result<()> {
        let orders: Vec<Order> = nango.get("/orders").json().await?;
        for order in &orders {
            let lines = order.lines.iter().flatten();
            nango.page().save([order]).replace_children(&order.id, lines).commit().await?;
        }
        Ok(())
    }
}

fn main() {
    let metadata = github::RepositoryOwner { owner: "a/b".into(), r#type: 1 };
    let registry = nango_core::internal::declare::Registry::load().unwrap();
    let def = registry.sync("git-hub", "other").unwrap();
    let nango_core::internal::declare::SyncRun::Mapper(mapper) = &def.run else { panic!() };
    let nango_core::internal::declare::Endpoint::Metadata(fill, _) = &mapper.endpoint else { panic!() };
    assert_eq!(fill(serde_json::to_value(metadata).unwrap()).unwrap(), "/a%2Fb/1?x=1");
    assert_eq!(def.models[0].name, "Issue");
    let models: Vec<_> = registry.sync("shop", "of-all-forms").unwrap().models.iter().map(|model| model.name).collect();
    assert_eq!(models, ["Order", "Line", "Customer"]);
    assert_eq!(registry.sync("github", "with-the-handle").unwrap().description, "Requests more data from the API.");
}

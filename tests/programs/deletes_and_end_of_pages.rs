//! Attribute keys that define the end of a walk and the confirmation of deletes.
#![allow(clippy::unwrap_used, reason = "tests report failures by panics")]
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, rust_2018_idioms, clippy::pedantic)]

/// Functions of the integration `github`.
pub mod github {
    use nango_core::prelude::*;

    /// Issue of a repository.
    #[model]
    pub struct Issue {
        /// Key of the record.
        pub id: u64,
        /// Number in the repository.
        pub number: u64,
    }

    /// Metadata of a connection.
    #[model]
    pub struct RepositoryOwner {
        /// A user or an organisation.
        pub owner: String,
        /// A keyword as field name.
        pub r#type: u32,
    }

    #[sync(
        model = Issue,
        endpoint = "/issues",
        paginate(
            last_item(name = "starting_after", id = "id"),
            has_more = "has_more",
            is_last = "meta.isLast",
            total = "meta.total",
            total_pages = "meta.pages",
            null_is_empty,
            end_status(400, 404),
            pagination = "position"
        ),
        track_deletes,
        confirm_deletes = 3,
        hold = "0s",
        max_deletes = "20%",
        since(param = "since", full_every = "7d")
    )]
    fn confirmed_by_walks(issue: Issue) -> Issue {
        issue
    }

    /// Fetches a list whose records are the values of an object.
    #[sync(
        model = Issue,
        endpoint = "/issues-by-key",
        paginate(link(rel = "next"), response_path = "data.items.*", response_key = "id"),
        error(when = "ok", is = false, message = "error"),
        error(path = "errors[0].message", partial = true),
        track_deletes
    )]
    fn values_of_an_object(issue: Issue) -> Issue {
        issue
    }

    #[sync(
        model = Issue,
        endpoint = "/{owner}/issues",
        metadata = RepositoryOwner,
        paginate(cursor(name = "after", path = "next"), pagination = "token", null_is_empty = false),
        track_deletes,
        confirm_deletes(get = "/{owner}/{type}/{record.number}?id={record.id}", response_path = "data.issue"),
        hold = "2h"
    )]
    fn confirmed_by_request(issue: Issue) -> Option<Issue> {
        Some(issue)
    }

    #[sync(model = Issue, endpoint = "/issues", track_deletes, confirm_deletes(get = "/issues/{record.id}"))]
    fn confirmed_by_id_request(issue: Issue) -> Issue {
        issue
    }

    #[sync(model = Issue, confirm_deletes = 2, hold = "30d", max_deletes = "100%")]
    async fn by_hand(nango: NangoSync) -> Result<()> {
        let scan = nango.full_scan::<Issue>().await?;
        nango.batch_save([Issue { id: 1, number: 1 }]).await?;
        scan.finish().await?;
        Ok(())
    }
}

fn main() {
    use nango_core::{
        __private::{ConfirmField, Deletes},
        internal::{
            declare::{Registry, SyncDef, SyncRun},
            run::confirm_path,
        },
        prelude::*,
    };

    let registry = Registry::load().unwrap();
    let def = |name: &str| -> &'static SyncDef { registry.sync("github", name).unwrap() };
    let SyncRun::Mapper(by_walks) = &def("confirmed-by-walks").run else { panic!() };
    let expect = Paginate::last_item("starting_after", "id")
        .has_more("has_more")
        .is_last("meta.isLast")
        .total("meta.total")
        .total_pages("meta.pages")
        .null_is_empty(true)
        .end_status([400, 404])
        .pagination(Pagination::Position);
    assert_eq!(by_walks.paginate, Some(expect));
    let Deletes { confirm, request, hold, max_percent } = def("confirmed-by-walks").deletes;
    assert_eq!((confirm, request.is_none(), hold, max_percent), (Some(3), true, 0, Some(20)));

    let SyncRun::Mapper(of_object) = &def("values-of-an-object").run else { panic!() };
    let expect = Paginate::link("next").response_path("data.items.*").response_key("id");
    assert_eq!(of_object.paginate, Some(expect));
    let expect = [ErrorAt::when("ok", false).message("error"), ErrorAt::path("errors[0].message").partial()];
    assert_eq!(of_object.errors, expect);

    let SyncRun::Mapper(by_request) = &def("confirmed-by-request").run else { panic!() };
    let expect = Paginate::cursor("after", "next").pagination(Pagination::Token).null_is_empty(false);
    assert_eq!(by_request.paginate, Some(expect));
    let Deletes { confirm, request, hold, max_percent } = def("confirmed-by-request").deletes;
    assert_eq!((confirm, hold, max_percent), (None, 7_200, None));
    let request = request.unwrap();
    let record = ConfirmField::Record;
    assert_eq!(
        request.fields,
        [ConfirmField::Metadata("owner"), ConfirmField::Metadata("type"), record("number"), record("id")]
    );
    assert_eq!(request.response_path, Some("data.issue"));
    let metadata = json!({ "owner": "a/b", "type": 2 });
    let path = confirm_path(request, Some(metadata), "x&y", Some("{\"number\":7}")).unwrap();
    assert_eq!(path.as_deref(), Some("/a%2Fb/2/7?id=x%26y"));
    assert_eq!(confirm_path(request, Some(json!({ "owner": "o", "type": 1 })), "1", None).unwrap(), None);
    assert!(confirm_path(request, None, "1", None).is_err());

    let by_id = def("confirmed-by-id-request").deletes.request.unwrap();
    assert_eq!(confirm_path(by_id, None, "7", None).unwrap().as_deref(), Some("/issues/7"));
    assert_eq!(def("confirmed-by-id-request").deletes.hold, Deletes::DEFAULT_HOLD);

    let Deletes { confirm, request, hold, max_percent } = def("by-hand").deletes;
    assert_eq!((confirm, request.is_none(), hold, max_percent), (Some(2), true, 2_592_000, Some(100)));
    assert!(!def("by-hand").track_deletes);
}

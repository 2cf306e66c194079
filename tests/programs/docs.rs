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
        nango.post(path!("/repos/{owner}/{repo}/labels")).body(&json!({ "name": name })).json().await
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

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(github::test_labels()).unwrap();
    runtime.block_on(github::test_add_label()).unwrap();
    let registry = nango_core::internal::declare::Registry::load().unwrap();
    assert_eq!(registry.entries().len(), 6);
}

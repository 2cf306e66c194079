use std::collections::BTreeMap;

use nango_core::prelude::*;

/// Metadata of a connection: the database to sync.
#[model]
pub struct NotionDatabase {
    /// Id of the database, as in its URL.
    pub database_id: String,
}

/// A page of a Notion database.
#[model]
pub struct NotionPage {
    /// Id of the page.
    pub id: String,
    /// Title of the page, without formatting.
    pub title: String,
    /// URL of the page.
    pub url: String,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// A page as Notion sends it.
#[derive(Deserialize)]
pub struct ApiPage {
    id: String,
    url: String,
    last_edited_time: Timestamp,
    #[serde(default)]
    properties: BTreeMap<String, ApiProperty>,
}

/// A property of a page. One property of each page is its title, whatever its name is.
#[derive(Deserialize)]
pub struct ApiProperty {
    #[serde(default)]
    title: Vec<ApiRichText>,
}

/// A part of a text.
#[derive(Deserialize)]
pub struct ApiRichText {
    plain_text: String,
}

/// Syncs the pages of a database.
///
/// Pages are requested with POST: cursor and page size, which the provider's entry in the catalogue names, are fields
/// of the body. Later versions of the API list the pages of data sources in place of databases.
#[sync(
    model = "NotionPage",
    frequency = "every 30 minutes",
    metadata = NotionDatabase,
    endpoint = "POST /v1/databases/{database_id}/query",
    headers("Notion-Version" = "2022-06-28"),
    paginate(limit = 100),
    track_deletes,
    retries = 3
)]
pub fn pages(page: ApiPage) -> NotionPage {
    let title = page.properties.into_values().flat_map(|property| property.title).map(|part| part.plain_text).collect();
    NotionPage { id: page.id, title, url: page.url, updated_at: page.last_edited_time }
}

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::*;

    const PATH: &str = "/v1/databases/d1/query";

    fn list(pages: &[Value], next: Option<&str>) -> Value {
        json!({ "object": "list", "results": pages, "next_cursor": next, "has_more": next.is_some() })
    }

    fn page(id: &str) -> Value {
        let title = json!([{ "plain_text": "Road" }, { "plain_text": "map" }]);
        let name = json!({ "type": "title", "title": title });
        json!({
            "object": "page", "id": id, "url": format!("https://notion.test/{id}"),
            "last_edited_time": "2026-01-02T00:00:00.000Z",
            "properties": { "Done": { "type": "checkbox", "checkbox": true }, "Name": name },
        })
    }

    fn mock() -> Mock {
        Mock::new().metadata(NotionDatabase { database_id: "d1".into() })
    }

    #[tokio::test]
    async fn cursor_is_sent_in_the_body_and_missing_pages_are_deleted() -> Result<()> {
        let mock = mock()
            .on("POST", PATH)
            .header("Notion-Version", "2022-06-28")
            .body(json!({ "page_size": 100 }))
            .reply(list(&[page("p1"), page("p2")], Some("c2")))
            .on("POST", PATH)
            .body(json!({ "page_size": 100, "start_cursor": "c2" }))
            .reply(list(&[page("p3")], None))
            .reply(PATH, list(&[page("p1"), page("p3")], None));

        assert_eq!(mock.run(pages).await?.counts::<NotionPage>().added, 3);
        assert_eq!(mock.run(pages).await?.counts::<NotionPage>().deleted, 1);

        assert_eq!(mock.deleted::<NotionPage>().await, ["p2"]);
        assert_eq!(mock.saved::<NotionPage>().await[0].title, "Roadmap");
        Ok(())
    }

    #[tokio::test]
    async fn database_that_is_not_shared_fails_the_run() {
        let message = "Could not find database with ID: d1.";
        let mock = mock().reply_with(PATH, 404, json!({ "object": "error", "status": 404, "message": message }));

        let error = mock.run(pages).await.unwrap_err();

        assert!(error.to_string().contains(message), "{error}");
    }
}

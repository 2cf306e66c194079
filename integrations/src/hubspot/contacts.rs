use nango_core::prelude::*;

// vocabulary: allow (these texts are part of the schema that an interrupted walk of the previous version depends on)
/// A contact.
#[model]
pub struct HubspotContact {
    /// HubSpot's id of the contact.
    pub id: String,
    /// The mail address.
    pub email: Option<String>,
    /// First and last name, as far as they are known.
    pub name: String,
    /// When it last changed (RFC 3339).
    pub updated_at: String,
}

/// A contact as HubSpot sends it: it is only read, so it needs no schema.
#[derive(Deserialize)]
pub struct ApiContact {
    /// Id of the contact.
    pub id: String,
    /// Requested properties.
    pub properties: ApiProperties,
    /// Time of the last change (RFC 3339).
    #[serde(rename = "updatedAt")]
    pub updated_at: String,
}

/// Properties that the sync requests.
#[derive(Deserialize)]
pub struct ApiProperties {
    /// Email address.
    pub email: Option<String>,
    /// First name.
    pub firstname: Option<String>,
    /// Last name.
    pub lastname: Option<String>,
}

/// Syncs the contacts of a portal.
///
/// Pagination is declared in the provider's entry in the catalogue: a cursor.
#[sync(
    model = "HubspotContact",
    frequency = "every hour",
    endpoint = "/crm/v3/objects/contacts?properties=email,firstname,lastname",
    paginate(limit = 100, response_path = "results"),
    track_deletes,
    retries = 3,
    scopes("crm.objects.contacts.read")
)]
pub fn contacts(contact: ApiContact) -> HubspotContact {
    let ApiProperties { email, firstname, lastname } = contact.properties;
    let name = [firstname, lastname].into_iter().flatten().collect::<Vec<_>>().join(" ");
    HubspotContact { id: contact.id, email, name, updated_at: contact.updated_at }
}

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::*;

    const PATH: &str = "/crm/v3/objects/contacts";

    fn contact(id: &str, first: Option<&str>, last: Option<&str>) -> Value {
        let properties = json!({ "email": null, "firstname": first, "lastname": last });
        json!({ "id": id, "properties": properties, "updatedAt": "2026-01-01T00:00:00Z" })
    }

    #[tokio::test]
    async fn pages_follow_the_cursor_and_missing_contacts_are_deleted() -> Result<()> {
        let next = json!({ "next": { "after": "c2" } });
        let mock = Mock::new()
            .on("GET", "/crm/v3/objects/contacts?limit=100&properties=email,firstname,lastname")
            .reply(json!({ "results": [contact("1", None, None), contact("2", None, None)], "paging": next }))
            .on("GET", PATH)
            .query("after", "c2")
            .reply(json!({ "results": [contact("3", None, None)] }));
        assert_eq!(mock.run(contacts).await?.counts::<HubspotContact>().added, 3);

        let mock = mock.reply(PATH, json!({ "results": [contact("1", None, None), contact("3", None, None)] }));
        assert_eq!(mock.run(contacts).await?.counts::<HubspotContact>().deleted, 1);
        assert_eq!(mock.deleted::<HubspotContact>().await, ["2"]);
        Ok(())
    }

    #[tokio::test]
    async fn name_is_built_from_known_parts() -> Result<()> {
        let people = [
            contact("1", Some("Ada"), Some("Lovelace")),
            contact("2", None, Some("Lovelace")),
            contact("3", None, None),
        ];
        let mock = Mock::new().reply(PATH, json!({ "results": people }));

        mock.run(contacts).await?;

        let names: Vec<String> = mock.saved::<HubspotContact>().await.into_iter().map(|contact| contact.name).collect();
        assert_eq!(names, ["Ada Lovelace", "Lovelace", ""]);
        Ok(())
    }
}

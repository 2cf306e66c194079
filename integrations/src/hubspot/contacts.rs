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

/// A contact as HubSpot sends it.
#[model]
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
#[model]
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
    use super::*;

    #[test]
    fn name_is_built_from_known_parts() {
        let named = |first: Option<&str>, last: Option<&str>| {
            let (firstname, lastname) = (first.map(Into::into), last.map(Into::into));
            let properties = ApiProperties { email: None, firstname, lastname };
            contacts(ApiContact { id: "1".into(), properties, updated_at: "2026-01-01T00:00:00Z".into() }).name
        };
        assert_eq!(named(Some("Ada"), Some("Lovelace")), "Ada Lovelace");
        assert_eq!(named(None, Some("Lovelace")), "Lovelace");
        assert_eq!(named(None, None), "");
    }
}

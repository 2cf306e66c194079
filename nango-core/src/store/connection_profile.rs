//! Description of a connection by the application: its end user, tags, and target of webhooks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Values that an application stores with a connection, to find it again and to route its webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConnectionProfile {
    /// The application's user to whom the connection belongs.
    pub end_user: Option<EndUser>,
    /// Values by which connections are selected.
    pub tags: BTreeMap<String, String>,
    /// The URL that receives the webhooks of this connection instead of the configured one.
    pub webhook_url: Option<String>,
}

/// A user of the application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndUser {
    /// The id in the application.
    pub id: String,
    /// The name for display.
    #[serde(default)]
    pub display_name: Option<String>,
    /// The e-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// Further values, by name.
    #[serde(default)]
    pub tags: Option<BTreeMap<String, String>>,
    /// The organization that the user belongs to.
    #[serde(default)]
    pub organization: Option<Organization>,
}

/// An organization of the application's users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// The id in the application.
    pub id: String,
    /// The name for display.
    #[serde(default)]
    pub display_name: Option<String>,
}

/// A change of a profile. `None` keeps the stored value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProfileChange {
    /// The new end user.
    pub end_user: Option<EndUser>,
    /// The change of the tags.
    pub tags: Option<TagsChange>,
    /// The new target of webhooks; `Some(None)` removes it.
    pub webhook_url: Option<Option<String>>,
}

/// A change of the tags of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagsChange {
    /// Replaces all tags.
    Replace(BTreeMap<String, String>),
    /// Sets these tags and keeps the others.
    Merge(BTreeMap<String, String>),
}

impl ProfileChange {
    /// Returns whether nothing changes.
    pub(crate) fn is_empty(&self) -> bool {
        self.end_user.is_none() && self.tags.is_none() && self.webhook_url.is_none()
    }

    /// Returns the profile after the change.
    pub(crate) fn apply(&self, stored: ConnectionProfile) -> ConnectionProfile {
        let ConnectionProfile { end_user, mut tags, webhook_url } = stored;
        match &self.tags {
            None => {}
            Some(TagsChange::Replace(new)) => tags.clone_from(new),
            Some(TagsChange::Merge(new)) => tags.extend(new.clone()),
        }
        ConnectionProfile {
            end_user: self.end_user.clone().or(end_user),
            tags,
            webhook_url: self.webhook_url.clone().unwrap_or(webhook_url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn change_keeps_values_that_are_not_given() {
        let user = EndUser { id: "u".into(), display_name: None, email: None, tags: None, organization: None };
        let stored = ConnectionProfile {
            end_user: Some(user),
            tags: tags(&[("a", "1"), ("b", "2")]),
            webhook_url: Some("https://a.example".into()),
        };
        assert!(ProfileChange::default().is_empty());
        assert_eq!(ProfileChange::default().apply(stored.clone()), stored);
        let merged = ProfileChange { tags: Some(TagsChange::Merge(tags(&[("b", "3")]))), ..ProfileChange::default() };
        assert_eq!(merged.apply(stored.clone()).tags, tags(&[("a", "1"), ("b", "3")]));
        let replaced = ProfileChange {
            tags: Some(TagsChange::Replace(tags(&[("c", "4")]))),
            webhook_url: Some(None),
            ..ProfileChange::default()
        };
        let after = replaced.apply(stored.clone());
        assert_eq!((after.tags, after.webhook_url), (tags(&[("c", "4")]), None));
        assert_eq!(after.end_user, stored.end_user);
    }
}

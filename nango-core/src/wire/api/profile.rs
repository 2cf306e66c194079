//! End user, tags and webhook URL of a connection, as requests contain them.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use url::Url;

use super::text::{Email, ShortText, is_email};
use crate::store::{EndUser, Organization, ProfileChange, TagsChange};

/// Maximum number of tags.
const MAX_TAGS: usize = 10;
/// Maximum length of the key of a tag.
const MAX_TAG_KEY: usize = 64;
/// Maximum length of the value of a tag, and of a URL.
const MAX_TAG_VALUE: usize = 255;
/// Maximum length of a URL.
const MAX_URL: usize = 2_000;

/// Tags by which connections are selected: at most ten. Keys are stored in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tags(BTreeMap<String, String>);

impl Tags {
    fn parse(given: Vec<(String, String)>) -> Result<Self, String> {
        if given.len() > MAX_TAGS {
            return Err(format!("expected at most {MAX_TAGS} tags"));
        }
        let mut tags = BTreeMap::new();
        for (key, value) in given {
            let is_key = key.len() <= MAX_TAG_KEY
                && key.starts_with(|c: char| c.is_ascii_alphabetic())
                && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
            if !is_key {
                return Err(format!(
                    "expected keys of 1 to {MAX_TAG_KEY} characters: a letter, followed by letters, digits and `_-./`"
                ));
            }
            let length = value.chars().count();
            if length == 0 || length > MAX_TAG_VALUE || value.chars().any(char::is_control) {
                return Err(format!("`{key}`: expected a text of 1 to {MAX_TAG_VALUE} characters"));
            }
            let key = key.to_ascii_lowercase();
            if key == "end_user_email" && !is_email(&value) {
                return Err("`end_user_email`: expected an e-mail address".to_owned());
            }
            if tags.insert(key.clone(), value).is_some() {
                return Err(format!("`{key}` is given twice; upper and lower case are equal"));
            }
        }
        Ok(Self(tags))
    }

    /// Returns the tags by their keys in lower case.
    fn into_map(self) -> BTreeMap<String, String> {
        self.0
    }
}

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = BTreeMap::<String, String>::deserialize(deserializer)?;
        Self::parse(given.into_iter().collect()).map_err(de::Error::custom)
    }
}

impl JsonSchema for Tags {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Tags".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "maxProperties": MAX_TAGS,
            "propertyNames": { "pattern": "^[A-Za-z][A-Za-z0-9_./-]*$", "maxLength": MAX_TAG_KEY },
            "additionalProperties": {
                "type": "string", "minLength": 1, "maxLength": MAX_TAG_VALUE, "pattern": r"^[^\p{Cc}]*$",
            },
        })
    }
}

/// URL that receives the webhooks of a connection instead of the configured one; an empty text removes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebhookUrl(Option<String>);

impl WebhookUrl {
    fn parse(text: String) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let expected =
            "expected an absolute `https://` or `http://` URL without user name and password, or an empty text";
        let url = Url::parse(&text).ok().filter(|_| text.len() <= MAX_URL).ok_or(expected)?;
        let has_login = !url.username().is_empty() || url.password().is_some();
        if !matches!(url.scheme(), "http" | "https") || has_login || text.chars().any(char::is_control) {
            return Err(expected.to_owned());
        }
        Ok(Self(Some(text)))
    }
}

impl<'de> Deserialize<'de> for WebhookUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl JsonSchema for WebhookUrl {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "WebhookUrl".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "URL that receives the webhooks of the connection; an empty text removes it.",
            "anyOf": [{ "type": "string", "format": "uri", "maxLength": MAX_URL }, { "const": "" }],
        })
    }
}

/// User of the application to whom a connection belongs.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndUserBody {
    id: ShortText,
    #[serde(default)]
    email: Option<Email>,
    #[serde(default)]
    display_name: Option<ShortText>,
    #[serde(default)]
    tags: Option<Tags>,
    /// Organization that the user belongs to.
    #[serde(default)]
    organization: Option<OrganizationBody>,
}

/// Organization of users of the application.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OrganizationBody {
    id: ShortText,
    #[serde(default)]
    display_name: Option<ShortText>,
}

impl EndUserBody {
    fn into_end_user(self) -> EndUser {
        let text = |text: Option<ShortText>| text.map(String::from);
        EndUser {
            id: self.id.into(),
            display_name: text(self.display_name),
            email: self.email.map(String::from),
            tags: self.tags.map(Tags::into_map),
            organization: self.organization.map(|organization| Organization {
                id: organization.id.into(),
                display_name: text(organization.display_name),
            }),
        }
    }
}

/// Body of a change of a connection.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectionPatch {
    /// End user, which replaces the stored one.
    #[serde(default)]
    pub end_user: Option<EndUserBody>,
    /// Tags, which replace the stored ones.
    #[serde(default)]
    pub tags: Option<Tags>,
    /// URL of webhooks.
    #[serde(default)]
    pub webhook_url_override: Option<WebhookUrl>,
}

impl ConnectionPatch {
    /// Returns the change of the profile. The values of the end user are tags too; given tags win. Tags that are given
    /// replace the stored ones, and an end user without them adds its tags to the stored ones.
    pub(crate) fn into_change(self) -> ProfileChange {
        let end_user = self.end_user.map(EndUserBody::into_end_user);
        let derived = end_user.as_ref().map(derived_tags);
        let tags = match (self.tags, derived) {
            (Some(Tags(given)), derived) => {
                let mut tags = derived.unwrap_or_default();
                tags.extend(given);
                Some(TagsChange::Replace(tags))
            }
            (None, derived) => derived.map(TagsChange::Merge),
        };
        ProfileChange { end_user, tags, webhook_url: self.webhook_url_override.map(|url| url.0) }
    }
}

/// Returns the tags that select a connection by its end user.
fn derived_tags(user: &EndUser) -> BTreeMap<String, String> {
    let organization = user.organization.as_ref();
    let all = [
        ("end_user_id", Some(&user.id)),
        ("end_user_email", user.email.as_ref()),
        ("end_user_display_name", user.display_name.as_ref()),
        ("organization_id", organization.map(|organization| &organization.id)),
        ("organization_display_name", organization.and_then(|organization| organization.display_name.as_ref())),
    ];
    all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read<T: for<'de> Deserialize<'de>>(value: Value) -> Result<T, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn tags_are_limited_and_stored_in_lower_case() {
        let tags: Tags = read(json!({ "Plan": "Pro", "a.b/c-d_e": "1" })).unwrap();
        assert_eq!(
            tags.0.into_iter().collect::<Vec<_>>(),
            [("a.b/c-d_e".to_owned(), "1".to_owned()), ("plan".to_owned(), "Pro".to_owned())]
        );
        let many: serde_json::Map<_, _> = (0..11).map(|n| (format!("k{n}"), json!("v"))).collect();
        for wrong in [
            json!({ "1a": "x" }),
            json!({ "": "x" }),
            json!({ "a b": "x" }),
            json!({ "a": "" }),
            json!({ "a": 1 }),
            json!({ "a": "x\u{0}" }),
            json!({ "a": "x".repeat(256) }),
            json!({ "x".repeat(65): "x" }),
            json!({ "Plan": "a", "plan": "b" }),
            json!({ "end_user_email": "no-address" }),
            Value::Object(many),
        ] {
            assert!(read::<Tags>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn webhook_url_is_absolute_and_has_no_login() {
        for (text, expect) in [
            ("", true),
            ("https://a.example/hook?x=1", true),
            ("http://localhost:3000", true),
            ("a.example", false),
            ("ftp://a.example", false),
            ("https://user:secret@a.example", false),
        ] {
            assert_eq!(read::<WebhookUrl>(json!(text)).is_ok(), expect, "{text}");
        }
    }

    #[test]
    fn end_user_adds_its_tags_and_given_tags_win() {
        let user = json!({
            "id": "u", "email": "u@a.example", "display_name": "U", "organization": { "id": "o" }
        });
        let change = |value: Value| read::<ConnectionPatch>(value).unwrap().into_change();
        let both = change(json!({ "end_user": user, "tags": { "end_user_id": "other", "x": "y" } }));
        let Some(TagsChange::Replace(tags)) = both.tags else { panic!("not replaced") };
        assert_eq!(
            serde_json::to_value(tags).unwrap(),
            json!({
                "end_user_id": "other", "end_user_email": "u@a.example", "end_user_display_name": "U",
                "organization_id": "o", "x": "y",
            })
        );
        let only_user = change(json!({ "end_user": { "id": "u" } }));
        assert_eq!(only_user.tags, Some(TagsChange::Merge([("end_user_id".to_owned(), "u".to_owned())].into())));
        assert_eq!(change(json!({})), ProfileChange::default());
        assert_eq!(change(json!({ "webhook_url_override": "" })).webhook_url, Some(None));
        for wrong in
            [json!({ "end_user": { "id": "" } }), json!({ "end_user": { "id": "u", "x": 1 } }), json!({ "x": 1 })]
        {
            assert!(read::<ConnectionPatch>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}

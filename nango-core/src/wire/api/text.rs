//! Texts in bodies of requests that are checked while they are decoded.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, de};

use crate::wire::TextRule;

/// Defines a type of texts that fit a rule. Its schema describes the rule.
macro_rules! text_type {
    ($($(#[$doc:meta])* $name:ident: $rule:expr;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub(crate) struct $name(String);

            impl $name {
                const RULE: TextRule = $rule;
            }

            impl AsRef<str> for $name {
                fn as_ref(&self) -> &str {
                    &self.0
                }
            }

            impl From<$name> for String {
                fn from(text: $name) -> Self {
                    text.0
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let text = String::deserialize(deserializer)?;
                    Self::RULE.check(&text, &[]).map_err(|error| de::Error::custom(error.message))?;
                    Ok(Self(text))
                }
            }

            impl JsonSchema for $name {
                fn inline_schema() -> bool {
                    true
                }

                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    Self::RULE.schema()
                }
            }
        )*
    };
}

text_type! {
    /// Unique key of an integration.
    UniqueKey: TextRule::UNIQUE_KEY;
    /// Name of a function or of a variant.
    ScriptName: TextRule::NAME;
    /// Id of a connection.
    ConnectionId: TextRule::CONNECTION_ID;
    /// Name of a model.
    ModelName: TextRule::MODEL;
    /// Cursor of a feed.
    CursorText: TextRule::CURSOR;
    /// Id or name in the application.
    ShortText: TextRule::any(1, 255);
}

/// E-mail address: one `@` between a name and a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Email(String);

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if is_email(&text) { Ok(Self(text)) } else { Err(de::Error::custom("expected an e-mail address")) }
    }
}

impl JsonSchema for Email {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Email".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string", "pattern": r"^[!-?A-~]+@[!-?A-~]+\.[!-?A-~]+$", "minLength": 3, "maxLength": 255,
        })
    }
}

/// Returns whether a text has the form of an e-mail address, in visible ASCII characters.
pub(super) fn is_email(text: &str) -> bool {
    let Some((name, domain)) = text.split_once('@') else { return false };
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@');
    let has_labels = domain.rsplit_once('.').is_some_and(|(host, last)| is_part(host) && is_part(last));
    text.len() <= 255 && is_part(name) && has_labels
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn text_that_does_not_fit_its_rule_is_refused() {
        assert_eq!(from_value::<UniqueKey>(json!("a b")).unwrap().as_ref(), "a b");
        assert!(from_value::<UniqueKey>(json!("a/b")).is_err());
        assert!(from_value::<ConnectionId>(json!("a/b")).is_ok() && from_value::<ConnectionId>(json!("")).is_err());
        assert!(from_value::<ModelName>(json!("Issue")).is_ok() && from_value::<ModelName>(json!("issue")).is_err());
        assert!(
            from_value::<ShortText>(json!("é".repeat(256))).is_err() && from_value::<ScriptName>(json!(1)).is_err()
        );
    }

    #[test]
    fn email_has_name_and_domain() {
        for (text, expect) in [
            ("a@b.co", true),
            ("a.b+c@d-e.example", true),
            ("a@b", false),
            ("@b.co", false),
            ("a@.co", false),
            ("a@b.", false),
            ("a b@c.de", false),
            ("a@b@c.de", false),
        ] {
            assert_eq!(from_value::<Email>(json!(text)).is_ok(), expect, "{text}");
        }
    }
}

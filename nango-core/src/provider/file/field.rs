//! Fields of connection forms.

use serde_json::Value;

use super::key_reader::{KeyReader, scalar_text};
use crate::provider::{Field, LazyPattern};

/// Reads the fields of a form, those with an `order` first. An invalid field is reported and omitted.
pub(super) fn read(keys: &KeyReader<'_>, key: &'static str) -> Vec<Field> {
    let Some(pairs) = keys.diagnostics().ok_or_record(keys.pairs(key)) else { return Vec::new() };
    let fields = pairs.into_iter().filter_map(|(name, value)| {
        let path = format!("{key}.{name}");
        keys.diagnostics().ok_or_record(keys.child(&path, value).and_then(|keys| field(name, keys)))
    });
    let mut fields: Vec<Field> = fields.collect();
    fields.sort_by_key(|field| field.order.unwrap_or(i64::MAX));
    fields
}

fn field(name: &str, keys: KeyReader<'_>) -> Result<Field, String> {
    // Ignored: sections of Nango's documentation, the type (always a text), and keys that only Nango's pages use.
    keys.ignore(&["type", "doc_section", "visible_when", "warnings"]);
    let field = Field {
        name: name.to_owned(),
        title: keys.string("title")?.filter(|title| !title.is_empty()).unwrap_or_else(|| name.to_owned()),
        description: keys.string("description")?.unwrap_or_default(),
        example: keys.string("example")?,
        pattern: keys.string("pattern")?.map(LazyPattern::new),
        format: keys.string("format")?,
        choices: keys.strings("enum")?,
        default: keys.get("default_value").and_then(scalar_text),
        prefix: keys.string("prefix")?,
        suffix: keys.string("suffix")?,
        order: keys.get("order").and_then(Value::as_i64),
        optional: keys.flag("optional")?,
        automated: keys.flag("automated")?,
        hidden: keys.flag("hidden")?,
        secret: keys.flag("secret")?,
    };
    keys.warn_about_unread();
    Ok(field)
}

//! What a person is asked for.

use serde_json::Value;

use super::keys::{Keys, plain};
use crate::provider::{Field, LazyPattern};

/// The fields of a form, those with a place first. One that is wrong is left out and told: nothing else depends on it.
pub(super) fn read(keys: &Keys<'_>, key: &'static str) -> Vec<Field> {
    let Some(pairs) = keys.notes().keep(keys.pairs(key)) else { return Vec::new() };
    let fields = pairs.into_iter().filter_map(|(name, value)| {
        let path = format!("{key}.{name}");
        keys.notes().keep(keys.below(&path, value).and_then(|keys| field(name, keys)))
    });
    let mut fields: Vec<Field> = fields.collect();
    fields.sort_by_key(|field| field.order.unwrap_or(i64::MAX));
    fields
}

fn field(name: &str, keys: Keys<'_>) -> Result<Field, String> {
    // Sections of documents that are not ours, the type (always a text), and what only the original's pages know.
    keys.pass(&["type", "doc_section", "visible_when", "warnings"]);
    let field = Field {
        name: name.to_owned(),
        title: keys.text("title")?.filter(|title| !title.is_empty()).unwrap_or_else(|| name.to_owned()),
        description: keys.text("description")?.unwrap_or_default(),
        example: keys.text("example")?,
        pattern: keys.text("pattern")?.map(LazyPattern::new),
        format: keys.text("format")?,
        choices: keys.texts("enum")?,
        default: keys.get("default_value").and_then(plain),
        prefix: keys.text("prefix")?,
        suffix: keys.text("suffix")?,
        order: keys.get("order").and_then(Value::as_i64),
        optional: keys.switch("optional")?,
        automated: keys.switch("automated")?,
        hidden: keys.switch("hidden")?,
        secret: keys.switch("secret")?,
    };
    keys.finish();
    Ok(field)
}

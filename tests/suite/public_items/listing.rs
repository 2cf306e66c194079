//! Reads the public items of a crate from the JSON of rustdoc.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The public items of a crate.
pub(super) struct Listing {
    /// One sorted line per item: its kind, its path, and the types of other crates in its signature.
    pub(super) lines: Vec<String>,
    /// Types of other crates, with the path of an item whose signature has them.
    pub(super) foreign: BTreeMap<String, String>,
}

/// Reads modules from the root on. The first path of an item is its name; further ones are listed as re-exports.
struct Reader<'a> {
    document: &'a Value,
    listing: Listing,
    paths: BTreeMap<String, String>,
    modules: Vec<(String, &'a Value)>,
}

impl Listing {
    pub(super) fn new(document: &Value) -> Self {
        let listing = Self { lines: Vec::new(), foreign: BTreeMap::new() };
        let mut reader = Reader { document, listing, paths: BTreeMap::new(), modules: Vec::new() };
        let root = reader.item(&document["root"]).expect("the root module");
        reader.modules.push((String::new(), &root["inner"]["module"]));
        // The root comes before the modules, because its paths are shorter.
        while !reader.modules.is_empty() {
            let (path, module) = reader.modules.remove(0);
            reader.module(&path, module);
        }
        let mut listing = reader.listing;
        listing.lines.sort();
        assert!(listing.lines.len() > 100, "{} public items were found", listing.lines.len());
        listing
    }
}

impl<'a> Reader<'a> {
    fn item(&self, id: &Value) -> Option<&'a Value> {
        self.document["index"].get(id.to_string())
    }

    fn module(&mut self, path: &str, module: &'a Value) {
        for id in list(&module["items"]) {
            let Some(item) = self.item(id) else { continue };
            let target = &item["inner"]["use"];
            if target.is_null() {
                self.define(join(path, "::", item), id);
            } else if self.item(&target["id"]).is_some() {
                self.define(join(path, "::", target), &target["id"]);
            } else {
                let source = self.path_of(&target["id"]).unwrap_or_else(|| text(&target["source"]).to_owned());
                self.listing.lines.push(format!("use {} = {source}", join(path, "::", target)));
            }
        }
    }

    fn define(&mut self, path: String, id: &Value) {
        let Some((item, (kind, inner))) = self.item(id).and_then(|item| Some((item, kind(item)?))) else { return };
        if let Some(first) = self.paths.get(&id.to_string()) {
            self.listing.lines.push(format!("use {path} = {first}"));
            return;
        }
        self.paths.insert(id.to_string(), path.clone());
        match kind {
            "module" => {
                self.listing.lines.push(format!("mod {path}"));
                self.modules.push((path, inner));
            }
            "struct" | "enum" => {
                self.line(item, &path, &inner["generics"]);
                let fields = [&inner["kind"]["plain"]["fields"], &inner["kind"]["tuple"]];
                self.members(&path, ".", fields.into_iter().flat_map(list));
                self.members(&path, "::", list(&inner["variants"]));
                for id in list(&inner["impls"]) {
                    let Some(item) = self.item(id) else { continue };
                    let inner = &item["inner"]["impl"];
                    if inner["trait"].is_null() {
                        self.members(&path, "::", list(&inner["items"]));
                    }
                }
            }
            "trait" => {
                self.line(item, &path, &Value::Array(vec![inner["generics"].clone(), inner["bounds"].clone()]));
                self.members(&path, "::", list(&inner["items"]));
            }
            _ => self.line(item, &path, inner),
        }
    }

    fn members(&mut self, path: &str, separator: &str, ids: impl Iterator<Item = &'a Value>) {
        for id in ids {
            if let Some(item) = self.item(id) {
                self.line(item, &join(path, separator, item), &item["inner"]);
            }
        }
    }

    fn line(&mut self, item: &Value, path: &str, signature: &Value) {
        let kind = match kind(item).map(|(kind, _)| kind).unwrap_or_default() {
            "assoc_const" | "constant" => "const",
            "assoc_type" | "type_alias" => "type",
            "function" => "fn",
            "struct_field" => "field",
            other => other,
        };
        let mut foreign = BTreeSet::new();
        self.foreign_types(signature, &mut foreign);
        let is_open = list(&item["attrs"]).any(|attribute| attribute == "non_exhaustive");
        let note = if is_open { " (non-exhaustive)" } else { "" };
        let types = match foreign.iter().map(String::as_str).collect::<Vec<_>>().join(", ") {
            types if types.is_empty() => types,
            types => format!(" [{types}]"),
        };
        for name in foreign {
            self.listing.foreign.entry(name).or_insert_with(|| path.to_owned());
        }
        self.listing.lines.push(format!("{kind} {path}{note}{types}"));
    }

    /// Collects the types and traits in a signature that neither this crate nor the standard library defines.
    fn foreign_types(&self, signature: &Value, found: &mut BTreeSet<String>) {
        match signature {
            Value::Object(object) => {
                let is_path = object.contains_key("path") || object.contains_key("name");
                if let Some(path) = object.get("id").filter(|_| is_path).and_then(|id| self.path_of(id)) {
                    let own = ["nango_core", "std", "core", "alloc"];
                    if !own.contains(&path.split("::").next().unwrap_or_default()) {
                        found.insert(path);
                    }
                }
                object.values().for_each(|value| self.foreign_types(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| self.foreign_types(value, found)),
            _ => {}
        }
    }

    /// Returns the path of an item where it is defined.
    fn path_of(&self, id: &Value) -> Option<String> {
        let path = &self.document["paths"].get(id.to_string())?["path"];
        Some(list(path).map(text).collect::<Vec<_>>().join("::"))
    }
}

fn kind(item: &Value) -> Option<(&str, &Value)> {
    item["inner"].as_object()?.iter().next().map(|(kind, inner)| (kind.as_str(), inner))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn join(path: &str, separator: &str, item: &Value) -> String {
    let name = text(&item["name"]);
    if path.is_empty() { name.to_owned() } else { format!("{path}{separator}{name}") }
}

//! Type expressions and declarations of one schema.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::names::{Names, is_part};

/// Formats of integers that a `number` may not represent exactly. `int` and `uint` are `isize` and `usize`.
const WIDE_FORMATS: [&str; 6] = ["int64", "uint64", "int128", "uint128", "int", "uint"];

/// Prints the types of one integration.
pub(super) struct Printer<'a> {
    names: &'a Names,
}

impl<'a> Printer<'a> {
    pub(super) fn new(names: &'a Names) -> Self {
        Self { names }
    }

    /// Returns the declaration of a named type in a namespace: an interface for a plain object, else an alias.
    pub(super) fn declaration(&self, name: &str, schema: &Value) -> String {
        let doc = doc_comment(schema, 1);
        if let Some(object) = schema.as_object().filter(|object| is_plain_object(object)) {
            return format!("{doc}  export interface {name} {}\n", self.object(object, 1));
        }
        let alternatives = alternatives(schema);
        if alternatives.len() < 2 || alternatives.iter().all(|one| one.get("description").is_none()) {
            return format!("{doc}  export type {name} = {};\n", self.expression(schema, 1));
        }
        let mut text = format!("{doc}  export type {name} =\n");
        for one in alternatives {
            let _ = writeln!(text, "{}    | {}", doc_comment(one, 2), self.operand(one, 2));
        }
        let end = text.trim_end().len();
        text.truncate(end);
        text + ";\n"
    }

    /// Returns the type of a schema; `depth` is the indentation of the line on which it begins.
    pub(super) fn expression(&self, schema: &Value, depth: usize) -> String {
        let object = match schema {
            Value::Object(object) => object,
            Value::Bool(false) => return "never".to_owned(),
            _ => return "unknown".to_owned(),
        };
        // Keywords of one schema apply together. Those without a type in TypeScript, such as `minimum`, are left out.
        let mut parts: Vec<(String, bool)> = Vec::new();
        if let Some(target) = object.get("$ref").and_then(Value::as_str) {
            let name = target.rsplit('/').next().unwrap_or(target).replace("~1", "/").replace("~0", "~");
            parts.push((self.names.type_name(&name).to_owned(), false));
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(of) = object.get(key).and_then(Value::as_array) {
                parts.push(Self::union(of.iter().map(|one| self.expression(one, depth))));
            }
        }
        for one in object.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            parts.push(Self::union([self.expression(one, depth)]));
        }
        if let Some(value) = object.get("const") {
            parts.push((value.to_string(), false));
        } else if let Some(values) = object.get("enum").and_then(Value::as_array) {
            parts.push(Self::union(values.iter().map(Value::to_string)));
        } else if object.contains_key("properties") || parts.is_empty() {
            parts.push(self.typed(object, depth));
        }
        let several = parts.len() > 1;
        let parts =
            parts.into_iter().map(|(text, is_union)| if several && is_union { format!("({text})") } else { text });
        parts.collect::<Vec<_>>().join(" & ")
    }

    /// Returns a type that can stand beside `|` and before `[]`.
    fn operand(&self, schema: &Value, depth: usize) -> String {
        let text = self.expression(schema, depth);
        if is_compound(&text) { format!("({text})") } else { text }
    }

    /// Returns the union of types without repetitions, and whether it has several parts.
    fn union(types: impl IntoIterator<Item = String>) -> (String, bool) {
        let mut parts: Vec<String> = Vec::new();
        for one in types {
            if !parts.contains(&one) {
                parts.push(one);
            }
        }
        let is_union = parts.len() > 1 || parts.first().is_some_and(|only| is_compound(only));
        (if parts.is_empty() { "never".to_owned() } else { parts.join(" | ") }, is_union)
    }

    fn typed(&self, object: &Map<String, Value>, depth: usize) -> (String, bool) {
        match object.get("type") {
            Some(Value::String(kind)) => (self.kind(kind, object, depth), false),
            Some(Value::Array(kinds)) => {
                Self::union(kinds.iter().filter_map(Value::as_str).map(|kind| self.kind(kind, object, depth)))
            }
            _ if object.contains_key("properties") => (self.object(object, depth), false),
            _ => ("unknown".to_owned(), false),
        }
    }

    fn kind(&self, kind: &str, object: &Map<String, Value>, depth: usize) -> String {
        match kind {
            "integer" => {
                let format = object.get("format").and_then(Value::as_str).unwrap_or_default();
                if WIDE_FORMATS.contains(&format) { "Int64" } else { "number" }.to_owned()
            }
            "array" => self.array(object, depth),
            "object" => self.object(object, depth),
            "string" | "number" | "boolean" | "null" => kind.to_owned(),
            _ => "unknown".to_owned(),
        }
    }

    fn array(&self, object: &Map<String, Value>, depth: usize) -> String {
        let items = object.get("items").map(|items| self.operand(items, depth));
        let Some(first) = object.get("prefixItems").and_then(Value::as_array) else {
            return format!("{}[]", items.unwrap_or_else(|| "unknown".to_owned()));
        };
        let mut members: Vec<String> = first.iter().map(|item| self.expression(item, depth)).collect();
        let is_closed = object.get("maxItems").and_then(Value::as_u64).is_some_and(|max| max <= first.len() as u64);
        if !is_closed && object.get("items") != Some(&Value::Bool(false)) {
            members.push(format!("...{}[]", items.unwrap_or_else(|| "unknown".to_owned())));
        }
        format!("[{}]", members.join(", "))
    }

    /// Returns the body of an object type, on several lines if it has fields.
    fn object(&self, object: &Map<String, Value>, depth: usize) -> String {
        let no_fields = Map::new();
        let properties = object.get("properties").and_then(Value::as_object).unwrap_or(&no_fields);
        let more = object.get("additionalProperties").filter(|more| **more != Value::Bool(false));
        if properties.is_empty() {
            return match (more, object.contains_key("additionalProperties") || object.contains_key("properties")) {
                (Some(values), _) => format!("{{ [key: string]: {} }}", self.expression(values, depth)),
                // `{}` would accept any value.
                (None, true) => "{ [key: string]: never }".to_owned(),
                (None, false) => "{ [key: string]: unknown }".to_owned(),
            };
        }
        let required = object.get("required").and_then(Value::as_array);
        let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|one| one == name));
        let indent = "  ".repeat(depth + 1);
        let mut text = "{\n".to_owned();
        for (name, schema) in properties {
            text.push_str(&doc_comment(schema, depth + 1));
            let mark = if is_required(name) { "" } else { "?" };
            let _ = writeln!(text, "{indent}{}{mark}: {};", property_name(name), self.expression(schema, depth + 1));
        }
        if more.is_some() {
            let _ = writeln!(text, "{indent}[key: string]: unknown;");
        }
        let _ = write!(text, "{}}}", "  ".repeat(depth));
        text
    }
}

/// Returns whether a schema is an object without alternatives, so that it can be an interface.
fn is_plain_object(object: &Map<String, Value>) -> bool {
    let has_fields = object.get("properties").and_then(Value::as_object).is_some_and(|fields| !fields.is_empty());
    has_fields
        && object.get("type").is_none_or(|kind| kind == "object")
        && ["$ref", "anyOf", "oneOf", "allOf", "enum", "const"].iter().all(|key| !object.contains_key(*key))
}

/// Returns the alternatives of a schema that consists of nothing else.
fn alternatives(schema: &Value) -> Vec<&Value> {
    let only = |key: &str| {
        let has_more = schema.get("properties").is_some() || schema.get("$ref").is_some();
        schema.get(key).and_then(Value::as_array).filter(|_| !has_more)
    };
    only("oneOf").or_else(|| only("anyOf")).into_iter().flatten().collect()
}

/// Returns whether a type needs parentheses before `[]`: an operator outside of brackets and strings.
fn is_compound(text: &str) -> bool {
    let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
    for c in text.chars() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if in_string => is_escaped = true,
            '"' => in_string = !in_string,
            _ if in_string => {}
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => depth = depth.saturating_sub(1),
            '|' | '&' if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

/// Returns the name of a property, quoted if it is no identifier.
pub(super) fn property_name(name: &str) -> String {
    let is_identifier = name.chars().all(is_part) && name.chars().next().is_some_and(|first| !first.is_numeric());
    if is_identifier { name.to_owned() } else { Value::from(name).to_string() }
}

/// Returns the doc comment of a schema or function, with its line breaks; empty if it has no description.
pub(super) fn doc_comment(schema: &Value, depth: usize) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default().replace("*/", "*\\/");
    let is_deprecated = schema.get("deprecated") == Some(&Value::Bool(true));
    let lines: Vec<&str> =
        text.trim().lines().map(str::trim_end).chain(is_deprecated.then_some("@deprecated")).collect();
    let indent = "  ".repeat(depth);
    match lines.as_slice() {
        [] => String::new(),
        [only] => format!("{indent}/** {only} */\n"),
        lines => {
            let lines: String =
                lines.iter().map(|line| format!("{indent} * {line}").trim_end().to_owned() + "\n").collect();
            format!("{indent}/**\n{lines}{indent} */\n")
        }
    }
}

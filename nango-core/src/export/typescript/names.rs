//! Names of types and namespaces: valid identifiers, each used once.

use std::collections::{BTreeMap, BTreeSet};

/// Words that cannot be the name of a type or namespace, or that name a built-in type.
const RESERVED: [&str; 53] = [
    "any",
    "bigint",
    "boolean",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "never",
    "new",
    "null",
    "number",
    "object",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "string",
    "super",
    "switch",
    "symbol",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "unknown",
    "var",
    "void",
    "while",
];

/// Names of one scope, by the name in the schema.
pub(super) struct Names {
    used: BTreeSet<String>,
    types: BTreeMap<String, String>,
}

impl Names {
    /// Creates a scope in which these names are used already.
    pub(super) fn new(used: &[&str]) -> Self {
        let used = used.iter().chain(&RESERVED).map(ToString::to_string).collect();
        Self { used, types: BTreeMap::new() }
    }

    /// Adds a type of the schema. Its name is unchanged if it is a free identifier.
    pub(super) fn add_type(&mut self, name: &str) {
        let own = self.unused(&identifier(name));
        self.types.insert(name.to_owned(), own);
    }

    /// Returns the name of a type that was added.
    pub(super) fn type_name<'a>(&'a self, name: &'a str) -> &'a str {
        self.types.get(name).map_or(name, String::as_str)
    }

    /// Adds an integration and returns the name of its namespace: `google-drive` becomes `GoogleDrive`.
    pub(super) fn add_namespace(&mut self, integration: &str) -> String {
        let words = integration.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let joined: String = words
            .flat_map(|word| {
                let mut rest = word.chars();
                rest.next().into_iter().flat_map(char::to_uppercase).chain(rest).collect::<Vec<_>>()
            })
            .collect();
        self.unused(&identifier(&joined))
    }

    fn unused(&mut self, name: &str) -> String {
        let mut unused = name.to_owned();
        let mut number = 2;
        while !self.used.insert(unused.clone()) {
            unused = format!("{name}{number}");
            number += 1;
        }
        unused
    }
}

/// Replaces the characters that an identifier cannot contain.
fn identifier(name: &str) -> String {
    let mut own: String = name.chars().map(|c| if is_part(c) { c } else { '_' }).collect();
    if own.chars().next().is_none_or(char::is_numeric) {
        own.insert(0, '_');
    }
    own
}

/// Returns whether an identifier may contain a character.
pub(super) fn is_part(c: char) -> bool {
    c == '_' || c == '$' || c.is_alphanumeric()
}

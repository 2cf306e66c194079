//! The modules of `nango-core` and what each imports, read from its `use` items and paths.
//!
//! A name that a module only re-exports counts as an import of the module that defines it, so that `use super::X` is no
//! import of the parent where the parent takes `X` from a sibling. Code under `cfg(test)` is left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Attribute, Item, UseTree, Visibility};

use crate::sources;

/// Most re-exports that are followed from a name to its definition.
const MOST_STEPS: usize = 8;

/// A name that a module brings into its scope, or a path in its code.
struct Import {
    path: Vec<String>,
    /// The name in this module: the last segment, or what follows `as`; `*` for all names.
    name: String,
    /// Whether other modules can take the name from here.
    exported: bool,
}

#[derive(Default)]
struct Module {
    imports: Vec<Import>,
    defined: BTreeSet<String>,
    /// Defined functions, constants and statics.
    logic: BTreeSet<String>,
}

pub(super) struct Modules(BTreeMap<String, Module>);

/// Whether a file below `src` holds tests only.
pub(super) fn is_test(path: &str) -> bool {
    let parts = path.trim_end_matches(".rs").split('/');
    parts.into_iter().any(|part| matches!(part, "tests" | "fixtures" | "frozen" | "golden" | "vectors" | "mock"))
}

fn is_cfg_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = attribute.to_token_stream().to_string();
        text.contains("cfg") && text.contains("test")
    })
}

/// Whether an item is compiled only for tests.
pub(super) fn is_test_item(item: &Item) -> bool {
    match item {
        Item::Const(item) => is_cfg_test(&item.attrs),
        Item::Enum(item) => is_cfg_test(&item.attrs),
        Item::Fn(item) => is_cfg_test(&item.attrs),
        Item::Impl(item) => is_cfg_test(&item.attrs),
        Item::Macro(item) => is_cfg_test(&item.attrs),
        Item::Mod(item) => is_cfg_test(&item.attrs),
        Item::Static(item) => is_cfg_test(&item.attrs),
        Item::Struct(item) => is_cfg_test(&item.attrs),
        Item::Trait(item) => is_cfg_test(&item.attrs),
        Item::Type(item) => is_cfg_test(&item.attrs),
        Item::Use(item) => is_cfg_test(&item.attrs),
        _ => false,
    }
}

impl Modules {
    pub(super) fn of_core() -> Self {
        let files = sources::all(&[".rs"]).into_iter().filter_map(|source| {
            let path = source.path.strip_prefix("nango-core/src/").filter(|path| !is_test(path))?;
            Some((path.to_owned(), source.text))
        });
        let modules = Self::parse(files);
        assert!(modules.0.len() > 100, "{} modules were found", modules.0.len());
        modules
    }

    /// Reads files, which are pairs of a path below `src` and a text.
    fn parse(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let parse = |(path, text): (String, String)| {
            let name = path.trim_end_matches(".rs").replace('/', "::");
            let name = if name == "lib" { String::new() } else { name };
            let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
            let mut module = Module::default();
            for item in &file.items {
                module.read(item);
            }
            (name, module)
        };
        Self(files.into_iter().map(parse).collect())
    }

    /// Every pair of a module and another one that it imports.
    pub(super) fn imports(&self) -> BTreeSet<(String, String)> {
        let mut pairs = BTreeSet::new();
        for (name, module) in &self.0 {
            for import in &module.imports {
                let Some(target) = self.definition(name, &import.path, 0) else { continue };
                // A parent that re-exports its child's names does not depend on them.
                let is_own_child = import.exported && (name.is_empty() || target.starts_with(&format!("{name}::")));
                if target != *name && !is_own_child {
                    pairs.insert((name.clone(), target));
                }
            }
        }
        pairs
    }

    /// Groups of modules that import each other, directly or through further modules. Each group is sorted.
    pub(super) fn cycles(&self) -> Vec<Vec<String>> {
        let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, to) in self.imports() {
            imports.entry(from).or_default().insert(to);
        }
        let reachable = |start: &String| {
            let mut found = BTreeSet::new();
            let mut open = vec![start];
            while let Some(module) = open.pop() {
                open.extend(imports.get(module).into_iter().flatten().filter(|to| found.insert((*to).clone())));
            }
            found
        };
        let reachable: BTreeMap<&String, BTreeSet<String>> =
            imports.keys().map(|module| (module, reachable(module))).collect();
        let mut cycles = BTreeSet::new();
        for (module, found) in &reachable {
            let is_back = |to: &&String| reachable.get(to).is_some_and(|back| back.contains(*module));
            cycles.insert(found.iter().filter(is_back).cloned().collect::<Vec<_>>());
        }
        cycles.into_iter().filter(|cycle| !cycle.is_empty()).collect()
    }

    /// Every function and constant that a module imports from one of its ancestors, as the importer and the full name.
    pub(super) fn logic_of_parents(&self) -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        for (name, module) in &self.0 {
            for import in &module.imports {
                let Some(target) = self.definition(name, &import.path, 0) else { continue };
                let Some(imported) = import.path.last() else { continue };
                let is_parent = !target.is_empty() && name.starts_with(&format!("{target}::"));
                if is_parent && self.0[&target].logic.contains(imported) {
                    found.insert((name.clone(), format!("{target}::{imported}")));
                }
            }
        }
        found
    }

    /// The module that defines what `path` names in the module `from`; `None` for other crates.
    fn definition(&self, from: &str, path: &[String], steps: usize) -> Option<String> {
        let mut current: Vec<&str> = from.split("::").filter(|part| !part.is_empty()).collect();
        let mut rest = path.iter().map(String::as_str).peekable();
        match *rest.peek()? {
            "crate" => {
                current.clear();
                rest.next();
            }
            "self" => {
                rest.next();
            }
            "super" => {
                while rest.next_if_eq(&"super").is_some() {
                    current.pop();
                }
            }
            first => {
                let child = current.iter().copied().chain(iter::once(first)).collect::<Vec<_>>().join("::");
                self.0.get(&child)?;
            }
        }
        while let Some(part) = rest.peek() {
            let child = current.iter().copied().chain(iter::once(*part)).collect::<Vec<_>>().join("::");
            if !self.0.contains_key(&child) {
                break;
            }
            current.push(rest.next()?);
        }
        let module = current.join("::");
        let known = self.0.get(&module)?;
        let Some(name) = rest.next().filter(|name| *name != "*") else { return Some(module) };
        if !known.defined.contains(name) && steps < MOST_STEPS {
            let mut imported = known.imports.iter().filter(|import| import.name == name && import.path != path);
            if let Some(import) = imported.next() {
                return self.definition(&module, &import.path, steps + 1);
            }
            for import in known.imports.iter().filter(|import| import.name == "*") {
                if let Some(found) = self.definition(&module, &import.path, steps + 1)
                    && self.0[&found].defined.contains(name)
                {
                    return Some(found);
                }
            }
        }
        Some(module)
    }
}

impl Module {
    fn read(&mut self, item: &Item) {
        let (attributes, name) = match item {
            Item::Use(item) => {
                if !is_cfg_test(&item.attrs) {
                    self.read_use(&item.tree, Vec::new(), !matches!(item.vis, Visibility::Inherited));
                }
                return;
            }
            Item::Mod(item) => (&item.attrs, None),
            Item::Const(item) => (&item.attrs, Some(&item.ident)),
            Item::Enum(item) => (&item.attrs, Some(&item.ident)),
            Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
            Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
            Item::Static(item) => (&item.attrs, Some(&item.ident)),
            Item::Struct(item) => (&item.attrs, Some(&item.ident)),
            Item::Trait(item) => (&item.attrs, Some(&item.ident)),
            Item::Type(item) => (&item.attrs, Some(&item.ident)),
            Item::Union(item) => (&item.attrs, Some(&item.ident)),
            Item::Impl(item) => (&item.attrs, None),
            _ => return,
        };
        if is_cfg_test(attributes) {
            return;
        }
        self.defined.extend(name.map(ToString::to_string));
        if matches!(item, Item::Const(_) | Item::Fn(_) | Item::Static(_)) {
            self.logic.extend(name.map(ToString::to_string));
        }
        self.read_paths(item.to_token_stream());
    }

    fn read_use(&mut self, tree: &UseTree, mut path: Vec<String>, exported: bool) {
        match tree {
            UseTree::Path(tree) => {
                path.push(tree.ident.to_string());
                self.read_use(&tree.tree, path, exported);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.read_use(tree, path.clone(), exported);
                }
            }
            UseTree::Name(tree) => {
                let name = tree.ident.to_string();
                let local = if name == "self" { path.last().cloned().unwrap_or_default() } else { name.clone() };
                if name != "self" {
                    path.push(name);
                }
                self.imports.push(Import { path, name: local, exported });
            }
            UseTree::Rename(tree) => {
                path.push(tree.ident.to_string());
                self.imports.push(Import { path, name: tree.rename.to_string(), exported });
            }
            UseTree::Glob(_) => {
                path.push("*".to_owned());
                self.imports.push(Import { path, name: "*".to_owned(), exported });
            }
        }
    }

    /// Reads `crate::a::b`, `super::b` and `self::b` in code, also inside macro calls.
    fn read_paths(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) if colons == 2 && !path.is_empty() => path.push(ident.to_string()),
                TokenTree::Ident(ident) => {
                    self.end_path(&mut path);
                    if ["crate", "super", "self"].contains(&ident.to_string().as_str()) {
                        path.push(ident.to_string());
                    }
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Group(group) => {
                    self.end_path(&mut path);
                    self.read_paths(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => self.end_path(&mut path),
            }
            colons = 0;
        }
        self.end_path(&mut path);
    }

    fn end_path(&mut self, path: &mut Vec<String>) {
        if path.len() > 1 {
            let name = String::new();
            self.imports.push(Import { path: std::mem::take(path), name, exported: false });
        }
        path.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules(files: &[(&str, &str)]) -> Modules {
        Modules::parse(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())))
    }

    #[test]
    fn cycle_of_any_length_is_found() {
        let pair = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; struct A;"),
            ("b.rs", "use super::a::A; struct B;"),
        ];
        assert_eq!(modules(&pair).cycles(), [["a", "b"]]);
        let three = [
            ("lib.rs", "mod a; mod b; mod c; mod d;"),
            ("a.rs", "fn a() { crate::b::b() }"),
            ("b.rs", "use crate::c; fn b() { c::c() }"),
            ("c.rs", "use crate::{a, d::D}; fn c() { a::a() }"),
            ("d.rs", "struct D;"),
        ];
        assert_eq!(modules(&three).cycles(), [["a", "b", "c"]]);
    }

    #[test]
    fn re_export_of_a_child_and_test_are_no_imports() {
        let files = [
            ("lib.rs", "mod a; pub use a::A;"),
            ("a.rs", "mod b; mod c; pub use b::B; pub struct A; #[cfg(test)] mod tests { use super::c::C; }"),
            ("a/b.rs", "use super::A; #[cfg(test)] use super::c::C; pub struct B;"),
            ("a/c.rs", "use super::B; struct C;"),
        ];
        assert_eq!(modules(&files).cycles(), [[""; 0]; 0]);
        let used = [files[0], ("a.rs", "mod b; use b::B; pub struct A(B);"), ("a/b.rs", "use super::A; pub struct B;")];
        assert_eq!(modules(&used).cycles(), [["a", "a::b"]]);
    }

    #[test]
    fn function_of_a_parent_is_found_and_type_is_not() {
        let files = [
            ("a.rs", "mod b; pub struct A; const MOST: u8 = 1; fn help() {}"),
            ("a/b.rs", "use super::{A, MOST}; fn b() { super::help() }"),
        ];
        let found: Vec<_> = modules(&files).logic_of_parents().into_iter().collect();
        assert_eq!(found, ["a::MOST", "a::help"].map(|name| ("a::b".to_owned(), name.to_owned())));
    }
}

//! Names that users and their scripts rely on, frozen in `tests/golden`; a rename in the source must not change them.
//!
//! | file | content |
//! | --- | --- |
//! | `json_keys_of_*` | the keys of all `--json` output |
//! | `commands`, `exit_codes` | commands, flags, their values, exit codes |
//! | `sqlite`, `postgres` | tables, columns, keys of settings |
//! | `environment` | environment variables |
//! | `schema.ts` | the same as TypeScript; compared in `crate::typescript` |
//! | `schema` | JSON Schema of the example integrations; compared in `crate::schema` |

mod commands;
mod databases;
mod json_keys;

use std::{collections::BTreeSet, path::Path};

use nango_tests::golden;

use crate::sources;

/// Compares lines with a file of `tests/golden`.
#[track_caller]
pub(crate) fn check<T: AsRef<str>>(file: &str, lines: &[T]) {
    golden::check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(file), lines);
}

/// Returns the product's environment variables that a source names outside its comments and tests.
fn variables(source: &str) -> BTreeSet<String> {
    const PREFIX: &str = "NANGO_";
    let code = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let names = lines.flat_map(|line| {
        line.match_indices(PREFIX).map(|(start, _)| {
            let is_part = |c: char| c == '_' || c.is_ascii_uppercase() || c.is_ascii_digit();
            line[start..].chars().take_while(|c| is_part(*c)).collect::<String>()
        })
    });
    // The prefix alone occurs in messages about a group of variables.
    names.filter(|name| name != PREFIX).collect()
}

#[test]
fn environment_variables_are_frozen() {
    let is_test = |part: &str| matches!(part, "tests" | "tests.rs" | "frozen.rs");
    let is_product = |path: &str| path.starts_with("nango-core/src/") || path.starts_with("integrations/src/");
    let sources = sources::all(&[".rs"]).into_iter();
    let product = sources.filter(|source| is_product(&source.path) && !source.path.split('/').any(is_test));
    let found: BTreeSet<String> = product.flat_map(|source| variables(&source.text)).collect();
    let found: Vec<String> = found.into_iter().collect();
    check("environment.txt", &found);
}

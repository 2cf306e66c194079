//! The crate of integrations, as a template: its lints, and the search for files that are not part of it.

#[path = "../../integrations/build/modules.rs"]
mod modules;

use std::{fs, path::Path};

use tempfile::TempDir;

const FUNCTION: &str = "#[sync(model = \"A\")]\npub async fn all(nango: NangoSync) -> Result<()> { Ok(()) }\n";

fn src(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    dir
}

#[track_caller]
fn check(files: &[(&str, &str)], expect: &[&str]) {
    let dir = src(files);
    let root = format!("{}/", dir.path().display());
    let found: Vec<String> =
        modules::missing_modules(dir.path()).iter().map(|message| message.replace(&root, "")).collect();
    assert_eq!(found, expect);
}

#[test]
fn file_without_mod_declaration_is_reported_with_the_line_to_add() {
    check(
        &[("lib.rs", "// pub mod acme;\n"), ("acme.rs", FUNCTION)],
        &["acme.rs is not part of the crate, so its functions are missing: add `pub mod acme;` to lib.rs"],
    );
    check(
        &[("lib.rs", "pub mod acme;"), ("acme.rs", "mod other;"), ("acme/projects.rs", FUNCTION)],
        &["acme/projects.rs is not part of the crate, so its functions are missing: add `pub mod projects;` to \
             acme.rs"],
    );
    check(
        &[("lib.rs", ""), ("acme/projects.rs", FUNCTION)],
        &["acme/projects.rs is not part of the crate, so its functions are missing: add `pub mod acme;` to lib.rs, \
             and create acme.rs with `mod projects;` and `pub use projects::*;`"],
    );
}

#[test]
fn file_of_the_crate_and_file_without_functions_are_not_reported() {
    check(
        &[
            (
                "lib.rs",
                "mod one;\npub mod r#two;\npub(crate) mod three { mod four; }\n#[path = \"odd/name.rs\"] mod five;",
            ),
            ("main.rs", "mod six;"),
            ("bin/tool.rs", FUNCTION),
            ("one.rs", FUNCTION),
            ("two/mod.rs", "mod inner;"),
            ("two/inner.rs", FUNCTION),
            ("three/four.rs", FUNCTION),
            ("odd/name.rs", FUNCTION),
            ("six.rs", FUNCTION),
            ("draft.rs", "pub struct Draft;\n// #[sync]\n"),
        ],
        &[],
    );
}

#[test]
fn every_function_of_the_examples_is_part_of_the_crate() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("integrations/src");
    assert_eq!(modules::missing_modules(&src), [""; 0]);
}

/// The compile-fail case `await_forgotten` shows which calls the lint refuses.
#[test]
fn integrations_deny_unused_must_use_and_need_no_documentation() {
    let manifest =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("integrations/Cargo.toml");
    let manifest = fs::read_to_string(manifest).expect("a manifest");
    let lints = manifest.split("[lints").skip(1).collect::<Vec<_>>().join("[lints");
    assert!(lints.contains("unused_must_use = \"deny\""), "{lints}");
    for unwanted in ["workspace = true", "missing_docs", "pedantic", "missing_debug_implementations"] {
        assert!(!lints.contains(unwanted), "`{unwanted}` in: {lints}");
    }
}

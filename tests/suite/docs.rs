//! The documents are true: links lead somewhere, references are generated, and examples compile and run.

mod anchors;
mod generated;
mod names;
mod notes;

use std::{collections::BTreeSet, env, fs, os::unix::fs::symlink, path::Path, process::Command};

use nango_tests::{Registry, registry::registry_binary};

use crate::sources::{self, Source};
use anchors::anchors;

/// The program that holds the Rust blocks of the documents.
const PROGRAM: &str = include_str!("../programs/docs.rs");

fn documents() -> Vec<Source> {
    let documents = sources::all(&[".md"]);
    documents.into_iter().filter(|document| !document.path.starts_with("tests/")).collect()
}

/// The fenced blocks whose information string is `info`.
fn blocks<'d>(document: &'d Source, info: &str) -> Vec<Vec<&'d str>> {
    let mut blocks = Vec::new();
    let mut open: Option<(bool, Vec<&str>)> = None;
    for line in document.text.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => {
                if let Some((true, block)) = open.take() {
                    blocks.push(block);
                }
            }
            (Some(found), None) => open = Some((found == info, Vec::new())),
            (None, Some((_, block))) => block.push(line),
            (None, None) => {}
        }
    }
    blocks
}

#[test]
fn document_links_lead_to_files_and_headings() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    let mut broken = Vec::new();
    for document in documents() {
        let folder = root.join(&document.path).parent().expect("a folder").to_owned();
        for part in document.text.split("](").skip(1) {
            let Some((link, _)) = part.split_once(')') else { continue };
            if link.contains("://") || link.contains(char::is_whitespace) {
                continue;
            }
            let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
            let path = if file.is_empty() { root.join(&document.path) } else { folder.join(file) };
            let holds = path.exists()
                && anchor
                    .is_none_or(|anchor| fs::read_to_string(&path).is_ok_and(|text| anchors(&text).contains(anchor)));
            if !holds {
                broken.push(format!("{}: {link}", document.path));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n")); // vocabulary: allow (a link)
}

#[test]
fn guide_summary_lists_every_page() {
    let documents = documents();
    let summary = documents.iter().find(|document| document.path == "docs/SUMMARY.md").expect("docs/SUMMARY.md");
    let listed: BTreeSet<String> =
        summary.text.split("](").skip(1).filter_map(|part| Some(format!("docs/{}", part.split_once(')')?.0))).collect();
    let pages: BTreeSet<String> = documents
        .iter()
        .map(|document| document.path.clone())
        .filter(|path| path.starts_with("docs/") && path != "docs/SUMMARY.md")
        .collect();
    assert_eq!(listed, pages);
}

#[test]
fn rust_blocks_of_guide_are_compiled() {
    let program: Vec<&str> = PROGRAM.lines().collect();
    let is_there = |block: &[&str]| {
        program.windows(block.len()).any(|lines| {
            let indent = &lines[0][..lines[0].len() - lines[0].trim_start().len()];
            // A blank line has no indentation.
            lines.iter().zip(block).all(|(line, expect)| line == expect || line.strip_prefix(indent) == Some(expect))
        })
    };
    let mut found = 0;
    for document in documents().iter().filter(|document| document.path != "CHANGELOG.md") {
        for block in blocks(document, "rust") {
            found += 1;
            assert!(
                is_there(&block),
                "this block of {} is not in tests/programs/docs.rs, which compiles the blocks:\n{}",
                document.path,
                block.join("\n")
            );
        }
    }
    assert!(found > 5, "{found} blocks");
}

#[test]
fn shell_blocks_of_guide_without_network_run() {
    let registry = Registry::new();
    let bin = registry.dir().join("bin");
    fs::create_dir(&bin).expect("a folder");
    symlink(registry_binary(), bin.join("registry")).expect("a link");
    let path = format!("{}:{}", bin.display(), env::var("PATH").unwrap_or_default());
    let mut found = 0;
    for document in documents() {
        for block in blocks(&document, "sh offline") {
            found += 1;
            let script = block.join("\n");
            let output = Command::new("sh")
                .args(["-eu", "-c", &script])
                .current_dir(registry.dir())
                .env("PATH", &path)
                .output()
                .expect("a shell");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}:\n{script}\n{stderr}", document.path);
        }
    }
    assert!(found > 2, "{found} blocks");
}

/// The column `test` of the table of decisions names modules that have tests: of this suite, or of the library.
#[test]
fn table_of_decisions_names_modules_with_tests() {
    let documents = documents();
    let guide = documents.iter().find(|one| one.path == "docs/guides/coming-from-nango.md").expect("the guide");
    let (_, table) = guide.text.split_once("| subject | here | test |").expect("the table");
    let sources = sources::all(&[".rs"]);
    let has_tests = |name: &str| {
        let folder = name.replace("::", "/");
        [format!("tests/suite/{folder}"), format!("nango-core/src/{folder}")].iter().any(|path| {
            let is_of_module =
                |source: &&Source| source.path == format!("{path}.rs") || source.path.starts_with(&format!("{path}/"));
            sources
                .iter()
                .filter(is_of_module)
                .any(|source| ["test]\n", "#[tokio::test(flavor"].iter().any(|mark| source.text.contains(mark)))
        })
    };
    let rows = table.lines().filter_map(|row| row.strip_suffix(" |")?.rsplit_once("| ")).map(|(_, test)| test);
    let names: Vec<&str> = rows.filter_map(|test| test.strip_prefix('`')?.strip_suffix('`')).collect();
    assert!(names.len() > 30, "{names:?}");
    let missing: Vec<&&str> = names.iter().filter(|name| !has_tests(name)).collect();
    assert!(missing.is_empty(), "modules without tests: {missing:?}");
}

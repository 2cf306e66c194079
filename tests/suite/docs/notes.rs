//! Notes of compile errors that name a page of the documentation.

use std::{fs, path::Path};

use super::anchors::anchors;
use crate::sources;

/// Beginning of the attribute that words a compile error about a missing trait.
const ATTRIBUTE: &str = "#[diagnostic::on_unimplemented(";

/// Returns the page and the anchor in the note `see docs/page.md#anchor in the repository`.
fn page(line: &str) -> Option<(&str, &str)> {
    let target =
        line.trim().strip_prefix("note = \"see ")?.trim_end_matches(',').strip_suffix(" in the repository\"")?;
    target.split_once('#')
}

#[test]
fn each_missing_trait_names_a_heading_of_the_documentation() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    let exists = |(path, anchor): (&str, &str)| {
        path.starts_with("docs/")
            && fs::read_to_string(root.join(path)).is_ok_and(|text| anchors(&text).contains(anchor))
    };
    let mut found = 0;
    let mut wrong = Vec::new();
    for source in sources::all(&[".rs"]).iter().filter(|source| source.path.starts_with("nango-core/src/")) {
        for (at, _) in source.text.match_indices(ATTRIBUTE) {
            found += 1;
            let attribute = source.text[at..].lines().take_while(|line| !line.starts_with(")]"));
            let pages: Vec<_> = attribute.filter_map(page).collect();
            if !matches!(pages.as_slice(), [page] if exists(*page)) {
                let line = source.text[..at].lines().count() + 1;
                wrong.push(format!("{}:{line}: {pages:?}", source.path));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "end these attributes with one `note = \"see docs/page.md#heading in the repository\"`:\n{}",
        wrong.join("\n")
    );
    assert!(found > 10, "{found} attributes");
}

//! The anchors of a document.

use std::collections::BTreeSet;

/// Returns the anchors of the headings of a document, as GitHub and mdBook make them.
pub(super) fn anchors(text: &str) -> BTreeSet<String> {
    let mut in_block = false;
    let headings = text.lines().filter(|line| {
        in_block ^= line.starts_with("```");
        !in_block && line.starts_with('#')
    });
    let anchor = |heading: &str| {
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        heading.trim_start_matches('#').trim().to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

#[test]
fn heading_has_an_anchor_and_a_line_of_a_block_has_none() {
    let text = "# Your first sync\n```rust\n#[model]\n```\n## #[on_event]\n\nText.\n";
    assert_eq!(anchors(text).into_iter().collect::<Vec<_>>(), ["on_event", "your-first-sync"]);
}

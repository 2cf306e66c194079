//! Names of values that mark the end of a list.

/// Returns whether the last step of a path is the name of a value that is true on the last page, such as `isLast`,
/// `done`, `last` or `end_of_stream`. Declared as `has_more`, it would end every walk at its first page.
pub fn names_last_page_flag(path: &str) -> bool {
    let name = last_step(path);
    let name = name.strip_prefix("is").unwrap_or(&name);
    matches!(name, "last" | "lastpage" | "done" | "finished") || name.starts_with("end")
}

/// Returns whether the last step of a path is the name of a value that is true while another page follows, such as
/// `has_more` or `hasNextPage`. Declared as `is_last`, it would end every walk at its first page.
pub fn names_more_flag(path: &str) -> bool {
    let name = last_step(path);
    let name = name.strip_prefix("has").unwrap_or(&name);
    matches!(name, "more" | "moreitems" | "moreresults" | "morerecords" | "next" | "nextpage")
}

/// Returns the last key of a path in lower case, without `-`, `_`, spaces and an index.
fn last_step(path: &str) -> String {
    let last = path.rsplit('.').next().unwrap_or_default();
    let last = last.split('[').next().unwrap_or_default();
    last.chars().filter(|letter| !matches!(letter, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_of_a_last_page_flag_is_recognised_in_every_spelling() {
        for path in [
            "isLast",
            "is_last",
            "IS-LAST",
            "last",
            "done",
            "isDone",
            "meta.isLast",
            "page.done",
            "end",
            "endOfStream",
            "end_of_stream",
            "endOfRecords",
            "isEnd",
            "isLastPage",
            "last_page",
            "a.last[0]",
            "finished",
        ] {
            assert!(names_last_page_flag(path), "{path}");
            assert!(!names_more_flag(path), "{path}");
        }
        for path in [
            "",
            "has_more",
            "meta.hasMore",
            "last.has_more",
            "issues",
            "blend",
            "pending",
            "lastItem",
            "undone",
            "next",
        ] {
            assert!(!names_last_page_flag(path), "{path}");
        }
    }

    #[test]
    fn name_of_a_more_flag_is_recognised_in_every_spelling() {
        for path in
            ["has_more", "hasMore", "meta.has-more", "pageInfo.hasNextPage", "has_next", "more", "next", "HasMoreItems"]
        {
            assert!(names_more_flag(path), "{path}");
            assert!(!names_last_page_flag(path), "{path}");
        }
        for path in ["", "isLast", "more.done", "nextRecordsUrl", "furthermore"] {
            assert!(!names_more_flag(path), "{path}");
        }
    }
}

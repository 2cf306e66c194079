//! The language of the source, the documentation and the messages: standard terms, whole sentences, short lines.
//!
//! A line is exempt if it, or the line above it, contains `vocabulary: allow (reason)`.

use crate::sources::{self, Source};

/// Words that are not used, as whole words of identifiers, documentation and messages.
#[rustfmt::skip]
const NEVER: &[&str] = &[
    // vocabulary: allow (the list itself)
    "told", "tell", "tells", "telling", "moment", "moments", "whoever", "whomever", "gave way", "give way", "gives way",
    // vocabulary: allow (the list itself)
    "way out", "ways out", "voyage", "voyages", "house", "houses", "door", "doors", "room", "rooms", "in vain",
    // vocabulary: allow (the list itself)
    "stubborn", "is born", "born dead", "nobody", "nowhere",
];

/// First words of a documentation sentence without a subject.
const NO_SUBJECT: [&str; 6] = ["Who", "Which", "Whose", "What", "Where", "So"];

/// Starts of the lines that documentation of four words at least stands above; fields and variants need two.
const ITEMS: [&str; 15] = [
    "fn ",
    "async fn ",
    "const fn ",
    "struct ",
    "enum ",
    "union ",
    "trait ",
    "type ",
    "const ",
    "static ",
    "mod ",
    "use ",
    "impl",
    "macro_rules!",
    "extern ",
];

/// Most characters of a line of Rust; tables and URLs may be longer.
const LONGEST: usize = 120;

const ALLOW: &str = "vocabulary: allow (";

/// Files whose words are not ours: recorded answers, expected messages of rustc, and this list.
fn is_exempt(source: &Source) -> bool {
    ["/fixtures/", "/golden/", "CHANGELOG.md"].iter().any(|part| source.path.contains(part))
}

fn is_allowed(lines: &[&str], at: usize) -> bool {
    lines[at].contains(ALLOW) || at > 0 && lines[at - 1].contains(ALLOW)
}

/// The words of a line in lower case, separated by single spaces: `isReadNow` and `is_read_now` have three.
fn words(line: &str) -> String {
    let mut words = String::with_capacity(line.len() + 16);
    let mut before = ' ';
    for character in line.chars() {
        if character.is_alphabetic() {
            if character.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit()) {
                words.push(' ');
            }
            words.extend(character.to_lowercase());
        } else if character != '\'' && character != '’' && !words.ends_with(' ') {
            words.push(' ');
        }
        before = character;
    }
    words
}

#[track_caller]
fn report(findings: &[String]) {
    assert!(
        findings.is_empty(),
        "{} findings; write the field's term or a whole sentence, or add `{ALLOW}reason)`:\n{}",
        findings.len(),
        findings.join("\n")
    );
}

#[test]
fn private_words_are_not_used() {
    let mut findings = Vec::new();
    for source in
        sources::all(&[".rs", ".md", ".toml", ".mjs", ".sh", "/run"]).iter().filter(|source| !is_exempt(source))
    {
        let lines: Vec<_> = source.text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let words = format!(" {} ", words(line));
            let Some(word) = NEVER.iter().find(|word| words.contains(&format!(" {word} "))) else { continue };
            if !is_allowed(&lines, at) {
                findings.push(format!("{}:{}: `{word}`: {}", source.path, at + 1, line.trim()));
            }
        }
    }
    report(&findings);
}

#[test]
fn documentation_has_subjects_and_says_something() {
    let mut findings = Vec::new();
    for source in sources::all(&[".rs"]).iter().filter(|source| !source.path.starts_with("tests/ui/")) {
        let lines: Vec<_> = source.text.lines().collect();
        for block in blocks(&lines) {
            if is_allowed(&lines, block.start) {
                continue;
            }
            let place = format!("{}:{}", source.path, block.start + 1);
            for sentence in sentences(&block.text) {
                let first = sentence.split(|character: char| !character.is_alphabetic()).next().unwrap_or_default();
                if NO_SUBJECT.contains(&first) {
                    findings.push(format!("{place}: sentence without a subject: {sentence}"));
                }
            }
            let fewest = if block.of_item { 4 } else { 2 };
            let count = block.text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count();
            if !block.inner && (1..fewest).contains(&count) {
                findings.push(format!("{place}: documentation of {count} words: {}", block.text));
            }
        }
    }
    report(&findings);
}

#[test]
fn source_lines_have_limited_length() {
    let mut findings = Vec::new();
    for source in sources::all(&[".rs"]).iter().filter(|source| !is_exempt(source)) {
        for (at, line) in source.text.lines().enumerate() {
            let length = line.chars().count();
            if length > LONGEST && !line.contains("://") && !line.contains('|') {
                findings.push(format!("{}:{}: {length} characters", source.path, at + 1));
            }
        }
    }
    report(&findings);
}

/// The documentation of one item or of one module.
struct Block {
    /// Index of its first line.
    start: usize,
    /// Text without code blocks.
    text: String,
    /// Whether it documents the enclosing module (`//!`).
    inner: bool,
    /// Whether it stands above an item, and not above a field or variant.
    of_item: bool,
}

fn blocks(lines: &[&str]) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Option<Block> = None;
    let mut in_code = false;
    for (at, line) in lines.iter().enumerate() {
        let line = line.trim();
        let outer = line.strip_prefix("///").filter(|_| !line.starts_with("////"));
        if let Some(text) = outer.or_else(|| line.strip_prefix("//!")) {
            let block =
                open.get_or_insert(Block { start: at, text: String::new(), inner: outer.is_none(), of_item: false });
            if text.trim().starts_with("```") {
                in_code = !in_code;
            } else if !in_code {
                block.text.push_str(text);
            }
            continue;
        }
        in_code = false;
        if line.starts_with("#[") {
            continue;
        }
        if let Some(mut block) = open.take() {
            let line = line.strip_prefix("pub").map_or(line, |rest| match rest.strip_prefix('(') {
                Some(rest) => rest.split_once(')').map_or(rest, |(_, rest)| rest).trim_start(),
                None => rest.trim_start(),
            });
            block.of_item = ITEMS.iter().any(|start| line.starts_with(start));
            let text = block.text.trim().to_owned();
            blocks.push(Block { text, ..block });
        }
    }
    blocks
}

/// The sentences of a text; a colon begins one too if a capital letter follows.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(['.', '!', '?', ':']).map(str::trim_start)
}

//! Pages that are made from the program and from its source.

use std::{fmt::Write as _, path::Path};

use nango_tests::{Registry, golden};

use crate::sources;

fn check(page: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference").join(page);
    golden::check(&path, &text.lines().collect::<Vec<_>>());
}

/// Appends the help of a command and of the commands below it.
fn append_help(registry: &Registry, command: &[String], page: &mut String) {
    let help = registry.run(command.iter().map(String::as_str).chain(["--help"])).expect(0).stdout;
    let name = ["registry".to_owned()].iter().chain(command).cloned().collect::<Vec<_>>().join(" ");
    write!(page, "\n## {name}\n\n```text\n{}\n```\n", help.trim_end()).expect("text");
    let below = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    for line in below.filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
        let below = line.split_whitespace().next().unwrap_or_default();
        if below != "help" {
            append_help(registry, &[command, &[below.to_owned()]].concat(), page);
        }
    }
}

#[test]
fn command_line_reference_is_current() {
    let mut page = "# Command line\n\nThe help texts of all commands.\n".to_owned();
    append_help(&Registry::new(), &[], &mut page);
    check("command-line.md", &page);
}

#[test]
fn attribute_reference_is_current() {
    let sources = sources::all(&["nango-macros/src/lib.rs"]);
    let [source] = sources.as_slice() else { panic!("nango-macros/src/lib.rs is missing") };
    let mut page = "# Attributes\n\nThe documentation of the attributes, as `cargo doc` shows it.\n".to_owned();
    let mut documentation = String::new();
    for line in source.text.lines() {
        if let Some(text) = line.strip_prefix("///") {
            // Headings of an attribute stand below its own.
            let text = text.strip_prefix(' ').unwrap_or(text);
            let text = text.strip_prefix("# ").map_or(text.to_owned(), |heading| format!("### {heading}"));
            documentation.push_str(&text.replace("[`macro@sync`]", "`#[sync]`"));
            documentation.push('\n');
        } else if let Some(function) = line.strip_prefix("pub fn ") {
            let name = function.split('(').next().unwrap_or_default();
            let title = if name == "path" { "path!".to_owned() } else { format!("#[{name}]") };
            write!(page, "\n## {title}\n\n{}\n", documentation.trim()).expect("text");
            documentation.clear();
        } else if !line.starts_with("#[") {
            documentation.clear();
        }
    }
    check("attributes.md", &page);
}

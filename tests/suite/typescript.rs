//! `schema --format typescript`: deterministic, equal to the checked-in file, and accepted by the compiler.

use std::fs;

use nango_tests::{Registry, typescript};
use serde_json::json;

use crate::frozen;

/// Correct uses of the types.
const RIGHT: &str = r#"
import type { Github, Int64, Integrations } from "./schema";

const input: Github.UpdateIssueInput = { owner: "octo", repo: "demo", number: 1, title: null };
const number: Int64 = input.number;
type Update = Integrations["github"]["actions"]["update-issue"];
const update: Update["input"] = input;
export function titleOf(issue: Integrations["github"]["syncs"]["repo-issues"]["models"]["GithubIssue"]): string {
  // A record as clients read it: its id is text.
  const id: string = issue.id;
  return issue.body ?? `${id} ${number} ${update.state ?? "unchanged"}`;
}
"#;

/// Wrong uses; each line has one error.
const WRONG: &str = r#"
import type { Github } from "./schema";
export const missing: Github.UpdateIssueInput = { owner: "octo", repo: "demo" };
export const mistyped: Github.UpdateIssueInput = { owner: "octo", repo: "demo", number: "1" };
export const unknown: Github.UpdateIssueInput = { owner: "octo", repo: "demo", number: 1, titel: "a" };
export const nullable = (issue: Github.GithubIssue): string => issue.body;
export const optional = (input: Github.UpdateIssueInput): string | null => input.title;
export const none: Github.Nothing = 1;
"#;

fn declarations() -> String {
    Registry::new().run(["schema", "--format", "typescript"]).expect(0).stdout
}

#[test]
fn typescript_of_examples_is_deterministic_and_equals_golden_file() {
    let first = declarations();
    assert_eq!(first, declarations());
    frozen::check("schema.ts", &first.lines().collect::<Vec<_>>());
}

#[test]
fn typescript_is_written_to_a_file_or_into_one_json_document() {
    let registry = Registry::new();
    registry.run(["schema", "--format", "typescript", "--integration", "jira", "--out", "jira.ts"]).expect(0);
    let text = fs::read_to_string(registry.dir().join("jira.ts")).expect("the file");
    assert!(text.contains("export namespace Jira {") && !text.contains("Github"), "{text}");
    let document = registry.json(["schema", "--format", "typescript", "--integration", "jira", "--json"]);
    assert_eq!(document, json!({ "typescript": text }));
    let refused = registry.run(["schema", "--format", "typescript", "--model", "GithubIssue"]).expect(2);
    assert!(refused.stderr.contains("use --integration"), "{}", refused.stderr);
}

#[test]
fn compiler_accepts_the_types_and_refuses_each_wrong_use() {
    let registry = Registry::new();
    registry.write("schema.ts", declarations());
    registry.write("right.ts", RIGHT);
    registry.write("wrong.ts", WRONG);
    let proof = Registry::proof("http://127.0.0.1:9").run(["schema", "--format", "typescript"]).expect(0).stdout;
    registry.write("proof.ts", proof);
    let Some(messages) = typescript::check(registry.dir(), &["schema.ts", "right.ts", "proof.ts"]) else { return };
    assert_eq!(messages, "");
    let messages = typescript::check(registry.dir(), &["wrong.ts"]).expect("it is installed");
    for line in 3..=8 {
        assert!(messages.contains(&format!("wrong.ts({line},")), "no error in line {line}: {messages}");
    }
    assert_eq!(messages.lines().filter(|line| line.starts_with("wrong.ts(")).count(), 6, "{messages}");
}

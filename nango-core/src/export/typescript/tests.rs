//! Tests of the declarations: each form of a schema, and names that are no identifiers.

use serde_json::json;

use super::*;

#[track_caller]
fn check(schema: &Value, expect: &str) {
    let names = Names::new(&[]);
    assert_eq!(Printer::new(&names).expression(schema, 0), expect, "{schema}");
}

#[test]
fn schema_becomes_a_type() {
    check(&json!(true), "unknown");
    check(&json!({ "type": "integer", "format": "int32" }), "number");
    check(&json!({ "type": ["integer", "null"], "format": "uint64" }), "Int64 | null");
    check(&json!({ "enum": ["a", "b\"|", null] }), "\"a\" | \"b\\\"|\" | null");
    check(&json!({ "type": "array", "items": { "type": ["string", "null"] } }), "(string | null)[]");
    check(&json!({ "type": "array", "items": { "enum": ["a|b"] } }), "\"a|b\"[]");
    check(&json!({ "type": "array" }), "unknown[]");
    let pair = json!([{ "type": "string" }, { "type": "number" }]);
    check(&json!({ "type": "array", "prefixItems": pair, "minItems": 2, "maxItems": 2 }), "[string, number]");
    check(&json!({ "type": "object", "additionalProperties": { "type": "number" } }), "{ [key: string]: number }");
    check(&json!({ "type": "object" }), "{ [key: string]: unknown }");
    check(&json!({ "anyOf": [{ "$ref": "#/integrations/x/models/User" }, { "type": "null" }] }), "User | null");
    check(
        &json!({ "allOf": [{ "$ref": "#/$defs/A" }, { "anyOf": [{ "$ref": "#/$defs/B" }, { "type": "null" }] }] }),
        "A & (B | null)",
    );
}

#[test]
fn optional_and_nullable_fields_differ() {
    let text = json!({ "type": "string" });
    let nullable = json!({ "type": ["string", "null"], "description": "Text." });
    check(
        &json!({ "type": "object", "properties": { "a": text, "b-c": nullable, "d": nullable }, "required": ["a", "d"],
                 "additionalProperties": true }),
        "{\n  a: string;\n  /** Text. */\n  \"b-c\"?: string | null;\n  /** Text. */\n  d: string | null;\n  \
         [key: string]: unknown;\n}",
    );
}

#[test]
fn tagged_union_is_a_union_of_objects_with_a_literal_tag() {
    let variant = |tag: &str| {
        json!({ "type": "object", "description": format!("Variant {tag}."), "properties": { "kind": { "const": tag } },
                "required": ["kind"] })
    };
    let names = Names::new(&[]);
    let declared = Printer::new(&names).declaration("Shape", &json!({ "oneOf": [variant("a"), variant("b")] }));
    assert_eq!(
        declared,
        "  export type Shape =\n    /** Variant a. */\n    | {\n      kind: \"a\";\n    }\n    /** Variant b. */\n    \
         | {\n      kind: \"b\";\n    };\n"
    );
    let base = json!({ "type": "object", "properties": { "id": { "type": "string" } }, "oneOf": [variant("a")] });
    check(&base, "{\n  kind: \"a\";\n} & {\n  id?: string;\n}");
}

#[test]
fn names_are_identifiers_and_used_once() {
    let mut names = Names::new(&["Syncs"]);
    for name in ["Syncs", "a b", "a_b", "string", "2fa", "Ünit"] {
        names.add_type(name);
    }
    let of = ["Syncs", "a b", "a_b", "string", "2fa", "Ünit"].map(|name| names.type_name(name));
    assert_eq!(of, ["Syncs2", "a_b", "a_b2", "string2", "_2fa", "Ünit"]);
    let mut namespaces = Names::new(&[]);
    assert_eq!(
        ["google-drive", "googleDrive", "7"].map(|name| namespaces.add_namespace(name)),
        ["GoogleDrive", "GoogleDrive2", "_7"]
    );
}

#[test]
fn comment_cannot_be_ended_by_its_text() {
    assert_eq!(types::doc_comment(&json!({ "description": "a */ b" }), 0), "/** a *\\/ b */\n");
    let two = types::doc_comment(&json!({ "description": "a\n\nb", "deprecated": true }), 1);
    assert_eq!(two, "  /**\n   * a\n   *\n   * b\n   * @deprecated\n   */\n");
}

#[test]
fn integration_becomes_a_namespace_with_its_functions() {
    let bundle = json!({ "integrations": { "git-hub": {
        "models": { "Issue": { "type": "object", "description": "An issue.", "properties": {
            "id": { "type": "string" }, "n": { "type": "integer", "format": "uint64" } }, "required": ["id", "n"] } },
        "syncs": { "issues": { "description": "All issues.", "models": ["Issue"], "checkpoint": null, "metadata": null,
                               "webhook_payload": true } },
        "actions": { "ping": { "description": "", "input": null, "output": { "type": "null" }, "metadata": null } },
        "events": {},
    } } });
    let text = typescript(&bundle);
    assert_eq!(
        text.strip_prefix(HEADER),
        Some(
            "
/** Integration `git-hub`. */
export namespace GitHub {
  /** An issue. */
  export interface Issue {
    id: string;
    n: Int64;
  }

  /** Syncs by name: their models and the types of their values. */
  export interface Syncs {
    /** All issues. */
    issues: {
      models: { Issue: Issue };
      checkpoint: null;
      metadata: null;
      webhook: unknown;
    };
  }

  /** Actions by name. */
  export interface Actions {
    ping: {
      input: null;
      output: null;
      checkpoint: null;
      metadata: null;
    };
  }

  /** Functions on events of a connection, by name. */
  export interface Events {
  }
}

/** Integrations by name. */
export interface Integrations {
  \"git-hub\": { syncs: GitHub.Syncs; actions: GitHub.Actions; events: GitHub.Events };
}
"
        )
    );
}

use super::*;
use proptest::prelude::*;
use serde_json::Value;

const JSON: &str = r#"{"a":{"b":[{"c":1},{"c":[2,3]}],"n":null},"a.b":"flat","d":7,"d":8,"\u00e9":"x"}"#;

#[track_caller]
fn check(path: &str, expect: Option<&str>) {
    assert_eq!(lookup(JSON, path).map(RawValue::get), expect, "{path}");
}

#[test]
fn dotted_path_leads_to_its_value() {
    check("a.b[0].c", Some("1"));
    check("a.b.1.c[1]", Some("3"));
    check("a.n", Some("null"));
    check("d", Some("8"));
    check("é", Some("\"x\""));
    check("", Some(JSON));
    for path in
        ["b", "a.b.c", "a.b[2]", "a.b[0].c.d", "a.n.x", "d[0]", "a.", ".a", "a..b", "a[", "a[x]", "a[0]b", "a[-1]"]
    {
        check(path, None);
    }
}

#[track_caller]
fn check_read(json: &str, list: &str, value: &str, items: Option<&[&str]>, found: Option<&str>) {
    let (list, value) = (Path::parse(list).unwrap(), Path::parse(value).unwrap());
    let got = read(json, &list, false, &[&value]).unwrap();
    let got_items = match &got.list {
        Found::Value(Listed::Items(items)) => Some(items.as_slice()),
        _ => None,
    };
    assert_eq!((got_items, got.values[0].value().map(|value| value.get())), (items, found), "{json}");
}

#[test]
fn literal_key_takes_precedence_over_the_nested_form_at_each_level() {
    let check = |json: &str, path: &str, expect: Option<&str>| {
        assert_eq!(lookup(json, path).map(RawValue::get), expect, "{path} in {json}");
    };
    check(r#"{"@odata.nextLink":"u"}"#, "@odata.nextLink", Some("\"u\""));
    check(r#"{"a":{"b":1},"a.b":2}"#, "a.b", Some("2"));
    check(r#"{"a.b":2,"a":{"b":1}}"#, "a.b", Some("2"));
    check(r#"{"d":{"a.b":[7]}}"#, "d.a.b", Some("[7]"));
    check(r#"{"d":{"a":{"b":1},"a.b":2}}"#, "d.a.b", Some("2"));
    check(r#"{"d":{"a":{"b":1}},"d.a.b":3,"d.a":{"b":4}}"#, "d.a.b", Some("3"));
    check(r#"{"a.b":null,"a":{"b":1}}"#, "a.b", Some("null"));
    check(r#"{"a":{"b":1},"a":{}}"#, "a.b", None);
    let list = r#"{"x.items":[1,2],"x":{"items":[3]}}"#;
    check_read(list, "x.items", "y", Some(&["1", "2"]), None);
}

#[test]
fn missing_null_and_null_parent_are_different() {
    let state = |json: &str, path: &str| {
        let path = Path::parse(path).unwrap();
        let read = read(json, &Path::parse("none").unwrap(), false, &[&path]).unwrap();
        match &read.values[0] {
            Found::Missing => "missing",
            Found::ParentNull => "parent null",
            Found::Null => "null",
            Found::Value(_) => "value",
        }
    };
    assert_eq!(state(r#"{"a":{"b":0}}"#, "a.b"), "value");
    assert_eq!(state(r#"{"a":{"b":null}}"#, "a.b"), "null");
    assert_eq!(state(r#"{"a":null}"#, "a.b"), "parent null");
    assert_eq!(state("null", "a.b"), "parent null");
    for missing in [r#"{"a":{}}"#, "{}", r#"{"a":7}"#, "[]"] {
        assert_eq!(state(missing, "a.b"), "missing", "{missing}");
    }
}

#[test]
fn records_and_cursor_are_read_in_one_pass() {
    check_read(r#"{"next":"x","items":[1, {"a":2}]}"#, "items", "next", Some(&["1", r#"{"a":2}"#]), Some("\"x\""));
    check_read(r#"{"data":{"data":[1],"next":2}}"#, "data.data", "data.next", Some(&["1"]), Some("2"));
    check_read(r#"[{"next":1},2]"#, "", "[0].next", Some(&[r#"{"next":1}"#, "2"]), Some("1"));
    check_read(r#"{"a":[1]}"#, "a", "a[0]", Some(&["1"]), Some("1"));
    check_read(r#"{"a":null}"#, "a", "b", None, None);
    check_read(r#"{"a":{"b":1}}"#, "a", "a", None, Some(r#"{"b":1}"#));
    check_read(r#"{"a":[1],"a":5,"b":1,"b":[]}"#, "a", "b", None, Some("[]"));
    assert!(read("[1,", &Path::default(), false, &[]).is_err());
    assert!(read("[1] 2", &Path::default(), false, &[]).is_err());
}

#[test]
fn object_is_split_into_its_entries_in_document_order() {
    let entries = |json: &'static str, path: &str| {
        let path = Path::parse(path).unwrap();
        read(json, &path, true, &[]).unwrap().list
    };
    let of = |list: &[(&'static str, &'static str)]| Found::Value(Listed::Entries(list.to_vec()));
    let map = r#"{"m":{"b":{"x":1},"10":2,"a\"\u00e9":[3],"b":null}}"#;
    let expect = [("\"b\"", r#"{"x":1}"#), ("\"10\"", "2"), (r#""a\"\u00e9""#, "[3]"), ("\"b\"", "null")];
    assert_eq!(entries(map, "m"), of(&expect));
    assert_eq!(entries(r#"{ "a" : 1 }"#, ""), of(&[("\"a\"", "1")]));
    for empty in [r#"{"m":{}}"#, r#"{"m":[]}"#] {
        assert_eq!(entries(empty, "m"), of(&[]), "{empty}");
    }
    assert_eq!(entries(r#"{"m":[1]}"#, "m"), Found::Value(Listed::Other));
    assert_eq!(entries(r#"{"m":"x"}"#, "m"), Found::Value(Listed::Other));
    assert_eq!(entries(r#"{"m":null}"#, "m"), Found::Null);
    assert_eq!(entries("null", "m"), Found::ParentNull);
    assert_eq!(entries("{}", "m"), Found::Missing);
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-c]", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn path_resolves_like_json_pointer(value in json(), steps in proptest::collection::vec("[a-c]|[0-2]", 0..4)) {
        let text = value.to_string();
        let raw: &RawValue = serde_json::from_str(&text).unwrap();
        let pointer: String = steps.iter().flat_map(|step| ["/", step]).collect();
        let found = lookup(raw.get(), &steps.join(".")).map(|raw| serde_json::from_str::<Value>(raw.get()).unwrap());
        prop_assert_eq!(found.as_ref(), value.pointer(&pointer));
    }

    #[test]
    fn path_of_any_text_over_any_text_never_panics(path in "[a-c.\\[\\]0-9]{0,12}|.*", text in "[\\[\\]{}:,\"a-c0-9]{0,30}|.*") {
        if let Some(path) = Path::parse(&path) {
            let _ = find(&text, &path);
            let _ = read(&text, &path, text.len() % 2 == 0, &[&path]);
        }
    }
}

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use serde_json::{Value, json, value::RawValue};

use super::*;

fn text<T: Serialize + ?Sized>(value: &T) -> String {
    let mut out = Vec::new();
    write(value, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[derive(Serialize)]
enum Shape {
    Unit,
    New(u8),
    Tuple(u8, u8),
    Struct { z: u8, a: u8 },
}

#[derive(Serialize)]
struct Record<'a> {
    z: u64,
    a: Option<f64>,
    map: HashMap<&'a str, i64>,
    raw: &'a RawValue,
    shapes: [Shape; 4],
}

#[test]
fn fields_keep_their_order_and_maps_are_sorted() {
    let raw: Box<RawValue> = serde_json::from_str(r#"{"y": 1, "b": [ {"d":1,"c":2} ]}"#).unwrap();
    let map = [("k", -1), ("é", 2), ("b", i64::MAX)].into();
    let shapes = [Shape::Unit, Shape::New(1), Shape::Tuple(1, 2), Shape::Struct { z: 1, a: 2 }];
    assert_eq!(
        text(&Record { z: u64::MAX, a: Some(-0.0), map, raw: &raw, shapes }),
        r#"{"z":18446744073709551615,"a":-0.0,"map":{"b":9223372036854775807,"k":-1,"é":2},"#.to_owned()
            + r#""raw":{"b":[{"c":2,"d":1}],"y":1},"#
            + r#""shapes":["Unit",{"New":1},{"Tuple":[1,2]},{"Struct":{"z":1,"a":2}}]}"#
    );
    assert_eq!(text(&BTreeMap::from([(10_u32, "a\0b"), (9, "\u{2028}")])), "{\"10\":\"a\\u0000b\",\"9\":\"\u{2028}\"}");
}

#[test]
fn value_that_json_cannot_represent_is_refused() {
    let error = |value: f64| write(&[value], &mut Vec::new()).unwrap_err().to_string();
    assert_eq!(error(f64::NAN), "NaN is not a number that JSON can represent");
    assert_eq!(error(f64::INFINITY), "inf is not a number that JSON can represent");
    assert!(write(&HashMap::from([((1, 2), 3)]), &mut Vec::new()).is_err());
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".*", inner), 0..6).prop_map(|all| json!(HashMap::<String, Value>::from_iter(all))),
        ]
    })
}

proptest! {
    #[test]
    fn canonical_text_parses_to_the_same_value_and_text(value in value()) {
        let once = text(&value);
        let back: Value = serde_json::from_str(&once).unwrap();
        prop_assert_eq!(&back, &value);
        prop_assert_eq!(text(&back), once);
    }
}

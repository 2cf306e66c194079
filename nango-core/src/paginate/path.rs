//! Dotted paths such as `data.items` or `results[0].rows`, followed through JSON text.
//!
//! Nothing is built from the text: what a path leads to is cut out of it. A step that is a number also leads into a
//! list (`results.0.rows`). Of a key that occurs twice, the last counts, as in JavaScript.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::split;

/// One step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

impl Step<'_> {
    fn is_key(self, key: &str) -> bool {
        matches!(self, Self::Key(name) if name == key)
    }

    fn index(self) -> Option<usize> {
        match self {
            Self::Index(index) => Some(index),
            Self::Key(name) => name.parse().ok(),
        }
    }
}

/// The steps of a path, if it is one. The empty text is the path to the whole.
pub(super) fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut steps = Vec::new();
    if path.is_empty() {
        return Some(steps);
    }
    for part in path.split('.') {
        let (name, mut rest) = part.split_at(part.find('[').unwrap_or(part.len()));
        // A part is a name, with indices or without; a path may begin with an index.
        if !name.is_empty() {
            steps.push(Step::Key(name));
        } else if rest.is_empty() || !steps.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let (index, after) = rest.strip_prefix('[')?.split_once(']')?;
            steps.push(Step::Index(index.parse().ok()?));
            rest = after;
        }
    }
    Some(steps)
}

/// What `path` leads to in a JSON text, if it leads anywhere.
pub fn dig<'a>(json: &'a str, path: &str) -> Option<&'a RawValue> {
    find(json, &steps(path)?).ok()?
}

/// What a path leads to in a JSON text.
pub(super) fn find<'a>(json: &'a str, steps: &[Step<'_>]) -> serde_json::Result<Option<&'a RawValue>> {
    let mut found = Found::default();
    scan(json, Search { list: None, value: Some(steps), found: &mut found })?;
    Ok(found.value)
}

/// What [`read`] found.
#[derive(Debug, Default)]
pub(super) struct Found<'a> {
    /// The list's items; `None`: there is nothing at its path, or no list.
    pub(super) list: Option<Vec<&'a str>>,
    /// What lies at the other path.
    pub(super) value: Option<&'a RawValue>,
}

/// Cuts a list into its items and finds one more value, in one pass over the text. `null` is an empty list: some
/// servers write one so.
pub(super) fn read<'a>(json: &'a str, list: &[Step<'_>], value: Option<&[Step<'_>]>) -> serde_json::Result<Found<'a>> {
    if list.is_empty()
        && value.is_none()
        && let Some(items) = split::items(json)
    {
        return Ok(Found { list: Some(items), value: None });
    }
    let mut found = Found::default();
    scan(json, Search { list: Some(list), value, found: &mut found })?;
    Ok(found)
}

fn scan<'a>(json: &'a str, search: Search<'_, '_, 'a>) -> serde_json::Result<()> {
    let mut source = serde_json::Deserializer::from_str(json);
    search.deserialize(&mut source)?;
    source.end()
}

/// The steps that are left to the list and to the value; `None`: not below here.
struct Search<'s, 'f, 'a> {
    list: Option<&'s [Step<'s>]>,
    value: Option<&'s [Step<'s>]>,
    found: &'f mut Found<'a>,
}

impl<'s, 'a> Search<'s, '_, 'a> {
    /// The search below a step that leads to one of the places, or to both.
    fn below(&mut self, leads: (bool, bool)) -> Option<Search<'s, '_, 'a>> {
        let rest =
            |steps: Option<&'s [Step<'s>]>, leads: bool| steps.filter(|_| leads).and_then(|steps| steps.get(1..));
        let (list, value) = (rest(self.list, leads.0), rest(self.value, leads.1));
        // What an earlier key of the same name led to does not count any more.
        if list.is_some() {
            self.found.list = None;
        }
        if value.is_some() {
            self.found.value = None;
        }
        (list.is_some() || value.is_some()).then_some(Search { list, value, found: &mut *self.found })
    }

    fn leads(&self, step: impl Fn(Step<'s>) -> bool) -> (bool, bool) {
        let first =
            |steps: Option<&'s [Step<'s>]>| steps.and_then(|steps| steps.first()).is_some_and(|first| step(*first));
        (first(self.list), first(self.value))
    }
}

impl<'a> DeserializeSeed<'a> for Search<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, source: D) -> Result<(), D::Error> {
        match (self.list, self.value) {
            (Some([]), None) => source.deserialize_any(Items(self.found)),
            (None, Some([])) => {
                self.found.value = Some(Deserialize::deserialize(source)?);
                Ok(())
            }
            // One place lies inside the other: the text is read once for each.
            (Some([]), Some(_)) | (Some(_), Some([])) => {
                let here = <&'a RawValue>::deserialize(source)?.get();
                scan(here, Search { list: self.list, value: None, found: &mut *self.found })
                    .and_then(|()| scan(here, Search { list: None, value: self.value, found: self.found }))
                    .map_err(D::Error::custom)
            }
            _ => source.deserialize_any(self),
        }
    }
}

/// Whether a key leads to the two places, without a copy of it.
struct Leads<'v, 's, 'f, 'a>(&'v Search<'s, 'f, 'a>);

impl<'a> DeserializeSeed<'a> for Leads<'_, '_, '_, '_> {
    type Value = (bool, bool);

    fn deserialize<D: Deserializer<'a>>(self, source: D) -> Result<Self::Value, D::Error> {
        source.deserialize_str(self)
    }
}

impl Visitor<'_> for Leads<'_, '_, '_, '_> {
    type Value = (bool, bool);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.leads(|step| step.is_key(key)))
    }
}

/// A scalar where a path goes on, or where a list should be, is nothing.
macro_rules! scalars_are_nothing {
    () => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("JSON")
        }

        fn visit_bool<E>(self, _: bool) -> Result<(), E> {
            Ok(())
        }

        fn visit_i64<E>(self, _: i64) -> Result<(), E> {
            Ok(())
        }

        fn visit_u64<E>(self, _: u64) -> Result<(), E> {
            Ok(())
        }

        fn visit_f64<E>(self, _: f64) -> Result<(), E> {
            Ok(())
        }

        fn visit_str<E>(self, _: &str) -> Result<(), E> {
            Ok(())
        }
    };
}

impl<'a> Visitor<'a> for Search<'_, '_, 'a> {
    type Value = ();

    scalars_are_nothing!();

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<M: MapAccess<'a>>(mut self, mut map: M) -> Result<(), M::Error> {
        while let Some(leads) = map.next_key_seed(Leads(&self))? {
            match self.below(leads) {
                Some(below) => map.next_value_seed(below)?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(mut self, mut items: S) -> Result<(), S::Error> {
        for at in 0.. {
            let leads = self.leads(|step| step.index() == Some(at));
            let more = match self.below(leads) {
                Some(below) => items.next_element_seed(below)?.is_some(),
                None => items.next_element::<IgnoredAny>()?.is_some(),
            };
            if !more {
                break;
            }
        }
        Ok(())
    }
}

/// The list itself.
struct Items<'f, 'a>(&'f mut Found<'a>);

impl<'a> Visitor<'a> for Items<'_, 'a> {
    type Value = ();

    scalars_are_nothing!();

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.list = Some(Vec::new());
        Ok(())
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut items: S) -> Result<(), S::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<&'a RawValue>()? {
            list.push(item.get());
        }
        self.0.list = Some(list);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    const JSON: &str = r#"{"a":{"b":[{"c":1},{"c":[2,3]}],"n":null},"a.b":"flat","d":7,"d":8,"\u00e9":"x"}"#;

    #[track_caller]
    fn check(path: &str, expect: Option<&str>) {
        assert_eq!(dig(JSON, path).map(RawValue::get), expect, "{path}");
    }

    #[test]
    fn a_path_is_followed() {
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
        let (list, value) = (steps(list).unwrap(), steps(value).unwrap());
        let got = read(json, &list, Some(&value)).unwrap();
        assert_eq!((got.list.as_deref(), got.value.map(RawValue::get)), (items, found), "{json}");
    }

    #[test]
    fn a_page_and_its_cursor_are_read_at_once() {
        check_read(r#"{"next":"x","items":[1, {"a":2}]}"#, "items", "next", Some(&["1", r#"{"a":2}"#]), Some("\"x\""));
        check_read(r#"{"data":{"data":[1],"next":2}}"#, "data.data", "data.next", Some(&["1"]), Some("2"));
        check_read(r#"[{"next":1},2]"#, "", "[0].next", Some(&[r#"{"next":1}"#, "2"]), Some("1"));
        check_read(r#"{"a":[1]}"#, "a", "a[0]", Some(&["1"]), Some("1"));
        check_read(r#"{"a":null}"#, "a", "b", Some(&[]), None);
        check_read(r#"{"a":{"b":1}}"#, "a", "a", None, Some(r#"{"b":1}"#));
        check_read(r#"{"a":[1],"a":5,"b":1,"b":[]}"#, "a", "b", None, Some("[]"));
        assert!(read("[1,", &[], None).is_err());
        assert!(read("[1] 2", &[], None).is_err());
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
        fn it_leads_where_a_pointer_leads(value in json(), steps in proptest::collection::vec("[a-c]|[0-2]", 0..4)) {
            let text = value.to_string();
            let raw: &RawValue = serde_json::from_str(&text).unwrap();
            let pointer: String = steps.iter().flat_map(|step| ["/", step]).collect();
            let found = dig(raw.get(), &steps.join(".")).map(|raw| serde_json::from_str::<Value>(raw.get()).unwrap());
            prop_assert_eq!(found.as_ref(), value.pointer(&pointer));
        }

        #[test]
        fn no_path_and_no_text_panic(path in "[a-c.\\[\\]0-9]{0,12}|.*", text in "[\\[\\]{}:,\"a-c0-9]{0,30}|.*") {
            if let Some(steps) = steps(&path) {
                let _ = find(&text, &steps);
                let _ = read(&text, &steps, Some(&steps));
            }
        }
    }
}

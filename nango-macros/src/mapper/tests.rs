//! Checks of the declaration of a mapper.

use super::*;

const KEYS: &[&str] = &[
    "endpoint",
    "query",
    "headers",
    "body",
    "paginate",
    "retries",
    "since",
    "on_invalid",
    "checkpoint",
    "metadata",
    "records_at_once",
    "each",
    "each_variant",
    "parents_at_once",
    "on_parent_error",
    "delta",
    "error",
    "track_deletes",
    "confirm_deletes",
];

fn mapper(keys: &str, item: &str) -> Result<Mapper, Vec<String>> {
    let mut args = Args::parse("`#[sync]`", KEYS, keys.parse().unwrap());
    let capabilities = Capabilities::read(&mut args);
    let endpoint = args.take("endpoint").unwrap();
    let deletes = Deletes::validate(&mut args, true, 1, capabilities.metadata.as_ref());
    let models = [syn::parse_quote!(Issue)];
    let func = syn::parse_str(item).unwrap();
    let mapper = Mapper::validate(&mut args, &endpoint, &func, &models, &capabilities, &deletes);
    match args.errors.or(()) {
        Ok(()) => Ok(mapper.unwrap()),
        Err(error) => Err(error.into_iter().map(|error| error.to_string()).collect()),
    }
}

#[test]
fn only_the_endpoint_is_required() {
    let got = mapper("endpoint = \"/issues\"", "fn f(raw: Raw) -> Issue {}").unwrap();
    assert!(got.paginate.is_none() && got.since.is_none());
    assert_eq!((got.retries, got.on_invalid), (0, "Fail"));
    let keys = "endpoint = \"/issues\", paginate, retries = 3, since(param = \"since\"), on_invalid = \"skip\"";
    let got = mapper(keys, "async fn f(nango: NangoSync, raw: Raw) -> Result<Issue> {}").unwrap();
    assert!(got.paginate.is_some() && got.since.is_some());
    assert_eq!((got.retries, got.on_invalid), (3, "Skip"));
}

#[test]
fn all_mistakes_are_in_one_error() {
    let keys = "endpoint = \"issues\", retries = 11, on_invalid = \"stop\", checkpoint = Position";
    let messages = mapper(keys, "fn f() {}").err().unwrap();
    let expect = [
        "keeps its own resume point",
        "starts with `/`",
        "from 0 to 10",
        "not \"stop\"",
        "needs a return type",
        "takes the record as the API sends it",
    ];
    assert_eq!(messages.len(), expect.len(), "{messages:?}");
    assert!(messages.iter().zip(expect).all(|(got, expect)| got.contains(expect)), "{messages:?}");
}

#[test]
fn number_of_records_at_once_is_for_async_mappers() {
    let keys = "endpoint = \"/issues\", records_at_once = 64";
    let item = "async fn f(nango: NangoSync, raw: Raw) -> Result<Issue> {}";
    assert_eq!(mapper(keys, item).unwrap().records_at_once, 64);
    assert_eq!(mapper("endpoint = \"/issues\"", item).unwrap().records_at_once, 4);
    let messages = mapper(keys, "fn f(raw: Raw) -> Issue {}").err().unwrap();
    assert!(matches!(messages.as_slice(), [message] if message.contains("is for async mappers")), "{messages:?}");
    let messages = mapper("endpoint = \"/issues\", records_at_once = 65", item).err().unwrap();
    assert!(messages[0].contains("from 1 to 64"), "{messages:?}");
}

#[test]
fn parents_are_a_model_or_a_list_in_the_metadata() {
    let item = "fn f(channel: &SlackChannel, raw: Raw) -> Issue {}";
    for keys in [
        "endpoint = \"/{each.id}/issues\", each = SlackChannel",
        "endpoint = \"/{each}/{owner}\", each = \"slack::SlackChannel\", metadata = Team, parents_at_once = 64",
        "endpoint = \"/issues\", query(\"channel\" = each.id), each = metadata::Channel, each_variant = \"eu\"",
        "endpoint = \"POST /a\", body = json!({ \"a\": each }), each = metadata.a.b, metadata = Team",
        "endpoint = \"/{each.id}\", each = A, on_parent_error = \"skip\", error(path = \"a\", fatal = [\"b\"])",
        "endpoint = \"/{each.id}\", each = A, delta(link = \"next\", initial(\"a\" = each.at))",
    ] {
        assert!(mapper(keys, item).is_ok(), "{keys}: {:?}", mapper(keys, item).err());
    }
}

#[test]
fn invalid_parents_are_reported_with_what_is_allowed() {
    #[track_caller]
    fn check(keys: &str, expect: &str) {
        let messages = mapper(keys, "fn f(channel: &SlackChannel, raw: Raw) -> Issue {}").err().unwrap();
        assert!(matches!(messages.as_slice(), [message] if message.contains(expect)), "{keys}: {messages:?}");
    }
    check("endpoint = \"/{each.id}\", each", "`each` is a model of the same integration");
    check("endpoint = \"/{each.id}\", each = 3", "`each` is a model of the same integration");
    check("endpoint = \"/{each.id}\", each = metadata, metadata = A", "needs the field that holds the list");
    check("endpoint = \"/{each.id}\", each = metadata.a[0], metadata = A", "is a path of fields");
    check("endpoint = \"/{each.id}\", each = metadata.a", "add `metadata = YourType`");
    check("endpoint = \"/{each.id}\", each = metadata.a, metadata = A, each_variant = \"b\"", "has no variants");
    check("endpoint = \"/{each.id}\", each = A, parents_at_once = 65", "from 1 to 64");
    check("endpoint = \"/{each.id}\", each = A, on_parent_error = \"log\"", "\"fail\" or \"skip\"");
    check(
        "endpoint = \"/{each.id}\", each = A, delta(link = \"a\"), paginate(cursor(name = \"b\", path = \"c\"))",
        "needs pages that are links",
    );
    check(
        "endpoint = \"/{each.id}\", each = A, delta(link = \"a\", end = \"b\"), paginate(link(path = \"c\"))",
        "the position is the cursor of the pages",
    );
    check(
        "endpoint = \"/{each.id}?b=1\", each = A, delta(param = \"a\", path = \"b\", initial(\"b\" = 1))",
        "`initial` sets the parameter `b`",
    );
    check("endpoint = \"/{each.0}\", each = A", "is not a field of the parent");
    check("endpoint = \"/{owner}\", query(\"a\" = each.id), each = A", "add `metadata = YourType`");
    check("endpoint = \"/a\", query(\"a\" = 1), each = A", "the requests do not use the parent");
    check(
        "endpoint = \"/{each.id}\", each = A, track_deletes, confirm_deletes(get = \"/a/{record.id}\")",
        "is not available with `each`",
    );
}

#[test]
fn key_about_parents_needs_each() {
    let check = |keys: &str, expect: &str| {
        let messages = mapper(keys, "fn f(raw: Raw) -> Issue {}").err().unwrap();
        assert!(matches!(messages.as_slice(), [message] if message.contains(expect)), "{keys}: {messages:?}");
    };
    check("endpoint = \"/a\", each_variant = \"b\"", "`each_variant` needs `each = YourModel`");
    check("endpoint = \"/a\", parents_at_once = 2", "`parents_at_once` needs `each = YourModel`");
    check("endpoint = \"/a\", on_parent_error = \"skip\"", "`on_parent_error` needs `each = YourModel`");
    check("endpoint = \"/a\", error(path = \"b\", fatal = [\"c\"])", "`fatal` needs `each = YourModel`");
    check("endpoint = \"/{each.id}\"", "add `each = YourModel`");
    check("endpoint = \"/a\", query(\"b\" = each.id)", "add `each = YourModel`");
}

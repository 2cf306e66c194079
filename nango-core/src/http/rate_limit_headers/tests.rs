use super::*;
use proptest::prelude::*;

fn read(pairs: &[(&'static str, &str)]) -> RateLimitHeaders {
    RateLimitHeaders::parse(
        &pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect(),
    )
}

fn window(name: &str, limit: u64, remaining: u64, reset: Option<TimeSpec>, length: Option<Duration>) -> Window {
    Window { name: name.to_owned(), limit: Some(limit), remaining: Some(remaining), reset, length }
}

const DAY: Duration = Duration::from_hours(24);
const IN_30: Option<TimeSpec> = Some(TimeSpec::After(Duration::from_secs(30)));

#[test]
fn window_is_read_in_common_spellings() {
    for start in ["x-ratelimit", "x-rate-limit", "ratelimit", "x-acme-ratelimit"] {
        let names = ["limit", "remaining", "reset"].map(|role| format!("{start}-{role}"));
        let headers = names.iter().zip(["100", "7", "30"]).map(|(name, value)| {
            (reqwest::header::HeaderName::try_from(name.as_str()).unwrap(), value.parse().unwrap())
        });
        let limits = RateLimitHeaders::parse(&headers.collect());
        let name = if start.contains("acme") { "acme" } else { "" };
        assert_eq!(limits.windows, [window(name, 100, 7, IN_30, None)], "{start}");
    }
}

#[test]
fn windows_are_distinguished_by_name() {
    let limits = read(&[
        ("x-ratelimit-limit-requests", "100"),
        ("x-ratelimit-limit-tokens", "40000"),
        ("x-ratelimit-remaining-requests", "99"),
        ("x-ratelimit-remaining-tokens", "0"),
        ("x-ratelimit-reset-requests", "30s"),
        ("x-ratelimit-reset-tokens", "6m0s"),
    ]);
    let in_360 = Some(TimeSpec::After(Duration::from_mins(6)));
    assert_eq!(limits.windows, [window("requests", 100, 99, IN_30, None), window("tokens", 40000, 0, in_360, None)]);
    assert!(limits.is_exhausted());

    let limits = read(&[
        ("x-hubspot-ratelimit-max", "110"),
        ("x-hubspot-ratelimit-remaining", "109"),
        ("x-hubspot-ratelimit-interval-milliseconds", "10000"),
        ("x-hubspot-ratelimit-daily", "250000"),
        ("x-hubspot-ratelimit-daily-remaining", "249999"),
    ]);
    let daily = window("hubspot-daily", 250_000, 249_999, None, Some(DAY));
    assert_eq!(limits.windows, [window("hubspot", 110, 109, None, Some(Duration::from_secs(10))), daily]);
}

#[test]
fn bucket_name_is_read() {
    let limits = read(&[
        ("x-ratelimit-limit", "30"),
        ("x-ratelimit-used", "12"),
        ("x-ratelimit-reset", "1763800000"),
        ("x-ratelimit-resource", "search"),
    ]);
    assert_eq!(limits.bucket.as_deref(), Some("search"));
    let reset = Some(TimeSpec::At(Timestamp::from_micros(1_763_800_000_000_000)));
    assert_eq!(limits.windows, [window("", 30, 18, reset, None)]);
}

#[test]
fn rate_limit_drafts_are_read() {
    let check = |pairs: &[(&'static str, &str)], expect: &[Window], bucket: Option<&str>| {
        let limits = read(pairs);
        assert_eq!((limits.windows.as_slice(), limits.bucket.as_deref()), (expect, bucket), "{pairs:?}");
    };
    let minute = window("", 100, 50, IN_30, Some(Duration::from_mins(1)));
    check(
        &[("ratelimit-limit", "100, 100;w=60"), ("ratelimit-remaining", "50"), ("ratelimit-reset", "30")],
        &[Window { length: None, ..minute.clone() }],
        None,
    );
    check(
        &[("ratelimit-limit", "100;w=60"), ("ratelimit-remaining", "50"), ("ratelimit-reset", "30")],
        std::slice::from_ref(&minute),
        None,
    );
    check(&[("ratelimit", "limit=100, remaining=50, reset=30"), ("ratelimit-policy", "100;w=60")], &[minute], None);
    let named =
        [window("a,b", 100, 50, IN_30, Some(Duration::from_mins(1))), window("daily", 1000, 900, IN_30, Some(DAY))];
    check(
        &[
            ("ratelimit", "\"a,b\";r=50;t=30, \"daily\";r=900;t=30;pk=:Zm9v:"),
            ("ratelimit-policy", "\"a,b\";q=100;w=60, \"daily\";q=1000;w=86400"),
        ],
        &named,
        Some("a,b+daily"),
    );
}

#[test]
fn retry_after_variants_are_read() {
    for (name, value) in [
        ("retry-after", "7"),
        ("retry-after-ms", "7000"),
        ("x-ratelimit-retry-after", "7s"),
        ("x-ratelimit-retryafter", "7"),
    ] {
        assert_eq!(read(&[(name, value)]).retry_after, Some(TimeSpec::After(Duration::from_secs(7))), "{name}");
    }
    let both = read(&[("retry-after", "7"), ("x-retry-after", "9")]);
    assert_eq!(both.retry_after, Some(TimeSpec::After(Duration::from_secs(9))));
}

#[test]
fn other_header_families_are_read() {
    let left = |name: &str, limit, remaining, reset, seconds: Option<u64>| Window {
        name: name.to_owned(),
        limit,
        remaining: Some(remaining),
        reset,
        length: seconds.map(Duration::from_secs),
    };
    let check =
        |pairs: &[(&'static str, &str)], expect: &[Window]| assert_eq!(read(pairs).windows, expect, "{pairs:?}");
    check(
        &[("x-minlimit-remaining", "59"), ("x-daylimit-remaining", "4998"), ("x-appminlimit-remaining", "9999")],
        &[
            left("min", None, 59, None, Some(60)),
            left("day", None, 4998, None, Some(86400)),
            left("appmin", None, 9999, None, Some(60)),
        ],
    );
    check(
        &[("x-acme-quota-remaining", "0"), ("x-acme-quota-resets-in", "30")],
        &[left("acme-quota", None, 0, IN_30, None)],
    );
    check(
        &[("acme-limit-info", "api-usage=924/15000, per-app-api-usage=17/250(appName=x)")],
        &[left("api-usage", Some(15000), 14076, None, None), left("per-app-api-usage", Some(250), 233, None, None)],
    );
    check(
        &[("x-ratelimit-limit", "200,2000"), ("x-ratelimit-usage", "3,68")],
        &[left("", Some(200), 197, None, None), left("#2", Some(2000), 1932, None, None)],
    );
}

#[test]
fn unrelated_header_is_ignored() {
    let none = [
        ("x-ratelimit-scope", "user"),
        ("x-ratelimit-remaining", "many"),
        ("x-generated", "5"),
        ("x-exchange-rate", "7"),
        ("x-ratelimit-limit", "NaN"),
        // A quota without a reset may be a storage quota.
        ("x-storage-quota-remaining", "0"),
        ("x-file-size-limit", "0"),
        ("x-delimiter-left", "0"),
        ("x-limit-info", "none"),
    ];
    assert_eq!(read(&none), RateLimitHeaders::default());
    assert_eq!(read(&[("x-ratelimit-remaining", "-1")]).windows[0].remaining, Some(0));
}

proptest! {
    #[test]
    fn rate_limit_header_of_any_text_never_panics(
        pairs in prop::collection::vec(("(x-)?(rate-?limit|retry-after|daylimit|quota|limit-info)(-[a-z]{1,9}){0,3}", "[ -~]{0,40}"), 0..20)
    ) {
        let headers = pairs.iter().filter_map(|(name, value)| {
            let name = reqwest::header::HeaderName::try_from(name.as_str()).ok()?;
            Some((name, value.parse().ok()?))
        });
        let limits = RateLimitHeaders::parse(&headers.collect());
        prop_assert!(limits.windows.len() <= MAX_WINDOWS);
    }

    #[test]
    fn rate_limit_structured_fields_never_panic(value in "[a-z0-9\",;=:. +-]{0,60}") {
        let Ok(value) = reqwest::header::HeaderValue::try_from(value) else { return Ok(()) };
        let headers = [("ratelimit", value.clone()), ("ratelimit-policy", value)];
        RateLimitHeaders::parse(&headers.into_iter().map(|(name, value)| (name.parse().unwrap(), value)).collect());
    }
}

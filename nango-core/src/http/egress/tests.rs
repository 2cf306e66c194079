use super::*;

fn rules(list: &[&str]) -> Vec<HostPattern> {
    list.iter().map(|text| text.parse().unwrap()).collect()
}

fn policy(allow: &[&str], deny: &[&str]) -> EgressPolicy {
    EgressPolicy::new(rules(allow), rules(deny), false)
}

fn reaches(policy: &EgressPolicy, url: &str) -> bool {
    policy.check(None, &url.parse().unwrap()).is_ok()
}

/// Whether a name that resolves to this address is reached.
fn resolves(policy: &EgressPolicy, name: &str, address: &str) -> bool {
    let address: IpAddr = address.parse().unwrap();
    policy.check_name(name, false).is_ok() && policy.filter_addresses(name, vec![address], false) == Ok(vec![address])
}

#[test]
fn address_is_checked_in_every_notation() {
    let default = EgressPolicy::default();
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "127.0.0.1.",
        "127.8.9.1",
        "０x7f.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[0:0:0:0:0:0:0:1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b::10.0.0.1]",
        "[64:ff9b:1::1]",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
    ] {
        assert!(!reaches(&default, &format!("http://{host}/")), "{host}");
    }
}

#[test]
fn non_public_blocks_are_denied() {
    let default = EgressPolicy::default();
    for address in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "169.254.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "::",
        "::1",
        "::2",
        "fc00::1",
        "fdff::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "100::1",
        "2001::1",
        "2001:2::1",
        "2001:10::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:808:808::1",
        "3fff::1",
        "5f00::1",
        "64:ff9b:1::808:808",
        "4000::1",
        "::ffff:192.168.0.1",
    ] {
        assert!(!resolves(&default, "h.test", address), "{address}");
    }
    for address in [
        "8.8.8.8",
        "100.63.0.1",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "198.17.0.1",
        "198.20.0.1",
        "223.255.255.255",
        "11.0.0.1",
        "2606:4700::1",
        "2a00::1",
        "2001:200::1",
        "64:ff9b::8.8.8.8",
        "::ffff:8.8.8.8",
    ] {
        assert!(resolves(&default, "h.test", address), "{address}");
    }
}

#[test]
fn most_specific_rule_applies() {
    let check = |allow: &[&str], deny: &[&str], url: &str, expect: bool| {
        assert_eq!(reaches(&policy(allow, deny), url), expect, "{allow:?} {deny:?} {url}");
    };
    check(&[], &["evil.test"], "https://evil.test/", false);
    check(&[], &["evil.test"], "https://EVIL.test./x", false);
    check(&[], &["evil.test"], "https://sub.evil.test/", true);
    check(&[], &["*.evil.test"], "https://sub.evil.test/", false);
    check(&[], &["*.evil.test"], "https://evil.test/", true);
    check(&[], &["*.evil.test"], "https://notevil.test/", true);
    check(&["ok.evil.test"], &["*.evil.test"], "https://ok.evil.test/", true);
    check(&["*.a.evil.test"], &["*.evil.test"], "https://b.a.evil.test/", true);
    check(&["*.evil.test"], &["*.a.evil.test"], "https://b.a.evil.test/", false);
    check(&["same.test"], &["same.test"], "https://same.test/", false);
    check(&["api.test"], &["*"], "https://api.test/", true);
    check(&["api.test"], &["*"], "https://other.test/", false);
    check(&["api.test"], &["*"], "https://8.8.8.8/", false);
    check(&["10.0.0.0/8"], &["10.1.0.0/16"], "http://10.2.0.1/", true);
    check(&["10.0.0.0/8"], &["10.1.0.0/16"], "http://10.1.0.1/", false);
    check(&["10.0.0.0/8"], &["10.1.0.0/16"], "http://[::ffff:10.1.0.1]/", false);
    check(&["::ffff:10.0.0.1"], &[], "http://10.0.0.1/", true);
    check(&["fd00::/8"], &[], "http://[fd12::1]/", true);
    check(&["*"], &[], "http://192.168.0.1/", false);
    check(&["*"], &[], "http://127.0.0.2/", false);
    check(&["*.test"], &[], "http://a.test/", true);
    check(&["*"], &[], "http://169.254.169.254/", false);
    check(&["0.0.0.0/0"], &[], "http://192.168.0.1/", true);
    check(&["0.0.0.0/0"], &[], "http://169.254.169.254/", false);
    check(&["169.254.0.0/16"], &[], "http://169.254.169.254/", false);
    check(&["169.254.0.0/16"], &[], "http://169.254.1.1/", true);
    check(&["169.254.169.254"], &[], "http://169.254.169.254/", true);
    check(&["fd00::/8"], &[], "http://[fd00:ec2::23]/", false);
}

#[test]
fn name_and_address_rules_combine() {
    assert!(resolves(&policy(&["db.corp"], &[]), "db.corp", "10.0.0.5"));
    assert!(!resolves(&policy(&["db.corp"], &[]), "other.corp", "10.0.0.5"));
    assert!(resolves(&policy(&["10.0.0.0/8"], &[]), "any.corp", "10.0.0.5"));
    // A denial of the name or the address is a denial.
    assert!(!resolves(&policy(&["db.corp"], &["10.0.0.0/8"]), "db.corp", "10.0.0.5"));
    assert!(!resolves(&policy(&["10.0.0.0/8"], &["db.corp"]), "db.corp", "10.0.0.5"));
    assert!(!resolves(&policy(&[], &["8.8.8.0/24"]), "h.test", "8.8.8.8"));
    // An allowed name does not allow a metadata service.
    assert!(!resolves(&policy(&["db.corp"], &[]), "db.corp", "169.254.169.254"));
    assert!(!resolves(&EgressPolicy::new(vec![], vec![], true), "h.test", "169.254.169.254"));
    assert!(!resolves(&EgressPolicy::new(vec![], vec![], true), "h.test", "100.100.100.200"));
    assert!(resolves(&policy(&["169.254.169.254"], &[]), "h.test", "169.254.169.254"));
    assert!(resolves(&EgressPolicy::new(vec![], vec![], true), "h.test", "192.168.0.1"));
    let mixed: Vec<IpAddr> = vec!["10.0.0.1".parse().unwrap(), "8.8.8.8".parse().unwrap()];
    assert_eq!(EgressPolicy::default().filter_addresses("h.test", mixed.clone(), false), Ok(mixed[1..].to_vec()));
}

#[test]
fn exception_applies_to_its_integration_host_and_port() {
    let mut policy = policy(&[], &["*"]);
    for url in ["https://GHE.corp", "http://127.1:8080/api", "http://[::1]/", "http://169.254.169.254/"] {
        policy.allow_for("github", &url.parse().unwrap());
    }
    let reaches = |integration: Option<&str>, url: &str| policy.check(integration, &url.parse().unwrap()).is_ok();
    for url in ["https://ghe.corp/x", "https://ghe.corp:443/", "http://127.0.0.1:8080/", "http://[::1]:80/"] {
        assert!(reaches(Some("github"), url), "{url}");
        assert!(!reaches(Some("jira"), url) && !reaches(None, url), "{url}");
    }
    for url in ["https://ghe.corp:8443/", "http://127.0.0.1/", "http://127.0.0.2:8080/", "https://other.corp/"] {
        assert!(!reaches(Some("github"), url), "{url}");
    }
    // A base URL is not an exact rule for a metadata service.
    assert!(!reaches(Some("github"), "http://169.254.169.254/"));
    let inside: Vec<IpAddr> = vec!["10.0.0.5".parse().unwrap()];
    assert_eq!(policy.filter_addresses("ghe.corp", inside.clone(), true), Ok(inside.clone()));
    assert!(policy.filter_addresses("ghe.corp", inside, false).is_err());
    let metadata: Vec<IpAddr> = vec!["169.254.169.254".parse().unwrap()];
    assert!(policy.filter_addresses("ghe.corp", metadata, true).is_err());
}

#[test]
fn denied_request_names_the_setting_that_allows_the_host() {
    let error = |policy: &EgressPolicy, url: &str| policy.check(None, &url.parse().unwrap()).unwrap_err().to_string();
    let default = EgressPolicy::default();
    assert_eq!(
        error(&default, "http://0x7f.1/secret?key=hush"),
        "`127.0.0.1` may not be reached: it is private; `[egress] allow = [\"127.0.0.1\"]` in nango.toml allows it"
    );
    assert_eq!(
        error(&default, "http://localhost/"),
        "`localhost` may not be reached: its address is private; `[egress] allow = [\"localhost\"]` in nango.toml \
         allows it"
    );
    assert_eq!(
        error(&default, "http://169.254.169.254/"),
        "`169.254.169.254` may not be reached: it is a cloud metadata address, which returns credentials of the \
         machine; only its address under `[egress] allow` in nango.toml allows it"
    );
    assert_eq!(
        error(&policy(&[], &["evil.test"]), "http://evil.test/"),
        "`evil.test` may not be reached: it is denied by `[egress] deny` in nango.toml"
    );
}

#[test]
fn invalid_host_pattern_is_refused() {
    for text in [
        "",
        "https://a.test",
        "a.test/x",
        "a.test:80",
        "10.0.0.0/33",
        "10.0.0/8",
        "*.*",
        "a*.test",
        "*.10.0.0.1",
        "u@h",
    ] {
        assert!(text.parse::<HostPattern>().is_err(), "{text}");
    }
    for (text, shown) in [
        ("*", "*"),
        ("A.test.", "a.test"),
        ("*.A.test", "*.a.test"),
        ("127.1", "127.0.0.1"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("[::1]", "::1"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("münchen.test", "xn--mnchen-3ya.test"),
    ] {
        assert_eq!(text.parse::<HostPattern>().unwrap().to_string(), shown);
    }
}

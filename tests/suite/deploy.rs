//! The recipes of `docs/deploy`: they use commands, options, variables and settings that exist, and contain no secret.
//!
//! No image is built and no unit is started: that needs a container engine and systemd.

use std::{fs, path::Path};

use nango_tests::{Output, Registry};

fn file(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the values of a setting or an instruction, whose name ends with a separator: `User=`, `USER `.
fn values<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    text.lines().filter_map(|line| line.strip_prefix(name)).map(str::trim).collect()
}

/// Parses a list of words in the JSON of an instruction.
fn json_words(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Returns the result of the command with `--help`, which is parsed completely, but not executed.
fn parse(words: &[impl AsRef<str>]) -> Output {
    Registry::new().run(words.iter().map(AsRef::as_ref).chain(["--help"]))
}

/// Returns the names of variables of the program in a text.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c == '_' || c.is_ascii_uppercase() || c.is_ascii_digit()));
    words.filter(|word| word.starts_with("NANGO_"))
}

#[test]
fn commands_of_recipes_and_page_are_accepted() {
    let unit = file("docs/deploy/nango.service");
    let [start] = values(&unit, "ExecStart=")[..] else { panic!("one ExecStart") };
    let start = start.strip_prefix("/usr/local/bin/registry ").expect("the installed binary");
    parse(&start.split_whitespace().collect::<Vec<_>>()).expect(0);

    let recipe = file("docs/deploy/Containerfile");
    let [entry] = values(&recipe, "ENTRYPOINT ")[..] else { panic!("one ENTRYPOINT") };
    assert_eq!(json_words(entry), ["registry"]);
    let [command] = values(&recipe, "CMD ")[..] else { panic!("one CMD at the start of a line") };
    parse(&json_words(command)).expect(0);

    let page = file("docs/deploy/deploy.md");
    let mut found = 0;
    for line in page.lines().filter(|line| !line.starts_with('|')) {
        let Some((_, words)) = line.split_once(" registry ").filter(|(before, _)| before.starts_with(['d', 'r']))
        else {
            continue;
        };
        parse(&words.split_whitespace().collect::<Vec<_>>()).expect(0);
        found += 1;
    }
    assert_eq!(found, 2, "commands of the page");
    let unknown = parse(&["serve", "--no-such-option"]).expect(2);
    assert!(unknown.stderr.contains("--no-such-option"), "a wrong option is found: {}", unknown.stderr);
}

#[test]
fn variables_of_recipes_and_page_exist() {
    let known = file("tests/golden/environment.txt");
    for path in ["docs/deploy/Containerfile", "docs/deploy/nango.service", "docs/deploy/deploy.md"] {
        let text = file(path);
        for name in variables(&text) {
            let is_known =
                known.lines().any(|one| one == name || (name.starts_with("NANGO_APP_") && one == "NANGO_APP_"));
            assert!(is_known, "{path}: {name}");
        }
    }
}

#[test]
fn image_has_no_secret_no_root_and_the_toolchain_of_the_workspace() {
    let recipe = file("docs/deploy/Containerfile");
    let toolchain = file("rust-toolchain.toml");
    let version = toolchain.split_once("channel = \"").and_then(|(_, rest)| rest.split_once('"')).expect("a channel").0;
    assert!(recipe.contains(&format!("FROM docker.io/library/rust:{version}-")), "{version}");
    assert!(recipe.contains(&format!("RUSTUP_TOOLCHAIN={version}\n")), "{version}");

    // The last stage is the image.
    let (_, image) = recipe.rsplit_once("\nFROM ").expect("two stages");
    assert!(!image.contains("\nCOPY .") && image.contains("\nCOPY --from=build "), "only the binary is copied");
    let [user] = values(image, "USER ")[..] else { panic!("one USER") };
    assert!(user.parse::<u32>().is_ok_and(|user| user > 0), "Kubernetes checks a number: {user}");
    let [folder] = values(image, "WORKDIR ")[..] else { panic!("one WORKDIR") };
    assert_eq!(values(image, "VOLUME "), [folder], "the default database is on the volume");
    for line in recipe.lines().filter(|line| line.starts_with("ENV ") || line.starts_with("ARG ")) {
        let name = line[4..].split('=').next().unwrap_or_default();
        let is_secret = ["KEY", "SECRET", "TOKEN", "PASSWORD", "DATABASE_URL"].iter().any(|part| name.contains(part));
        assert!(!is_secret, "{line}");
    }
    assert!(recipe.contains("/ready\"]") && image.contains("EXPOSE 3003"), "health check and port");
    let ignored = file(".dockerignore");
    for pattern in [".git", "target", "**/*.db", "**/*.key", "**/.env*", "nango.toml"] {
        assert!(ignored.lines().any(|line| line == pattern), "{pattern} is not in the context of the build");
    }
}

#[test]
fn unit_waits_for_the_graceful_stop_and_has_no_privileges() {
    let unit = file("docs/deploy/nango.service");
    let [stop] = values(&unit, "TimeoutStopSec=")[..] else { panic!("one TimeoutStopSec") };
    assert!(stop.parse::<u64>().is_ok_and(|stop| stop > 27), "longer than `stop_timeout` and the open connections");
    assert_eq!(values(&unit, "User="), ["nango"]);
    assert_eq!(values(&unit, "CapabilityBoundingSet="), [""]);
    for setting in ["NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateDevices=yes", "UMask=0077"] {
        assert!(unit.lines().any(|line| line == setting), "{setting}");
    }
    let state = values(&unit, "WorkingDirectory=");
    assert!(state == ["/var/lib/nango"] && values(&unit, "StateDirectory=") == ["nango"], "{state:?}");
}

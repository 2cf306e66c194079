//! The rules of the structure of `nango-core` that a program can check: see "Structure" in ARCHITECTURE.md.

mod errors;
mod literals;
mod modules;
mod times;

use std::collections::BTreeSet;

use crate::sources;
use modules::Modules;

/// Layers from the bottom. A module imports modules of the layers above it in this list, and no other module of its
/// own layer.
const LAYERS: [&[&str]; 19] = [
    &["file_access", "redact", "time"],
    &["json"],
    &["error"],
    &["model"],
    &["declare"],
    &["provider"],
    &["store"],
    &["http"],
    &["auth"],
    &["paginate"],
    &["config"],
    &["recording"],
    &["nango"],
    &["run"],
    &["testing", "engine"],
    &["export"],
    &["wire"],
    &["server"],
    &["cli"],
];

/// Modules without a layer: the public face, what the macros name, and tests of several layers.
const OUTSIDE: [&str; 6] = ["", "__private", "golden", "handle", "internal", "prelude"];

fn layer(module: &str) -> Option<usize> {
    let top = module.split("::").next().unwrap_or_default();
    if OUTSIDE.contains(&top) {
        return None;
    }
    let found = LAYERS.iter().position(|layer| layer.contains(&top));
    assert!(found.is_some(), "`{top}` has no layer: add it to LAYERS in tests/suite/architecture.rs");
    found
}

/// Lines of the library that are not tests, with path and number.
fn lines_of_core() -> Vec<(String, usize, String)> {
    let mut lines = Vec::new();
    for source in sources::all(&[".rs"]) {
        let Some(path) = source.path.strip_prefix("nango-core/src/") else { continue };
        if modules::is_test(path) {
            continue;
        }
        let text = source.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        lines.extend(text.lines().enumerate().map(|(at, line)| (path.to_owned(), at + 1, line.to_owned())));
    }
    lines
}

#[track_caller]
fn refuse(rule: &str, is_exempt: impl Fn(&str) -> bool, is_wrong: impl Fn(&str) -> bool) {
    let wrong: Vec<_> = lines_of_core()
        .into_iter()
        .filter(|(path, _, line)| !is_exempt(path) && !line.trim_start().starts_with("//") && is_wrong(line))
        .map(|(path, number, line)| format!("nango-core/src/{path}:{number}: {}", line.trim()))
        .collect();
    assert!(wrong.is_empty(), "{rule}:\n{}", wrong.join("\n"));
}

#[test]
fn dependencies_point_down() {
    let mut wrong = Vec::new();
    for (from, to) in Modules::of_core().imports() {
        let of_one_module = from.split("::").next() == to.split("::").next();
        if let (Some(importer), Some(imported)) = (layer(&from), layer(&to))
            && importer <= imported
            && !of_one_module
        {
            wrong.push(format!("{from} imports {to}"));
        }
    }
    assert!(wrong.is_empty(), "a module imports one of its own layer or of a higher one:\n{}", wrong.join("\n"));
}

#[test]
fn modules_do_not_import_each_other() {
    let cycles: Vec<_> = Modules::of_core().cycles().iter().map(|cycle| cycle.join(", ")).collect();
    assert!(
        cycles.is_empty(),
        "modules import each other, directly or through others; move what both need into a file of its own:\n{}",
        cycles.join("\n")
    );
}

#[test]
fn children_import_no_function_or_constant_of_a_parent() {
    let found: Vec<_> = Modules::of_core()
        .logic_of_parents()
        .into_iter()
        .map(|(module, name)| format!("{module} imports {name}"))
        .collect();
    assert!(found.is_empty(), "move what children use into a child of its own:\n{}", found.join("\n"));
}

#[test]
fn only_database_folders_contain_sql() {
    let statements = ["SELECT ", "INSERT INTO ", "DELETE FROM ", "CREATE TABLE ", "ALTER TABLE ", "PRAGMA "];
    refuse(
        "SQL belongs into store/sqlite or store/postgres",
        |path| path.starts_with("store/sqlite") || path.starts_with("store/postgres"),
        |line| statements.iter().any(|statement| line.contains(statement)),
    );
}

#[test]
fn only_the_command_line_prints() {
    let macros = ["println!(", "eprintln!(", "print!(", "eprint!(", "dbg!("];
    refuse(
        "only `cli` prints; return the text, or log it",
        |path| path.starts_with("cli"),
        |line| macros.iter().any(|name| line.contains(name)),
    );
}

/// Files, or folders that end in `/`, that a rule exempts, each with its reason.
type Exemptions = [(&'static str, &'static str)];

/// Refuses lines with one of the names outside of the exempt files, and exemptions that are not needed.
#[track_caller]
fn refuse_names(rule: &str, exemptions: &Exemptions, names: &[&str]) {
    let matches = |path: &str, exempt: &str| path == exempt || (exempt.ends_with('/') && path.starts_with(exempt));
    let has_name = |line: &str| names.iter().any(|name| line.contains(name));
    refuse(rule, |path| exemptions.iter().any(|(exempt, _)| matches(path, exempt)), has_name);
    let lines = lines_of_core();
    for (exempt, reason) in exemptions {
        let is_needed = lines.iter().any(|(path, _, line)| matches(path, exempt) && has_name(line));
        assert!(is_needed, "`{exempt}` no longer needs an exemption: {reason}");
    }
}

/// Tests and recordings replace the clock. `tokio::time::timeout` is not refused: it limits a wait for real I/O.
#[test]
fn only_the_clock_reads_the_time_and_sleeps() {
    let lease = "leases end by the clock of the database, so their renewal must not follow a replaced clock";
    refuse_names(
        "take the time from a `Clock` that is handed down",
        &[
            ("time/", "it implements the clock"),
            ("store/", "a database has its own clock, by which commits, leases and waits for locks are measured"),
            ("run/heartbeat.rs", lease),
            ("run/lease.rs", lease),
            ("auth/refresh/lease.rs", lease),
            ("http/network.rs", "the timeouts of sockets are real time"),
            ("cli/progress.rs", "the progress on the terminal is in real time"),
            ("cli/signals.rs", "repeated signals of a person are in real time"),
        ],
        &[
            "Instant::now",
            "SystemTime::now",
            "time::sleep",
            "thread::sleep",
            "Timestamp::now",
            "Zoned::now",
            "interval_at(",
        ],
    );
}

/// Tests and recordings replace ids, protocol nonces and jitter; secrets come from the operating system.
#[test]
fn only_the_source_of_entropy_and_secrets_are_random() {
    refuse_names(
        "take ids and jitter from an `Entropy` that is handed down",
        &[
            ("time/", "it implements the source"),
            ("auth/keyring/key.rs", "keys and the nonces of ciphers come from the operating system"),
            ("auth/obtain/wsse.rs", "the nonce of a signed token comes from the operating system"),
            (
                "store/",
                "keys, salts and nonces come from the operating system, and a database makes the ids of its rows",
            ),
        ],
        &["getrandom::fill", "getrandom::u", "Uuid::new_v", "Uuid::now_v", "new_v4", "now_v7"],
    );
}

/// Every request to an API passes one pipeline, which authorizes, limits, retries and redacts it.
#[test]
fn only_http_opens_connections() {
    refuse(
        "send requests through `http`, which limits, retries and redacts them",
        // The server accepts connections.
        |path| path.starts_with("http/") || path == "server/listener.rs",
        |line| {
            ["TcpStream", "UdpSocket", "TcpSocket", "hyper::client"].iter().any(|name| line.contains(name))
                || (line.contains("reqwest") && line.contains("Client"))
        },
    );
}

/// The table of routes makes the router and the document, so that each served route is described.
#[test]
fn only_the_table_of_routes_makes_a_router() {
    refuse_names(
        "add the route to a table of `server/routes`",
        &[("server/router.rs", "it makes the router of the table")],
        &["Router::new", "MethodRouter::", "routing::"],
    );
}

/// Settings are read once and handed down, so that a test and an embedding program set them without the environment.
#[test]
fn only_the_entry_points_read_the_environment() {
    refuse_names(
        "read variables of the environment in `cli`, and hand them down",
        &[
            ("cli/", "it reads the settings"),
            ("file_access/container.rs", "container engines mark the inside of a container by variables"),
            ("http/network.rs", "the proxies are those that reqwest reads from the environment"),
            ("store/failpoint.rs", "crash tests, not in release builds"),
            ("store/postgres/options.rs", "the driver reads the variables of libpq"),
        ],
        &["env::var", "option_env!"],
    );
}

#[test]
fn only_databases_and_the_module_of_time_hold_times_as_numbers() {
    // OAuth 1 signs a number of seconds.
    let exempt = ["store/postgres/", "store/sqlite/", "time/", "provider/sign/oauth1.rs"];
    let found = times::numbers_of_core(&exempt);
    assert!(found.is_empty(), "a time is a `Timestamp`, a span is a `Duration`:\n{}", found.join("\n"));
}

#[test]
fn only_wire_knows_names_on_the_wire() {
    let names = ["\"provider_config_key\"", "\"connection_id\"", "\"sync_name\"", "\"_nango_metadata\""];
    refuse(
        "Nango's names belong into `wire`",
        |path| path.starts_with("wire"),
        |line| names.iter().any(|name| line.contains(name)),
    );
}

#[test]
fn only_catalogue_and_help_texts_name_a_provider() {
    // Names that are also words of the field or of English.
    let words = ["box", "front", "lever", "linear", "monday", "unauthenticated"];
    let catalogue = "nango-core/src/provider/builtin/";
    let entries = sources::all(&[".yaml"]).into_iter().filter(|source| source.path.starts_with(catalogue));
    let names: BTreeSet<String> = entries
        .flat_map(|source| source.text.lines().filter_map(top_level_key).map(str::to_owned).collect::<Vec<_>>())
        .filter(|name| !words.contains(&name.as_str()))
        .collect();
    assert!(names.len() > 80, "{} names of providers were found", names.len());
    // `declare/def.rs` has the help text of an attribute outside of a module of an integration.
    let texts = ["provider/builtin.rs", "declare/def.rs"];
    // Names of a parameter and of a format of Nango's API.
    let of_api = [
        ("server/routes/connections.rs", "github"),
        ("server/routes/scripts.rs", "openai"),
        ("wire/api/scripts.rs", "openai"),
    ];
    let is_exempt = |path: &str| texts.contains(&path) || path.starts_with("cli/");
    let wrong: Vec<_> = literals::of_core()
        .into_iter()
        .filter(|literal| !is_exempt(&literal.path))
        .filter(|literal| {
            let lower = literal.text.to_lowercase();
            let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
            words.any(|word| names.contains(word) && !of_api.contains(&(literal.path.as_str(), word)))
        })
        .map(|literal| format!("{}: {:?}", literal.path, literal.text))
        .collect();
    assert!(
        wrong.is_empty(),
        "what concerns one provider belongs into its entry of the catalogue:\n{}",
        wrong.join("\n")
    );
}

/// Returns the key of a line such as `github:`.
fn top_level_key(line: &str) -> Option<&str> {
    let (name, _) = line.split_once(':')?;
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (!name.is_empty() && name.chars().all(is_name)).then_some(name)
}

#[test]
fn global_state_is_listed_with_its_reason() {
    let listed = [
        ("http/reuse.rs", "CONNECTED", "belongs to a task: whether its request opened a connection"),
        ("provider/builtin.rs", "ENTRIES", "constant data, parsed once"),
        ("run/tracing_log.rs", "CURRENT_RUN", "belongs to a task: the run whose log receives its events"),
        ("store/failpoint.rs", "CONFIGURED", "crash tests, not in release builds"),
        ("store/failpoint.rs", "HITS", "crash tests, not in release builds"),
        (
            "store/sqlite/file.rs",
            "CREATING",
            "locks of a file belong to the process, so its creation is serialized in it",
        ),
    ];
    let mut seen = BTreeSet::new();
    for (path, number, line) in lines_of_core() {
        let Some((before, declared)) = line.split_once("static ") else { continue };
        let Some((name, kind)) = declared.split_once(':') else { continue };
        let is_item = before.trim_start().chars().all(|c| c.is_ascii_lowercase() || "() ".contains(c));
        let is_name = name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        let is_state = ["Mutex", "RwLock", "Atomic", "OnceLock", "LazyLock", "OnceCell", "Cell", "Arc"];
        let is_state = is_state.iter().any(|state| kind.contains(state));
        if !(is_item && is_name && is_state) {
            continue;
        }
        let is_listed = listed.iter().any(|(file, item, _)| *file == path && *item == name);
        assert!(is_listed, "nango-core/src/{path}:{number}: `{name}` is global state: hand it down instead");
        seen.insert((path, name.to_owned()));
    }
    assert_eq!(seen.len(), listed.len(), "remove from the list what is gone; found {seen:?}");
}

#[test]
fn only_cli_words_commands() {
    let wrong: Vec<_> = literals::of_core()
        .into_iter()
        .filter(|literal| !literal.path.starts_with("cli"))
        .filter(|literal| {
            let text = &literal.text;
            let has_flag = |start| text.split(start).skip(1).any(|rest| rest.starts_with(char::is_lowercase));
            text.contains("`registry ") || text.starts_with("registry ") || has_flag("`--") || has_flag("(--")
        })
        .map(|literal| format!("{}: {:?}", literal.path, literal.text))
        .collect();
    assert!(
        wrong.is_empty(),
        "only `cli` words commands and flags of the binary; attach a `Remedy` to the error:\n{}",
        wrong.join("\n")
    );
}

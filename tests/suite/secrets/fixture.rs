//! A registry whose API repeats the secrets that it receives, and the outputs of its commands.

use std::{fs, process::Command};

use nango_tests::{Output, Registry, echo::Echo};

use super::{
    cases::{SecretGenerator, is_app},
    leaks::{files, find_leak},
    providers::PROVIDERS,
};

/// A directory with one integration, `github`, of a provider whose server repeats secrets.
pub(super) struct Fixture {
    provider: &'static str,
    pub(super) registry: Registry,
    pub(super) echo: Echo,
    pub(super) marks: Vec<String>,
    outputs: Vec<(String, Output)>,
}

impl Fixture {
    pub(super) fn new(provider: &'static str, app_secret: &str, secrets_gen: &mut SecretGenerator) -> Self {
        let (mut registry, echo) = (Registry::new(), Echo::new());
        registry.write("providers.yaml", PROVIDERS.replace("URL", echo.url()));
        let named = if provider == "github" {
            format!("base_url = \"{}\"\n", echo.url())
        } else {
            format!("provider = \"{provider}\"\n")
        };
        registry
            .config(&format!("providers = \"providers.yaml\"\n[integrations.github]\nclient_id = \"app\"\n{named}"));
        registry.env("NANGO_APP_GITHUB_CLIENT_SECRET", app_secret);
        if is_app(provider) {
            let (key, key_line) = private_key();
            registry.env("NANGO_APP_GITHUB_PRIVATE_KEY", key);
            secrets_gen.0.push(key_line);
        }
        Self { provider, registry, echo, marks: secrets_gen.0.clone(), outputs: Vec::new() }
    }

    /// Runs a command and records its output: as text and as JSON for the first auth mode, alternately for the others.
    pub(super) fn run(&mut self, args: &[&str], input: &str) {
        let as_json = self.outputs.len().is_multiple_of(2);
        let forms = if self.provider == "key" { vec![false, true] } else { vec![as_json] };
        for json in forms {
            let mut all: Vec<&str> = args.iter().copied().chain(json.then_some("--json")).collect();
            // Each run is recorded in a file of the directory, which is searched too.
            let recording = format!("run-{}.jsonl", self.outputs.len());
            if args[0] == "run" {
                all.extend(["--record", &recording]);
            }
            let output = self.registry.run_with_input(&all, input);
            self.outputs.push((all.join(" "), output));
        }
    }

    pub(super) fn last_output(&self) -> &Output {
        &self.outputs.last().expect("a command").1
    }

    /// Asserts that no output and no file contains a secret.
    #[track_caller]
    pub(super) fn assert_no_leak(&self, case: &str) {
        let mut found = Vec::new();
        for (command, output) in &self.outputs {
            for (name, text) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
                found.extend(
                    find_leak(&self.marks, text.as_bytes()).map(|leak| format!("{command} ({name}): {leak}\n{text}")),
                );
                let raw = text.chars().find(|c| (c.is_control() && !"\n\t".contains(*c)) || *c == '\u{202e}');
                found.extend(raw.map(|c| format!("{command} ({name}): the control character {c:?}\n{text}")));
                assert!(
                    !text.lines().any(|line| line.starts_with("forged:")),
                    "{command} ({name}): a forged line\n{text}"
                );
            }
        }
        let mut recorded = 0;
        for path in files(self.registry.dir()) {
            let bytes = fs::read(&path).expect("a file");
            found.extend(find_leak(&self.marks, &bytes).map(|leak| format!("{}: {leak}", path.display())));
            recorded += memchr::memmem::find_iter(&bytes, "{\"line\":\"exchange\"").count();
        }
        assert!(recorded > 0, "{case}: no exchange was recorded");
        assert!(found.is_empty(), "{case}: {} leaks, the first: {}", found.len(), found[0]);
    }
}

/// Generates a private key, and returns it in one line, and one line of its PEM text.
fn private_key() -> (String, String) {
    let made =
        Command::new("openssl").args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]).output();
    let pem = String::from_utf8(made.expect("openssl, which generates a key for the test").stdout).expect("PEM");
    let pem_line = pem.lines().nth(3).expect("a line").to_owned();
    (pem.replace('\n', "\\n"), pem_line)
}

//! The release build of `registry` in a separate folder, with the performance that users get.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::measure::Outcome;

/// A `registry` with one connection, `bench`, of the integration `github`.
#[derive(Debug)]
pub struct ReleaseRegistry {
    home: PathBuf,
    registry: PathBuf,
    database: Option<String>,
}

impl ReleaseRegistry {
    /// Adds the connection to an API at `url`, in a folder; uses the folder's database unless another is named.
    ///
    /// # Errors
    ///
    /// Fails if the registry cannot be built, or if one of its commands fails.
    pub fn github(home: &Path, url: &str, database: Option<&str>) -> Outcome<Self> {
        fs::write(home.join("nango.toml"), format!("[integrations.github]\nbase_url = \"{url}\"\n"))?;
        let product = Self { home: home.to_owned(), registry: build_release()?, database: database.map(str::to_owned) };
        product.run(&["connection", "add", "github", "bench", "--auth", "none"])?;
        product.run(&["connection", "set-metadata", "github", "bench", r#"{"owner":"o","repo":"r"}"#])?;
        Ok(product)
    }

    /// Returns the command that runs `repo-issues`.
    pub fn sync(&self) -> Command {
        self.command(&["run", "github", "repo-issues", "--connection", "bench", "--json"])
    }

    fn run(&self, args: &[&str]) -> Outcome {
        let output = self.command(args).output()?;
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.registry);
        command.args(args).current_dir(&self.home).env_remove("NANGO_DATABASE_URL");
        if let Some(database) = &self.database {
            command.env("NANGO_DATABASE_URL", database);
        }
        command
    }
}

/// Builds the binary at the first call.
fn build_release() -> Outcome<PathBuf> {
    static BUILT: OnceLock<bool> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let build = Command::new(env!("CARGO"))
            .args(["build", "--release", "--quiet", "-p", "integrations", "--bin", "registry"])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
            .status();
        build.is_ok_and(|status| status.success())
    });
    if !built {
        return Err("the registry was not built".into());
    }
    let mut target = std::env::current_exe()?;
    // target/release/deps/sync-… → target/release/registry
    target.pop();
    target.pop();
    Ok(target.join("registry"))
}

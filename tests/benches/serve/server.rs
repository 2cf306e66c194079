//! Server that is measured: a process of this program.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use nango_core::internal::store::{self, NewConnection, ProfileChange};
use nango_tests::{api_server::API_KEY, measure::Outcome};

/// Variable with which this program is the registry.
pub(crate) const AS_REGISTRY: &str = "NANGO_BENCH_AS_REGISTRY";
/// Time after which a server without requests is idle.
const IDLE: Duration = Duration::from_secs(3);

/// A running server, which is killed when this value is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    /// Address as `host:port`.
    pub(crate) address: String,
}

/// Writes the configuration into a folder, and adds a connection.
pub(crate) fn prepare(folder: &Path, database: Option<&str>) -> Outcome {
    let config = "[integrations.bench]\nprovider = \"github\"\nbase_url = \"http://127.0.0.1:9\"\n";
    fs::write(folder.join("nango.toml"), config)?;
    let add = ["connection", "add", "bench", "one", "--auth", "bearer", "--credentials", "\"t\""];
    let output = registry(folder, database, &add)?.output()?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
}

/// Adds connections directly to the database, each with a schedule. Their credentials cannot be decrypted, so that
/// their first runs end at once.
pub(crate) fn add_schedules(
    runtime: &tokio::runtime::Runtime,
    folder: &Path,
    database: Option<&str>,
    count: usize,
) -> Outcome {
    let file = format!("sqlite:{}", folder.join("nango.db").display());
    runtime.block_on(async {
        let store = store::open(database.unwrap_or(&file)).await?;
        for number in 0..count {
            let new = NewConnection {
                integration: "bench".to_owned(),
                id: format!("scheduled-{number}"),
                auth: "BEARER".to_owned(),
                credentials: b"sealed\0".to_vec(),
                refresh_at: None,
                config: serde_json::Map::new(),
                metadata: None,
                profile: ProfileChange::default(),
            };
            store.put_connection(new).await?;
        }
        store.close().await?;
        Ok(())
    })
}

fn registry(folder: &Path, database: Option<&str>, args: &[&str]) -> Outcome<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(args).current_dir(folder).env(AS_REGISTRY, "1").env("NANGO_API_KEY", API_KEY);
    command.env_remove("NANGO_DATABASE_URL");
    if let Some(database) = database {
        command.env("NANGO_DATABASE_URL", database);
    }
    Ok(command)
}

impl Server {
    /// Starts a server, and waits until it has printed its address.
    pub(crate) fn start(folder: &Path, database: Option<&str>) -> Outcome<Self> {
        let mut command = registry(folder, database, &["serve", "--listen", "127.0.0.1:0"])?;
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(process.stderr.take().ok_or("no stderr")?).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, rest) = line.split_once(" at http://")?;
            Some(rest.split_once(';')?.0.to_owned())
        });
        // The access log must be read, or the server waits.
        thread::spawn(move || lines.for_each(drop));
        Ok(Self { process, address: address.ok_or("the server has not started")? })
    }

    /// Sends a request, and waits for the answer.
    pub(crate) fn first_answer(&self) -> Outcome {
        let mut socket = TcpStream::connect(&self.address)?;
        write!(socket, "GET /health HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address)?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        if answer.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(answer.into()) }
    }

    /// Returns the process id.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Describes the resident memory of the server after it had nothing to do.
    pub(crate) fn idle_memory(&self) -> String {
        thread::sleep(IDLE);
        let text = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let mb = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"));
            line.and_then(|kilobytes| kilobytes.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
        };
        format!("{:.1} MB, of which {:.1} MB are not pages of files", mb("VmRSS:"), mb("RssAnon:"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

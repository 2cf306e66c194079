//! The server of `registry demo --serve`: its key, and requests to it that a user can copy.

use std::sync::Arc;

use nango_core::{
    cli::{CommandError, Context},
    internal::{
        cli::{FirstKey, OpenServer, find_or_create_key},
        run::Runtime,
    },
};

use super::{CONNECTION, INTEGRATION, MODEL, SYNC};

/// Server of the demo, which listens but does not answer yet.
pub(super) struct DemoServer {
    server: OpenServer,
    key: FirstKey,
}

impl DemoServer {
    /// Opens the listener, and finds or creates the API key.
    ///
    /// # Errors
    ///
    /// Fails if the address is in use, or no client could ever have a key: none is printed without a terminal, and none
    /// can be created later in a database in memory.
    pub(super) fn open(context: &Context, runtime: &Runtime) -> Result<Self, CommandError> {
        let server = OpenServer::open(context, &runtime.config)?;
        let key = find_or_create_key(context, runtime)?;
        if matches!(key, FirstKey::Missing) && runtime.config.is_in_memory() {
            return Err(CommandError::usage(
                "--serve: clients need an API key, and without a terminal none is printed. Set NANGO_API_KEY to a text \
                 of at least 32 characters, such as the output of `openssl rand -hex 32`, or keep the database with \
                 --database and create a key there",
            ));
        }
        Ok(Self { server, key })
    }

    pub(super) fn url(&self) -> String {
        self.server.url()
    }

    /// Prints how to call the server, and serves until Ctrl-C.
    ///
    /// # Errors
    ///
    /// Fails if stdout cannot be written, or the database is served by another process.
    pub(super) fn run(self, context: &mut Context, runtime: &Arc<Runtime>) -> Result<(), CommandError> {
        context.terminal.line(
            "\n── 7. The server ──\nThe stand-in and the database are now served over HTTP, with the names of Nango's \
             API.",
        )?;
        let create = format!(
            "registry api-keys create --name demo --scope 'environment:*' --database '{}'",
            runtime.config.database
        );
        match &self.key {
            FirstKey::Given => context.terminal.line("The key is that of NANGO_API_KEY.")?,
            FirstKey::Stored => context.terminal.line(format_args!("Use a key of this database, or: {create}"))?,
            FirstKey::Missing => {
                context.terminal.line(format_args!("There is no key yet. Create one:\n\n  {create}"))?
            }
            // The key is written where it is shown: stdout may be a file.
            FirstKey::Created(key) => context.terminal.note(format_args!(
                "Its API key, with all scopes, is shown only now. In another terminal:\n\n  export NANGO_API_KEY={}",
                key.expose()
            )),
        }
        context.terminal.line(requests(&self.server.url()))?;
        self.server.run(context, runtime)
    }
}

/// Returns requests with `curl`, and a program with Nango's client for Node, as a user can run them.
fn requests(url: &str) -> String {
    let key = r#"-H "Authorization: Bearer $NANGO_API_KEY""#;
    let connection = format!("-H 'Provider-Config-Key: {INTEGRATION}' -H 'Connection-Id: {CONNECTION}'");
    format!(
        r#"
List the connections, read the records, create an issue with the action:

  curl {key} {url}/connections

  curl {key} {connection} \
    '{url}/records?model={MODEL}'

  curl {key} {connection} \
    -H 'Content-Type: application/json' \
    -d '{{"action_name":"create-issue","input":{{"title":"Created by curl"}}}}' {url}/action/trigger

With Nango's client for Node (`npm install @nangohq/node`), in a file demo.mjs:

  import {{ Nango }} from '@nangohq/node';

  const nango = new Nango({{ host: '{url}', apiKey: process.env.NANGO_API_KEY }});
  const from = {{ providerConfigKey: '{INTEGRATION}', connectionId: '{CONNECTION}', model: '{MODEL}' }};
  await nango.triggerSync('{INTEGRATION}', ['{SYNC}'], '{CONNECTION}');
  const {{ records }} = await nango.listRecords(from);
  for (const record of records) console.log(record.number, record.title);
"#
    )
}

//! `tracing` subscriber that adds the events of a function to the log of its run.
//!
//! The run is found by a task-local variable. Events outside a run, and from infrastructure crates, are ignored.

use std::{fmt, sync::Arc};

use serde_json::{Map, Value};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::Interest,
};

use crate::{nango::Context, store::Level};

tokio::task_local! {
    static CURRENT_RUN: Arc<Context>;
}

/// Crates whose events are ignored, because they concern the infrastructure and not the integration.
const INFRASTRUCTURE_CRATES: [&str; 9] =
    ["h2", "hyper", "hyper_util", "mio", "nango_core", "reqwest", "rustls", "tokio", "tower"];

/// Runs a future as a part of a run: its `tracing` events are added to the log of the run.
pub(super) async fn in_run<F: Future>(context: Arc<Context>, future: F) -> F::Output {
    CURRENT_RUN.scope(context, future).await
}

/// Adds the `tracing` events of this process to the logs of their runs. Has no effect if the program already has a
/// subscriber.
pub(crate) fn capture() {
    // An error means that the program installed its own subscriber, which takes precedence.
    let _ = tracing::subscriber::set_global_default(RunLogSubscriber);
}

struct RunLogSubscriber;

impl Subscriber for RunLogSubscriber {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // Whether a run is being polled changes between events, so the result must not be cached.
        if metadata.is_event() && !is_infrastructure(metadata.target()) {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && *metadata.level() <= tracing::Level::DEBUG
            && !is_infrastructure(metadata.target())
            && CURRENT_RUN.try_with(|_| ()).is_ok()
    }

    fn new_span(&self, _span: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _span: &span::Id, _values: &span::Record<'_>) {}

    fn record_follows_from(&self, _span: &span::Id, _follows: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = EventVisitor::default();
        event.record(&mut line);
        let level = match *event.metadata().level() {
            tracing::Level::ERROR => Level::Error,
            tracing::Level::WARN => Level::Warn,
            tracing::Level::INFO => Level::Info,
            _ => Level::Debug,
        };
        let fields = if line.fields.is_empty() { Value::Null } else { Value::Object(line.fields) };
        // Outside a run there is no log to write to.
        let _ = CURRENT_RUN.try_with(|context| context.log(level, &line.message, fields));
    }

    fn enter(&self, _span: &span::Id) {}

    fn exit(&self, _span: &span::Id) {}
}

fn is_infrastructure(target: &str) -> bool {
    let root = target.split("::").next().unwrap_or(target);
    INFRASTRUCTURE_CRATES.contains(&root)
}

#[derive(Default)]
struct EventVisitor {
    message: String,
    fields: Map<String, Value>,
}

impl EventVisitor {
    fn insert(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => {
                self.fields.insert(name.to_owned(), value);
            }
        }
    }
}

impl Visit for EventVisitor {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field, Value::String(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value.into());
    }
}

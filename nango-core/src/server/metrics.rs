//! Metrics of the process, in the text format of Prometheus.
//!
//! Labels have fixed values only: ids of routes, classes of statuses, types of functions, statuses of runs. No label
//! names an integration, a connection or a key, so that the number of series does not grow with the data.
//!
//! The encoder adds `_total` to the names of counters and `_info` to those of facts.

use std::time::Duration;

use axum::http::StatusCode;
pub(super) use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;
use prometheus_client::{
    encoding::prometheus_text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::Registry,
};

use crate::{
    declare::FunctionKind,
    run::RunListener,
    store::{RunCounts, RunStatus, Totals},
};

/// Upper bounds of the durations of requests, in seconds.
const REQUEST_BOUNDS: [f64; 9] = [0.001, 0.005, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0];
/// Upper bounds of the durations of runs, in seconds.
const RUN_BOUNDS: [f64; 9] = [0.01, 0.1, 1.0, 5.0, 30.0, 120.0, 600.0, 3_600.0, 21_600.0];
/// Value of the label `route` of a request that has no route.
const NO_ROUTE: &str = "none";
/// Changes of records, as the values of the label `change`.
const CHANGES: [&str; 3] = ["added", "updated", "deleted"];

/// Names and values of labels.
type Labels<const N: usize> = [(&'static str, &'static str); N];
type Histograms = Family<Labels<1>, Histogram, fn() -> Histogram>;

/// Metrics of a process since its start, and their registry.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Labels<2>, Counter>,
    request_durations: Histograms,
    runs: Family<Labels<2>, Counter>,
    run_durations: Histograms,
    records: Family<Labels<1>, Counter>,
    database_errors: Counter,
    database_available: Gauge,
    due: Gauge<f64, std::sync::atomic::AtomicU64>,
    running: Gauge<f64, std::sync::atomic::AtomicU64>,
}

impl Metrics {
    /// Creates the metrics. Series whose labels are known have the value 0, so that their first change is visible.
    pub(super) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("nango"),
            requests: Family::default(),
            request_durations: Family::new_with_constructor(|| Histogram::new(REQUEST_BOUNDS)),
            runs: Family::default(),
            run_durations: Family::new_with_constructor(|| Histogram::new(RUN_BOUNDS)),
            records: Family::default(),
            database_errors: Counter::default(),
            database_available: Gauge::default(),
            due: Gauge::default(),
            running: Gauge::default(),
        };
        for kind in FunctionKind::ALL {
            for status in RunStatus::ALL.into_iter().filter(|status| *status != RunStatus::Running) {
                drop(metrics.runs.get_or_create(&run_labels(kind, status)));
            }
            drop(metrics.run_durations.get_or_create(&[("type", kind.name())]));
        }
        for change in CHANGES {
            drop(metrics.records.get_or_create(&[("change", change)]));
        }
        drop(metrics.requests.get_or_create(&[("route", NO_ROUTE), ("status", "4xx")]));
        drop(metrics.request_durations.get_or_create(&[("route", NO_ROUTE)]));
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("build", "Version of the program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        registry.register("http_requests", "Requests by route and class of the status", self.requests.clone());
        registry.register(
            "http_request_duration_seconds",
            "Time until the response was ready, by route",
            self.request_durations.clone(),
        );
        registry.register("runs", "Runs that ended in this process, by type and status", self.runs.clone());
        registry.register("run_duration_seconds", "Duration of these runs, by type", self.run_durations.clone());
        registry.register("records", "Records that these runs changed, by change", self.records.clone());
        registry.register("runs_due", "Runs of the database that are due", self.due.clone());
        registry.register("runs_running", "Runs of the database that are active", self.running.clone());
        registry.register("database_errors", "Failed operations of the database", self.database_errors.clone());
        registry.register(
            "database_available",
            "Whether the database responded to the last check",
            self.database_available.clone(),
        );
    }

    /// Counts a request with its response; `None` stands for a request that has no route.
    pub(super) fn add_request(&self, route: Option<&'static str>, status: StatusCode, duration: Duration) {
        let route = ("route", route.unwrap_or(NO_ROUTE));
        self.requests.get_or_create(&[route, ("status", class(status))]).inc();
        self.request_durations.get_or_create(&[route]).observe(duration.as_secs_f64());
    }

    /// Returns all metrics as text. Without `counts`, the numbers of due and running runs are `NaN`.
    pub(super) fn text(&self, is_available: bool, counts: Option<RunCounts>) -> String {
        #[expect(clippy::cast_precision_loss, reason = "numbers of runs are far below 2^53")]
        let number = |of: fn(&RunCounts) -> u64| counts.as_ref().map_or(f64::NAN, |counts| of(counts) as f64);
        self.database_available.set(i64::from(is_available));
        self.due.set(number(|counts| counts.due));
        self.running.set(number(|counts| counts.running));
        let mut text = String::new();
        // A text accepts everything that is written to it.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

impl RunListener for Metrics {
    fn on_run_end(&self, kind: FunctionKind, status: RunStatus, duration: Duration, totals: &Totals) {
        self.runs.get_or_create(&run_labels(kind, status)).inc();
        self.run_durations.get_or_create(&[("type", kind.name())]).observe(duration.as_secs_f64());
        for counts in totals.models.values() {
            for (change, count) in CHANGES.into_iter().zip([counts.added, counts.updated, counts.deleted]) {
                self.records.get_or_create(&[("change", change)]).inc_by(count);
            }
        }
    }

    fn on_database_error(&self) {
        self.database_errors.inc();
    }
}

fn run_labels(kind: FunctionKind, status: RunStatus) -> Labels<2> {
    [("type", kind.name()), ("status", status.name())]
}

/// Returns the class of a status: `2xx`.
fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ModelCounts;

    #[test]
    fn metrics_count_requests_runs_and_records() {
        let metrics = Metrics::new();
        metrics.add_request(Some("getRecords"), StatusCode::OK, Duration::from_millis(3));
        metrics.add_request(None, StatusCode::NOT_FOUND, Duration::from_millis(1));
        let counts = ModelCounts { added: 2, deleted: 1, ..ModelCounts::default() };
        let totals =
            Totals { models: [("A".to_owned(), counts), ("B".to_owned(), counts)].into(), ..Totals::default() };
        metrics.on_run_end(FunctionKind::Sync, RunStatus::Error, Duration::from_secs(2), &totals);
        metrics.on_database_error();
        let text = metrics.text(true, Some(RunCounts { due: 3, running: 1 }));
        let version = env!("CARGO_PKG_VERSION");
        for line in [
            &format!("nango_build_info{{version=\"{version}\"}} 1"),
            "# TYPE nango_http_requests_total counter",
            "nango_http_requests_total{route=\"getRecords\",status=\"2xx\"} 1",
            "nango_http_requests_total{route=\"none\",status=\"4xx\"} 1",
            "nango_http_request_duration_seconds_bucket{route=\"getRecords\",le=\"0.005\"} 1",
            "nango_runs_total{type=\"sync\",status=\"error\"} 1",
            "nango_runs_total{type=\"action\",status=\"success\"} 0",
            "nango_run_duration_seconds_sum{type=\"sync\"} 2.0",
            "nango_records_total{change=\"added\"} 4",
            "nango_records_total{change=\"updated\"} 0",
            "nango_records_total{change=\"deleted\"} 2",
            "nango_runs_due 3.0",
            "nango_runs_running 1.0",
            "nango_database_errors_total 1",
            "nango_database_available 1",
        ] {
            assert!(text.lines().any(|found| found == line), "`{line}` in:\n{text}");
        }
        assert!(!text.contains("_total_total"), "{text}");
    }

    #[test]
    fn unknown_numbers_are_not_zero() {
        let text = Metrics::new().text(false, None);
        for line in ["nango_runs_due NaN", "nango_runs_running NaN", "nango_database_available 0"] {
            assert!(text.lines().any(|found| found == line), "`{line}` in:\n{text}");
        }
    }
}

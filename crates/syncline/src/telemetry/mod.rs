//! What the program says about its own work: log lines, traces and metrics.
//!
//! - [`log`]: lines to the standard error output, for people or as JSON.
//! - [`otlp`] (feature `otlp`): spans to an OpenTelemetry collector, set up by the standard `OTEL_*` variables.
//! - [`prometheus`], [`probes`]: the metrics, and the routes that show them.
//!
//! [`start`] sets up the first two; whoever serves calls [`prometheus`] before it does anything that is counted.

mod log;
#[cfg(feature = "otlp")]
mod otlp;
mod probes;
mod prometheus;

pub use log::LogFormat;
pub use probes::{Readiness, listen, probes};
pub use prometheus::{PrometheusHandle, prometheus};

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::cli::Console;

/// The id under which a span goes to the collector of traces; none where it goes to none.
pub(crate) fn trace_id(span: &tracing::Span) -> Option<String> {
    #[cfg(feature = "otlp")]
    {
        otlp::trace_id(span)
    }
    #[cfg(not(feature = "otlp"))]
    {
        let _ = span;
        None
    }
}

/// What is told, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// How often `-v` was given.
    pub verbose: u8,
    /// How log lines look.
    pub format: LogFormat,
}

/// Sends what is still to be sent when it is dropped, which must be before the runtime is.
#[must_use = "what was not sent yet is lost when this is dropped too early"]
#[derive(Default)]
pub(crate) struct Telemetry {
    #[cfg(feature = "otlp")]
    traces: Option<otlp::Traces>,
}

/// Begins to log and to trace. A setting that cannot be understood is an error for the person who wrote it.
///
/// Somebody who embeds the library may have begun to log already; then theirs goes on.
pub(crate) fn start(
    console: &Console,
    options: Options,
    runtime: &tokio::runtime::Handle,
) -> Result<Telemetry, String> {
    let log = log::layer(console, options)?;
    let subscriber = tracing_subscriber::registry().with(log);
    #[cfg(feature = "otlp")]
    {
        let (traces, layer) = otlp::traces(&|name| std::env::var(name).ok(), runtime)?.unzip();
        let _ = subscriber.with(layer).try_init();
        Ok(Telemetry { traces })
    }
    #[cfg(not(feature = "otlp"))]
    {
        let _ = (subscriber.try_init(), runtime);
        Ok(Telemetry::default())
    }
}

#[cfg(feature = "otlp")]
impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(traces) = self.traces.take() {
            traces.finish();
        }
    }
}

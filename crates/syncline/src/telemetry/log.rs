//! Log lines, to the standard error output.
//!
//! `-v` and `-vv` choose how much; the variable `SYNCLINE_LOG` chooses in detail (`syncline_http=debug,info`). With
//! `--log-format json` each line is one JSON object, for machines, with the spans that it stands in.

use std::io;

use clap::ValueEnum;
use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

use super::Options;
use crate::cli::Console;

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What writes log lines.
pub(super) fn layer<S>(console: &Console, options: Options) -> Result<Box<dyn Layer<S> + Send + Sync>, String>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let wanted = std::env::var("SYNCLINE_LOG").unwrap_or_default();
    let filter = if wanted.is_empty() { default_filter(console.is_quiet(), options.verbose) } else { &wanted };
    let filter = EnvFilter::builder().parse(filter);
    let filter = filter.map_err(|error| format!("`SYNCLINE_LOG` cannot be understood: {error}"))?;
    let color = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    Ok(lines(options.format, color, AroundBars(console.clone())).with_filter(filter).boxed())
}

fn lines<S, W>(format: LogFormat, color: bool, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    match format {
        LogFormat::Text => lines.with_ansi(color).with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
    }
}

fn default_filter(quiet: bool, verbose: u8) -> &'static str {
    match verbose {
        0 if quiet => "error",
        0 => "warn",
        1 => {
            "warn,syncline=info,syncline_core=info,syncline_http=info,syncline_connector_forward=info,syncline_connector_netbox=info"
        }
        2 => {
            "info,syncline=debug,syncline_core=debug,syncline_http=debug,syncline_connector_forward=debug,syncline_connector_netbox=debug"
        }
        _ => "debug",
    }
}

/// Writes lines around the progress bars.
struct AroundBars(Console);

/// One line on its way.
struct Line<'a> {
    console: &'a Console,
    bytes: Vec<u8>,
}

impl<'a> MakeWriter<'a> for AroundBars {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line { console: &self.0, bytes: Vec::new() }
    }
}

impl io::Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        self.console.error(&String::from_utf8_lossy(&self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use syncline_core::event::Phase;
    use syncline_core::history::RunId;
    use syncline_core::run::measure;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, work: impl FnOnce()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let layer = lines(format, false, move || writer.clone()).with_filter(EnvFilter::new("warn"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_lines_are_json_and_say_to_which_run_they_belong() {
        let log = logged(LogFormat::Json, || {
            let _run = measure::run_span("lab \"one\"", RunId::new(7)).entered();
            let _phase = measure::phase_span(Phase::LoadSource).entered();
            tracing::warn!(model = "site", "two lines\nand a \"quote\"");
            tracing::info!("not told without -v");
            tracing::error!("the end");
        });
        let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2, "{log}");
        assert_eq!(lines[0]["level"], "WARN");
        assert_eq!(lines[0]["message"], "two lines\nand a \"quote\"");
        assert_eq!(lines[0]["model"], "site");
        for line in &lines {
            assert_eq!(line["spans"][0]["run"], 7);
            assert_eq!(line["spans"][0]["sync"], "lab \"one\"");
            assert_eq!(line["spans"][1]["phase"], "load_source");
        }
    }

    #[test]
    fn text_is_for_people() {
        let log = logged(LogFormat::Text, || {
            let _run = measure::run_span("lab", RunId::new(7)).entered();
            tracing::warn!("watch out");
        });
        assert!(log.contains("WARN run{run=7 sync=\"lab\"}: watch out"), "{log}");
    }
}

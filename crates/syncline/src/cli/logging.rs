//! What the program says about its own work, to the standard error output.
//!
//! `-v` and `-vv` choose how much; the variable `SYNCLINE_LOG` chooses in detail (`syncline_http=debug,info`), and
//! `SYNCLINE_LOG_FORMAT=json` gives one JSON object a line, for machines.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::console::Console;

/// Begins to log. A filter that cannot be understood is an error for the person who wrote it.
pub fn start(console: &Console, verbose: u8) -> Result<(), String> {
    let default = match verbose {
        0 if console.is_quiet() => "error",
        0 => "warn",
        1 => {
            "warn,syncline=info,syncline_core=info,syncline_http=info,syncline_connector_forward=info,syncline_connector_netbox=info"
        }
        2 => {
            "info,syncline=debug,syncline_core=debug,syncline_http=debug,syncline_connector_forward=debug,syncline_connector_netbox=debug"
        }
        _ => "debug",
    };
    let wanted = std::env::var("SYNCLINE_LOG").unwrap_or_default();
    let filter = if wanted.is_empty() { default } else { &wanted };
    let filter = EnvFilter::builder().parse(filter);
    let filter = filter.map_err(|error| format!("`SYNCLINE_LOG` cannot be understood: {error}"))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(AroundBars(console.clone()));
    let json = std::env::var("SYNCLINE_LOG_FORMAT").is_ok_and(|format| format == "json");
    // Somebody who embeds the library may have begun to log already; then theirs goes on.
    let _ = if json {
        log.json().flatten_event(true).try_init()
    } else {
        let color = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
        log.with_ansi(color).with_target(false).try_init()
    };
    Ok(())
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

//! Spans to an OpenTelemetry collector, as protobuf over HTTP.
//!
//! The standard variables decide: nothing is sent unless `OTEL_EXPORTER_OTLP_ENDPOINT` (or its `…_TRACES_ENDPOINT`) is set;
//! headers, time-out, sampler, batch sizes and resource attributes follow theirs. Only our own spans are sent, with the
//! warnings and errors logged in them; they hold names of syncs and models, and no value of a record or a setting.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::{Level, Metadata, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt as _, LevelFilter, filter_fn};
use tracing_subscriber::registry::LookupSpan;

/// How long the end of the program waits for the collector.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// What sends spans, in a thread of its own.
pub(super) struct Traces {
    provider: SdkTracerProvider,
}

/// A layer that takes spans.
pub(super) type TraceLayer<S> = Box<dyn Layer<S> + Send + Sync>;

/// Begins to send spans, if the variables ask for it.
pub(super) fn traces<S>(
    variable: &dyn Fn(&str) -> Option<String>,
    runtime: &Handle,
) -> Result<Option<(Traces, TraceLayer<S>)>, String>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    if !is_wanted(variable)? {
        return Ok(None);
    }
    begin(None, runtime).map(Some)
}

impl Traces {
    /// Sends what is still to be sent. Called while the runtime is still at work.
    pub(super) fn finish(self) {
        // A collector that does not answer now was told about in the log already, and must not keep the program.
        let _ = self.provider.shutdown_with_timeout(LAST_WAIT);
    }
}

/// The id of the trace that a span belongs to; none where it is sent to nobody.
pub(super) fn trace_id(span: &Span) -> Option<String> {
    let context = span.context();
    let known = context.span().span_context().clone();
    (known.is_valid() && known.is_sampled()).then(|| known.trace_id().to_string())
}

fn is_wanted(variable: &dyn Fn(&str) -> Option<String>) -> Result<bool, String> {
    let set = |name| variable(name).filter(|value| !value.trim().is_empty());
    let says = |name, value: &str| set(name).is_some_and(|set| set.eq_ignore_ascii_case(value));
    let endpoints = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
    let asked = endpoints.into_iter().any(|name| set(name).is_some());
    if !asked || says("OTEL_SDK_DISABLED", "true") || says("OTEL_TRACES_EXPORTER", "none") {
        return Ok(false);
    }
    for name in ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] {
        match set(name) {
            None => {}
            Some(protocol) if protocol == "http/protobuf" => break,
            Some(protocol) => {
                return Err(format!(
                    "`{name}` is `{protocol}`, but traces are sent as `http/protobuf` only; remove the variable, and let the \
                     endpoint be the collector's port for HTTP (usually 4318)"
                ));
            }
        }
    }
    Ok(true)
}

/// `endpoint` is only given in tests; it is the variables' to say otherwise.
fn begin<S>(endpoint: Option<&str>, runtime: &Handle) -> Result<(Traces, TraceLayer<S>), String>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let failed = |error: &dyn std::fmt::Display| format!("traces cannot be sent: {error}");
    #[expect(
        clippy::disallowed_methods,
        reason = "a collector is no system that syncs read: none of the client's care fits"
    )]
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
    let client = OnRuntime { client: client.map_err(|error| failed(&error))?, runtime: runtime.clone() };
    let mut exporter = SpanExporter::builder().with_http().with_http_client(client);
    if let Some(endpoint) = endpoint {
        exporter = exporter.with_endpoint(endpoint);
    }
    let exporter = exporter.build().map_err(|error| failed(&error))?;
    let mut resource = Resource::builder();
    // The SDK's own name for a service that nobody named says nothing.
    if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name("syncline");
    }
    let provider = SdkTracerProvider::builder().with_resource(resource.build()).with_batch_exporter(exporter).build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("syncline"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false);
    let filter = filter_fn(is_ours).and(LevelFilter::INFO);
    Ok((Traces { provider }, layer.with_filter(filter).boxed()))
}

/// What other libraries tell of themselves may hold anything.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("syncline") && (metadata.is_span() || *metadata.level() <= Level::WARN)
}

/// Sends from a thread that is none of the runtime's.
#[derive(Debug)]
struct OnRuntime {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        self.runtime.spawn(async move { client.send_bytes(request).await }).await?
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use syncline_core::event::Phase;
    use syncline_core::history::RunId;
    use syncline_core::run::measure;
    use tracing_subscriber::layer::SubscriberExt as _;
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

    use super::*;

    fn wanted(variables: &[(&str, &str)]) -> Result<bool, String> {
        let variables: BTreeMap<_, _> = variables.iter().copied().collect();
        is_wanted(&|name| variables.get(name).map(|value| (*value).to_owned()))
    }

    #[test]
    fn the_standard_variables_decide() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
        assert_eq!(wanted(&[]), Ok(false));
        assert_eq!(wanted(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]), Ok(false));
        assert_eq!(wanted(&[endpoint]), Ok(true));
        assert_eq!(wanted(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://collector:4318/v1/traces")]), Ok(true));
        assert_eq!(wanted(&[endpoint, ("OTEL_SDK_DISABLED", "TRUE")]), Ok(false));
        assert_eq!(wanted(&[endpoint, ("OTEL_TRACES_EXPORTER", "none")]), Ok(false));
        assert_eq!(wanted(&[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")]), Ok(true));
        let error = wanted(&[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).unwrap_err();
        assert!(error.contains("`OTEL_EXPORTER_OTLP_PROTOCOL` is `grpc`") && error.contains("4318"), "{error}");
        // What is said for traces alone has the last word.
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf");
        assert_eq!(wanted(&[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), traces]), Ok(true));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_collector_gets_our_spans_and_nothing_else() {
        let collector = MockServer::start().await;
        let accepted = ResponseTemplate::new(200);
        Mock::given(matchers::path("/v1/traces")).respond_with(accepted).expect(1..).mount(&collector).await;
        let endpoint = format!("{}/v1/traces", collector.uri());
        let (traces, layer) = begin(Some(&endpoint), &Handle::current()).unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let run = measure::run_span("lab-sync", RunId::new(7));
            let id = trace_id(&run).unwrap();
            assert_eq!(id.len(), 32, "{id}");
            let _run = run.entered();
            let _phase = measure::phase_span(Phase::ExecuteSync).entered();
            tracing::warn!("worth a look");
            tracing::debug!("GET /api/?token=hush");
            tracing::error_span!(target: "sqlx::query", "foreign", statement = "hush").in_scope(|| {});
        });
        let nowhere = measure::run_span("lab-sync", RunId::new(8));
        assert_eq!(trace_id(&nowhere), None);
        // Ending waits for the collector, and must not do so on a thread that the answer needs.
        tokio::task::spawn_blocking(|| traces.finish()).await.unwrap();

        let requests = collector.received_requests().await.unwrap();
        let sent: Vec<u8> = requests.into_iter().flat_map(|request| request.body).collect();
        let has = |text: &str| sent.windows(text.len()).any(|window| window == text.as_bytes());
        for text in ["syncline", "lab-sync", "execute_sync", "worth a look"] {
            assert!(has(text), "`{text}` was not sent");
        }
        assert!(!has("hush") && !has("foreign"));
    }
}

//! Spans, the bridge from `tracing`, and logs with their trace.
#![cfg(feature = "tracing")]

use std::sync::Arc;

use spikard::telemetry::TelemetryLayer;
use spikard::testing::TestApp;
use spikard::{App, Failure, Span, Telemetry, Value};
use tracing_subscriber::layer::SubscriberExt;

async fn charge() {
    let span = tracing::info_span!("charge", amount = 5);
    let _entered = span.enter();
    tracing::warn!(card = "visa", "declined");
}

#[test]
fn spans_and_events_of_tracing_belong_to_the_request() {
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(TelemetryLayer)).unwrap();
    let mut app = App::new("test");
    app.config(Value::from_json(r#"{"log": {"level": "off"}, "telemetry": {"exporter": "memory"}}"#).unwrap());
    app.get("/", || async {
        let own = Arc::new(Span::start("own"));
        own.set_attribute("n", 1);
        own.run(charge()).await;
        own.record_error(&Failure::new("odd"));
        assert!(spikard::telemetry::traceparent().is_some());
    });
    let test = TestApp::serve(&app).unwrap();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    test.get("/").header("traceparent", &format!("00-{trace}-00f067aa0ba902b7-01")).send().unwrap();
    let (spans, logs) = test.run(async { Ok((Telemetry::default().take_spans().await?, Telemetry::default().take_logs().await?)) }).unwrap();
    let find = |name: &str| spans.list().iter().find(|s| s.get("name").as_str() == Some(name)).cloned().unwrap_or_else(|| panic!("no span {name}: {spans}"));
    let (own, charge) = (find("own"), find("charge"));
    for span in [&own, &charge] {
        assert_eq!(span.get("trace_id").as_str(), Some(trace));
    }
    assert_eq!(charge.get("parent_span_id"), own.get("span_id"));
    assert_eq!(charge.get("attributes").get("amount").as_i64(), Some(5));
    assert_eq!(own.get("status").as_str().or(own.get("status").get("code").as_str()), Some("error"), "{own}");
    let log = logs.list().iter().find(|l| l.to_json().contains("declined")).unwrap_or_else(|| panic!("no log: {logs}"));
    assert_eq!(log.get("trace_id").as_str(), Some(trace));
    assert_eq!(log.get("span_id"), charge.get("span_id"));
    assert!(log.to_json().contains("visa"));
}

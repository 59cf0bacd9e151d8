//! Where spans go, and what makes them the same each time.

use super::target::{Encoding, Target, TargetError, target};
use super::tree::spans;
use crate::lineage::testing::{self, research};

fn of(endpoint: Option<&str>, variables: &[(&str, &'static str)]) -> Result<Target, TargetError> {
    target(endpoint, None, &[], |name| {
        let found = variables.iter().find(|(known, _value)| *known == name);
        found.map(|(_name, value)| *value)
    })
}

#[test]
fn the_place_for_traces_is_found_below_what_is_named() {
    let url = |endpoint: &str| of(Some(endpoint), KEYS).unwrap().url.to_string();
    for (endpoint, place) in [
        ("http://localhost:4318", "http://localhost:4318/v1/traces"),
        ("http://localhost:4318/", "http://localhost:4318/v1/traces"),
        ("http://h/otel/v1/traces", "http://h/otel/v1/traces"),
        (
            "https://cloud.langfuse.com",
            "https://cloud.langfuse.com/api/public/otel/v1/traces",
        ),
        (
            "https://own.example/api/public/otel",
            "https://own.example/api/public/otel/v1/traces",
        ),
    ] {
        assert_eq!(url(endpoint), place);
    }
    assert!(matches!(
        of(Some("localhost:4318"), &[]),
        Err(TargetError::Endpoint(_))
    ));
    assert!(matches!(of(None, &[]), Err(TargetError::NoEndpoint)));
}

const KEYS: &[(&str, &str)] = &[("LANGFUSE_PUBLIC_KEY", "pk"), ("LANGFUSE_SECRET_KEY", "sk")];

#[test]
fn langfuse_gets_its_keys_and_nobody_else_does() {
    let langfuse = of(Some("https://eu.cloud.langfuse.com"), KEYS).unwrap();
    assert_eq!(langfuse.headers["authorization"], "Basic cGs6c2s=");
    assert_eq!(langfuse.headers["x-langfuse-ingestion-version"], "4");
    let other = of(Some("https://collector.example"), KEYS).unwrap();
    assert!(other.headers.is_empty());
    let without = of(Some("https://cloud.langfuse.com"), &[]);
    assert!(matches!(without, Err(TargetError::Keys)));
    assert!(!format!("{langfuse:?}").contains("cGs6c2s="));
}

#[test]
fn the_variables_of_the_specification_count() {
    let target = of(
        None,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20a%3D"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "250"),
        ],
    )
    .unwrap();
    assert_eq!(target.encoding, Encoding::Json);
    assert_eq!(target.headers["authorization"], "Basic a=");
    assert_eq!(target.timeout.as_millis(), 250);
    let grpc = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ];
    assert!(matches!(of(None, &grpc), Err(TargetError::Protocol(_))));
}

#[test]
fn content_is_in_the_spans_only_where_it_is_asked_for() {
    let session = testing::session("s", vec![testing::timeline("main", vec![research()])]);
    let timeline = &session.timelines[0];
    let (bare, whole) = (
        spans(&session, timeline, false),
        spans(&session, timeline, true),
    );
    assert_eq!(bare, spans(&session, timeline, false));
    assert!(format!("{whole:?}").contains("Tokyo"));
    assert!(!format!("{bare:?}").contains("Tokyo"), "{bare:?}");
    let ids: std::collections::BTreeSet<_> = bare.iter().map(|span| span.id).collect();
    assert_eq!(ids.len(), bare.len());
}

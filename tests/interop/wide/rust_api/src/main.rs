//! Calls the API of docs/conventions.md once: spans to OTEL_EXPORTER_OTLP_ENDPOINT, lines to the standard output, the event
//! for Inngest into a file.
//!
//! usage: weft-interop-rust-api JOB_ID REQUEST_ID EVENT_FILE

include!(env!("CONVENTIONS_RS"));

fn main() {
    let [job_id, request_id, path]: [String; 3] = std::env::args().skip(1).collect::<Vec<_>>().try_into().expect("three arguments");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let _inside = runtime.enter();
    let provider = start_tracing();
    std::fs::write(path, create_job(&job_id, &request_id).to_string()).expect("the event is written");
    provider.shutdown().expect("the spans are sent");
}

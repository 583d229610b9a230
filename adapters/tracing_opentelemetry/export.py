"""Export of spans over OTLP, in batches and in the background."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from adapters.tracing_opentelemetry.tracer import OrderTracer


def exporting_tracer(endpoint: str, *, version: str, process: str) -> OrderTracer:
    """A tracer that posts to an OTLP collector, such as http://127.0.0.1:4318/v1/traces."""
    return OrderTracer(BatchSpanProcessor(OTLPSpanExporter(endpoint)), version=version, process=process)

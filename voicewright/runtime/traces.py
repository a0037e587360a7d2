"""Traces by OpenTelemetry, from the command that starts a run to its calls; off unless a collector is named."""

from functools import cache
from typing import TYPE_CHECKING

from voicewright.settings import Settings

if TYPE_CHECKING:
    from temporalio.client import Interceptor


class TracingError(Exception):
    """Traces were asked for and cannot be made; the message says what to install."""


@cache
def tracing(settings_endpoint: str, service: str) -> "Interceptor":
    """Temporal's tracing interceptor, exporting to an OTLP/HTTP collector; once per process.

    Raises:
        TracingError: the OpenTelemetry SDK is not installed.
    """
    try:
        from opentelemetry import trace  # noqa: PLC0415
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from temporalio.contrib.opentelemetry import TracingInterceptor  # noqa: PLC0415
    except ModuleNotFoundError as error:
        message = f"VOICEWRIGHT_OTLP_ENDPOINT is set, but {error.name} is missing: pip install 'voicewright[otel]'"
        raise TracingError(message) from None
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    exporter = OTLPSpanExporter(endpoint=f"{settings_endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    trace.set_tracer_provider(provider)
    return TracingInterceptor(trace.get_tracer("voicewright"))


def interceptors(settings: Settings, service: str) -> "list[Interceptor]":
    """What a client of these settings is to be given."""
    return [tracing(settings.otlp_endpoint, service)] if settings.otlp_endpoint else []


def flush() -> None:
    """Send what is left; for commands that are about to end."""
    if not tracing.cache_info().currsize:
        return
    from opentelemetry import trace  # noqa: PLC0415

    force = getattr(trace.get_tracer_provider(), "force_flush", None)
    if force is not None:
        force(2000)

"""Prometheus metrics of a worker process: Temporal's own and ours, on one port."""

from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from voicewright.settings import Settings

SECONDS = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0]
MILLISECONDS = [20.0, 50.0, 100.0, 200.0, 300.0, 500.0, 800.0, 1200.0, 2000.0, 3000.0, 5000.0, 10000.0]
_BUCKETS = {
    "voicewright_step_seconds": SECONDS,
    "voicewright_call_setup_ms": MILLISECONDS,
    "voicewright_ttfa_ms": MILLISECONDS,
}


def metrics_runtime(settings: Settings) -> Runtime | None:
    """A runtime that serves metrics; None where no port is set."""
    if settings.metrics_port is None:
        return None
    prometheus = PrometheusConfig(
        bind_address=f"{settings.metrics_host}:{settings.metrics_port}",
        counters_total_suffix=True,
        durations_as_seconds=True,
        histogram_bucket_overrides=_BUCKETS,
    )
    return Runtime(telemetry=TelemetryConfig(metrics=prometheus))

"""The SDK's own numbers (schedule-to-start latency, failures of workflow tasks, slots, cache).

Its exporter wants a port to itself. That is one on loopback which nobody needs to know: the program tells what it says
at its own address, so that there is one to scrape.
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from temporalio.runtime import PrometheusConfig

_WITHIN = 2.0  # seconds
_BUCKETS = (
    0.01,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
)  # seconds
_LATENCIES = ("temporal_workflow_task_schedule_to_start_latency", "temporal_activity_schedule_to_start_latency")


@dataclass(frozen=True, kw_only=True)
class SdkNumbers:
    """``address`` is for the SDK's runtime, which is made once in a process."""

    address: str

    @classmethod
    def somewhere(cls) -> "SdkNumbers":
        """At a port that is free now."""
        with socket.socket() as trying:
            trying.bind(("127.0.0.1", 0))
            return cls(address=f"127.0.0.1:{trying.getsockname()[1]}")

    @property
    def config(self) -> PrometheusConfig:
        buckets: Mapping[str, tuple[float, ...]] = dict.fromkeys(_LATENCIES, _BUCKETS)
        return PrometheusConfig(
            bind_address=self.address,
            counters_total_suffix=True,
            unit_suffix=True,
            durations_as_seconds=True,
            histogram_bucket_overrides=buckets,
        )

    async def text(self) -> bytes:
        """In Prometheus' text format; nothing where the exporter does not answer."""
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=_WITHIN) as http:
                answer = await http.get(f"http://{self.address}/metrics")
        except httpx.HTTPError:
            return b""
        return answer.content if answer.status_code == httpx.codes.OK else b""

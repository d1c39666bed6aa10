"""The public fake ``localstripe`` as a program of its own, and the gateway that speaks to it.

It is only ever started, never imported. What it cannot read is taken out of requests, and what it forgets is put into
its answers, here and by name; ``test_localstripe`` shows that each of these is still needed.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import stripe

from activities.gateways.stripe import StripeGateway, Transport
from local.processes import free_port

SECRET_KEY = "sk_test_localstripe"

# By call, the parameters that it refuses.
REFUSES = {
    "payment_intents": ("allowed_payment_method_types[0]",),
    "setup_intents": ("allowed_payment_method_types[0]",),
    "payment_intents/*/confirm": ("off_session", "payment_method"),
    "refunds": ("reason",),
}
# By kind of object, the fields that Stripe always sends and it does not.
LEAVES_OUT: Mapping[str, Mapping[str, Any]] = {
    "payment_intent": {"amount_received": None},
    "refund": {"reason": None},
}


class LocalStripe:
    """A running localstripe."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        program = Path(sys.executable).with_name("localstripe")
        folder = Path(__file__).with_name("loopback")
        self.process = subprocess.Popen(
            [program, "--port", str(port), "--from-scratch"],
            env={**os.environ, "PYTHONPATH": str(folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while True:
            try:
                httpx.get(f"{self.url}/v1/customers", auth=(SECRET_KEY, ""), timeout=1, trust_env=False)
                return
            except httpx.TransportError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise AssertionError("localstripe did not start") from None
                time.sleep(0.05)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(timeout=5)


@contextmanager
def running_localstripe() -> Iterator[LocalStripe]:
    running = LocalStripe(free_port())
    try:
        yield running
    finally:
        running.stop()


class Translating(Transport):
    """Says what localstripe understands, and completes what it answers."""

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | None = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        parts = urlsplit(url).path.split("/")[2:]  # after /v1
        given = dict(parse_qsl(post_data or ""))
        if parts[0] == "payment_intents" and parts[-1] == "confirm" and "payment_method" in given:
            # It takes the method by an update, and confirms what it then has.
            chosen = urlencode({"payment_method": given["payment_method"]})
            told = await super().request_async(method, url.removesuffix("/confirm"), headers, chosen)
            if told[1] != 200:
                return told
        if method == "post":
            call = "/".join("*" if position == 1 else part for position, part in enumerate(parts))
            post_data = urlencode({name: value for name, value in given.items() if name not in REFUSES.get(call, ())})
        body, status, told_headers = await super().request_async(method, url, headers, post_data)
        return _completed(body) if status == 200 else body, status, told_headers


def _completed(body: bytes) -> bytes:
    told = json.loads(body)
    for row in told["data"] if told.get("object") == "list" else [told]:
        for name, value in LEAVES_OUT.get(row.get("object", ""), {}).items():
            row.setdefault(name, value)
        if row.get("object") == "payment_intent":
            row["amount_received"] = row["amount"] if row["status"] == "succeeded" else 0
    return json.dumps(told).encode()


def gateway_to(url: str) -> StripeGateway:
    """The product's own gateway, over the transport that translates."""
    gateway = StripeGateway(api_key=SECRET_KEY, api_base=url)
    gateway._http = Translating(timeout=10)
    gateway._stripe = stripe.StripeClient(
        SECRET_KEY, base_addresses={"api": url}, max_network_retries=0, http_client=gateway._http
    )
    return gateway

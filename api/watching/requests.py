"""The API's own numbers: its requests, and what they stand on."""

from prometheus_client import Gauge

from engine.watching.requests import RequestNumbers
from engine.watching.unreadable import UnreadableValues
from models.sealing import found_unreadable


class Metrics(RequestNumbers):
    def __init__(self) -> None:
        super().__init__("api")
        self.reachable = Gauge("api_reachable", "1 where this server can use it.", ("what",), registry=self.registry)
        self.registry.register(UnreadableValues(found_unreadable))

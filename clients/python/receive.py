"""What arrives at the site: events, signed by Standard Webhooks."""

import os
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

from care_journeys_client.models import AppointmentBookedEvent, EventKind
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

LONGEST = 100_000  # bytes; an event has some hundreds


class Receiver(ThreadingHTTPServer):
    """Hands on each event once, whatever arrives how often.

    ``seen`` is a table of your database in truth: written in one transaction with what the event changes.
    """

    def __init__(self, port: int, secret: str, heard: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(("127.0.0.1", port), Arriving)
        self.signed = Webhook(secret)
        self.heard = heard
        self.seen: set[str] = set()
        self.in_turn = Lock()  # those of several clients arrive at once

    def take(self, body: bytes, headers: dict[str, str]) -> int:
        """HTTP's status: any 2xx says that it need not be sent again."""
        try:
            event = self.signed.verify(body, headers)  # raw, as it came, before anything reads it
        except WebhookVerificationError:
            return 401
        with self.in_turn:
            if headers["webhook-id"] not in self.seen:
                self.heard(event)
                self.seen.add(headers["webhook-id"])
        return 204


class Arriving(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        status = self.server.take(self.rfile.read(length), headers) if length <= LONGEST else 413
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing: the lines of the default would stand between those of the program."""


def main() -> None:
    with Receiver(int(os.environ["PORT"]), os.environ["WEBHOOK_SECRET"], show) as receiver:
        print("listening", flush=True)
        receiver.serve_forever()


def show(event: dict[str, Any]) -> None:
    appointment = event["data"].get("appointment_id", "")
    if event["kind"] == EventKind.APPOINTMENT_BOOKED:
        booked = AppointmentBookedEvent.from_dict(event)  # from here on it is typed
        appointment = booked.data.appointment_id
    print(event["kind"], appointment, flush=True)


if __name__ == "__main__":
    main()

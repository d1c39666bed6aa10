"""``python -m sandbox --port 8400``: the stand-ins as a process of their own."""

import argparse
import sqlite3
import sys
from pathlib import Path

import uvicorn

from engine.clock import clock_for
from sandbox.app import create_app
from sandbox.store import Store


def main() -> int:
    options = _options()
    try:
        store = Store(options.state)
    except (sqlite3.Error, ValueError) as problem:
        print(f"The stand-ins' state in {options.state} cannot be used: {problem}.", file=sys.stderr)
        return 1
    app = create_app(store=store, clock=clock_for(options.clock_address))
    if options.webhook_url:
        app.state.webhooks.register(url=options.webhook_url, secret=options.webhook_secret)
    if options.mail_events_url:
        app.state.mail_events.register(url=options.mail_events_url)
    try:
        uvicorn.run(
            app,
            host=options.host,
            port=options.port,
            log_level="warning",
            access_log=False,
            timeout_keep_alive=75,  # those who call close first
            timeout_graceful_shutdown=3,
        )
    finally:
        store.close()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="Stand-ins for Stripe, SendGrid, Google Calendar and Outlook."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8400)
    parser.add_argument("--clock-address", help="host:port of a time-skipping Temporal server whose time to keep")
    parser.add_argument("--state", type=Path, help="a file that keeps everything between starts")
    parser.add_argument("--webhook-url", help="where Stripe's events are sent")
    parser.add_argument("--webhook-secret", default="whsec_development", help="what they are signed with")
    parser.add_argument("--mail-events-url", help="where SendGrid's events are sent")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""The local stack: ``python dev.py`` starts everything on this machine and stops it on Ctrl-C.

``--time-travel`` starts it on the movable clock instead, always with empty data.
"""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from config import Settings, settings_or_exit
from config.calendars import calendar_vendors
from engine.clock import EngineClock
from engine.ending import end
from local.people import PASSWORD, PEOPLE
from local.problems import CannotStart
from local.processes import Log
from local.stack import LocalStack, Ports, settings_of_a_practice
from local.webhook import have_a_webhook

_POLICY = "POLICY__"
_WAITING_FOR_A_THERAPIST = "JourneyStage = 'matching' AND ExecutionStatus = 'Running'"


def main() -> int:
    options = _options()
    if options.data_dir:
        os.environ["DATA_DIR"] = str(options.data_dir)
    if options.time_travel and os.environ.get("ENVIRONMENT") != "production":
        for name in settings_of_a_practice():
            if not name.upper().startswith(_POLICY):  # a rule that somebody wants to see at work
                del os.environ[name]
    settings = settings_or_exit()
    if settings.production:
        print(
            "The local stack is for development: start worker.py and server.py in production.",
            file=sys.stderr,
        )
        return 2
    return asyncio.run(_run(settings, time_travel=options.time_travel))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev.py", description="Care Journeys on this machine.")
    parser.add_argument("--time-travel", action="store_true", help="on a clock that can be moved; empty data")
    parser.add_argument("--data-dir", type=Path, help="where data stay between starts (DATA_DIR)")
    return parser.parse_args()


async def _run(settings: Settings, *, time_travel: bool) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if not stopping.is_set():
            stopping.set()
            print("\nStopping ...", flush=True)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    print("Starting ...", flush=True)
    starting = asyncio.create_task(_start(settings, time_travel=time_travel))
    asked = asyncio.create_task(stopping.wait())
    await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
    try:
        stack = await starting
    except asyncio.CancelledError:
        return 0
    except CannotStart as problem:
        print(problem, file=sys.stderr)
        return 1
    finally:
        asked.cancel()
    async with stack:
        if not stopping.is_set():
            print(_where_to_look(stack, settings), flush=True)
        lost = asyncio.create_task(stack.ended.wait())
        asked = asyncio.create_task(stopping.wait())
        await asyncio.wait({lost, asked}, return_when=asyncio.FIRST_COMPLETED)
        failed = stack.ended.is_set() and not stopping.is_set()
        lost.cancel()
        asked.cancel()
        if failed:
            print(f"{stack.ended_because}; stopping.", file=sys.stderr, flush=True)
    print("Stopped.", flush=True)
    return 1 if failed else 0


async def _start(settings: Settings, *, time_travel: bool) -> LocalStack:
    given_engine = "TEMPORAL_ADDRESS" in os.environ and not time_travel
    stack = await LocalStack.start(
        time_travel=time_travel,
        data_dir=settings.data_dir,
        ports=Ports(
            api=settings.api_port,
            temporal=settings.temporal_port,
            temporal_ui=settings.temporal_ui_port,
            sandbox=settings.sandbox_port,
            web=settings.web_port,
            worker=settings.worker_port or Ports.worker,
        ),
        env={name: value for name, value in os.environ.items() if name.upper().startswith(_POLICY)},
        log=Log(),
        database_url=settings.database if settings.database_url and not time_travel else None,
        owner_url=settings.owners_database if settings.database_url and not time_travel else None,
        temporal_address=settings.engine.address if given_engine else None,
        restart=True,
        pages=True,
    )
    try:
        await have_a_webhook(api_url=stack.api_url, sandbox_url=stack.sandbox_url)
    except BaseException:  # whoever asked it to stop meanwhile has no stack to stop
        await stack.stop()
        raise
    return stack


def _where_to_look(stack: LocalStack, settings: Settings) -> str:
    shown = {key.role: _shown(key.secret.get_secret_value()) for key in settings.api_keys}
    program = Path(sys.executable).with_name("temporal")
    lines = [
        ("Pages", f"{stack.site_url}/start"),
        ("... for staff", f"{stack.site_url}/staff/sign-in  {_sign_ins()}"),
        ("API", f"{stack.api_url}/docs"),
        ("Temporal UI", stack.temporal_ui_url or "none on the movable clock"),
        ("Mails", _mails(stack, settings)),
        ("Webhooks", f"{stack.sandbox_url}/webhooks/page"),
        ("Stripe's state", _stripe(stack, settings)),
        ("Calendars", _calendars(stack, settings)),
        ("Keys", ", ".join(f"{role.value} {secret}" for role, secret in shown.items())),
    ]
    if stack.temporal_ui_url:
        address = "" if stack.ports.temporal == 7233 else f" --address {stack.temporal_address}"
        lines += [
            (
                "Journeys",
                f'{program} workflow list{address} --query "{_WAITING_FOR_A_THERAPIST}"',
            ),
            ("Decoded", f"... --codec-endpoint {stack.api_url}/codec --codec-auth 'Bearer <your own token>'"),
        ]
    else:
        lines.append(("Clock", f"{stack.api_url}/dev/clock"))
    moves = isinstance(stack.clock, EngineClock)
    lines.append(("Data", "gone at the end" if moves else str(stack.data_dir)))
    width = max(len(name) for name, _ in lines)
    body = "\n".join(f"  {name:<{width}}  {text}" for name, text in lines)
    return f"\nCare Journeys is running. Ctrl-C stops it.\n\n{body}\n"


def _sign_ins() -> str:
    """Who can sign in there, of a practice that was empty before."""
    people = ", ".join(person.email for person in PEOPLE)
    return f"as {people}, with the password: {PASSWORD}"


def _mails(stack: LocalStack, settings: Settings) -> str:
    if settings.sendgrid_host == f"{stack.sandbox_url}/sendgrid":
        return f"{stack.sandbox_url}/"
    return f"REALLY SENT, through {settings.sendgrid_host or 'SendGrid'} (unset SENDGRID_* for the stand-in)"


def _stripe(stack: LocalStack, settings: Settings) -> str:
    if settings.stripe_base == f"{stack.sandbox_url}/stripe":
        return f"{stack.sandbox_url}/stripe/_state"
    live = "" if "_test_" in settings.stripe_api_key.get_secret_value() else "with a live key: REAL MONEY MOVES, "
    return f"{live}at {settings.stripe_base or 'Stripe itself'} (unset STRIPE_* for the stand-in)"


def _calendars(stack: LocalStack, settings: Settings) -> str:
    """Where a therapist's own are: what is busy there cannot be booked."""
    played = [one.kind for one in calendar_vendors(settings) if one.token.startswith(f"{stack.sandbox_url}/")]
    pages = [f"{stack.sandbox_url}/{kind.value}/calendar" for kind in played]
    return " and ".join(pages) or "those at Google and Microsoft (unset GOOGLE_CALENDAR_* and OUTLOOK_CALENDAR_*)"


def _shown(secret: str) -> str:
    """Development keys are public; others are not printed."""
    return secret if secret.startswith("dev-") else "(yours)"


if __name__ == "__main__":
    end(main())

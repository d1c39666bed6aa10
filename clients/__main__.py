"""Both clients, made from the description of a stack that runs: `make clients`.

The linters look at the description, the generators make a Python client and TypeScript types from it, the compilers
check the same small booking program in each, and both book. Whatever changes in the description and breaks one of them
ends this with an error.
"""

import asyncio
import json
import re
import sys
import time

import httpx

from clients.arrivals import must_take_once_what_is_signed, receiving
from clients.commands import LONGEST, MADE, TOOLS, Failed, run
from engine.ending import end
from local.problems import CannotStart
from local.processes import Log
from local.stack import LocalStack, Ports

DESCRIPTION = MADE / "openapi.json"
SITE_KEY = "dev-booking-site"
ADMIN_KEY = "dev-admin"


async def main() -> int:
    begun = time.monotonic()
    try:
        async with await LocalStack.start(ports=Ports.free(), log=Log(console=False)) as stack:
            await describe(stack.api_url)
            await lint()
            await generate_python()
            await generate_typescript()
            await check_types()
            await book("python", "python/book.py", "python/receive.py", stack=stack)
            await book("node", "typescript/book.ts", "typescript/receive.ts", stack=stack)
    except (CannotStart, Failed) as problem:
        print(problem, file=sys.stderr)
        return 1
    say(f"Both clients book, after {time.monotonic() - begun:.0f} s.")
    return 0


async def describe(api_url: str) -> None:
    """The description as it is served."""
    async with httpx.AsyncClient() as client:
        described = (await client.get(f"{api_url}/openapi.json", timeout=LONGEST)).raise_for_status().json()
    DESCRIPTION.write_text(json.dumps(described, indent=1))
    calls = sum(len(calls) for calls in described["paths"].values())
    say(f"{calls} calls, {len(described['components']['schemas'])} schemas")


async def lint() -> None:
    """A warning counts as an error: each that stays has its reason in the rule file."""
    await run("spectral", "lint", str(DESCRIPTION), "--ruleset", ".spectral.yaml", "--fail-severity", "hint")
    checked = await run("redocly", "lint", str(DESCRIPTION), "--config", "redocly.yaml", "--format", "json")
    totals = json.loads(checked)["totals"]
    if totals["errors"] or totals["warnings"] or totals["ignored"]:
        raise Failed(checked)
    say("Spectral and Redocly: 0 errors, 0 warnings")


async def generate_python() -> None:
    folder = MADE / "python/care_journeys_client"
    folder.parent.mkdir(exist_ok=True)
    await run(
        *("openapi-python-client", "generate", "--path", str(DESCRIPTION), "--output-path", str(folder)),
        *("--config", "generator.yaml", "--meta", "none", "--overwrite", "--fail-on-warning"),
    )


async def generate_typescript() -> None:
    await run(
        *("openapi-typescript", str(DESCRIPTION), "--output", str(MADE / "schema.d.ts")),
        "--default-non-nullable=false",
    )


async def check_types() -> None:
    mypy = [sys.executable, "-m", "mypy", "--config-file", "python/mypy.ini"]
    await run(*mypy, "--python-executable", str(TOOLS / "python"), "python")
    await run("tsc", "--project", "typescript")
    say("mypy --strict and tsc --strict: nothing")


async def book(runs: str, program: str, receiver: str, *, stack: LocalStack) -> None:
    """The program books, and what it booked arrives at the receiver."""
    settings = {"API_URL": stack.api_url, "MAILS_URL": stack.sandbox_url, "SITE_API_KEY": SITE_KEY}
    admin = {"Authorization": f"Bearer {ADMIN_KEY}"}
    async with (
        httpx.AsyncClient(base_url=stack.api_url, headers=admin, timeout=LONGEST) as api,
        receiving(runs, receiver, api=api) as arriving,
    ):
        said = await run(runs, program, env=settings)
        say(said)
        [appointment] = re.findall(r"by the same key: (\S+)", said)
        await arriving.hears(f"appointment.booked {appointment}")
        await must_take_once_what_is_signed(arriving)
        say(f"appointment.booked arrived at {receiver}; forged and old ones are refused, doubled ones taken once")


def say(line: str) -> None:
    print(line.rstrip(), flush=True)


if __name__ == "__main__":
    end(asyncio.run(main()))

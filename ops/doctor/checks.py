"""The table of checks, in the order in which they are told, and how they are carried out."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Sequence
from urllib.parse import urlsplit

from pydantic import SecretStr

from config import Settings
from ops.doctor import addresses, anchors, database, engine, keys, sendgrid, stripe
from ops.doctor.findings import Check, Finding, first_line, wrong

WITHIN = 20.0  # seconds for each, all of them side by side

# A further check is a line here: ``look`` takes the settings and yields findings.
CHECKS: tuple[Check, ...] = (
    Check(name="database", look=database.look, todo="see that PostgreSQL at DATABASE_URL runs and answers"),
    Check(name="keys", look=keys.look, todo="see that PostgreSQL at DATABASE_URL runs and answers"),
    Check(name="engine", look=engine.look, todo="see that Temporal at TEMPORAL_ADDRESS runs and answers"),
    Check(name="stripe", look=stripe.look, todo="see that this machine reaches Stripe"),
    Check(name="sendgrid", look=sendgrid.look, todo="see that this machine reaches SendGrid"),
    Check(name="addresses", look=addresses.look, todo="see that this machine reaches the addresses of the settings"),
    Check(name="anchors", look=anchors.look, todo="see that the disk answers"),
)


async def carry_out(
    checks: Iterable[Check], settings: Settings, *, within: float = WITHIN
) -> AsyncIterator[Sequence[Finding]]:
    """What each check found, in their order; all of them look side by side, and none can end another."""
    looking = [asyncio.create_task(_findings(check, settings, within)) for check in checks]
    hidden = Hidden(settings)
    for one in looking:
        yield [hidden.of(finding) for finding in await one]


async def _findings(check: Check, settings: Settings, within: float) -> list[Finding]:
    found: list[Finding] = []
    try:
        async with asyncio.timeout(within):
            async for finding in check.look(settings):
                found.append(finding)  # noqa: PERF401 - what was found before an error counts
    except TimeoutError:
        found.append(wrong(check.name, f"it was not done within {within:.0f} s", check.todo))
    except Exception as error:  # noqa: BLE001 - whatever it is, the other checks are told all the same
        said = f"it could not be looked at ({type(error).__name__}: {first_line(error)})"
        found.append(wrong(check.name, said, check.todo))
    return found


class Hidden:
    """Secrets of the settings, which no line shows, whoever repeats them: a vendor, a library, the database."""

    def __init__(self, settings: Settings) -> None:
        given = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
        given += [key.secret.get_secret_value() for key in settings.api_keys]
        given += [urlsplit(url).password or "" for url in given if "://" in url]
        given += [b64encode(key).decode() for _, key in (*settings.payload_keys.keys, *settings.chain_keys.keys)]
        given.append(settings.engine.api_key or "")
        self._secrets = sorted((secret for secret in given if secret), key=len, reverse=True)

    def of(self, finding: Finding) -> Finding:
        def without(text: str) -> str:
            for secret in self._secrets:
                text = text.replace(secret, "***")
            return text

        return Finding(
            about=finding.about, verdict=finding.verdict, said=without(finding.said), todo=without(finding.todo)
        )

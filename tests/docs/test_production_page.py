"""What the page for operators says of the edge, of encryption and of vendors, against the code."""

import re

import pytest

from api.bounds.connections import KEPT_OPEN, MOST_HEAD_BYTES, BoundedConnection
from api.edge.hosts import _BY_ADDRESS
from api.middleware import MOST_BYTES
from config import read_settings
from config.strength import LEAST_DIFFERENT, LEAST_SECRET
from rules.care import documents
from tests.docs.pages import ROOT, table, words
from tests.local.environment import PRODUCTION, bare_environment, given, problems
from web.settings import WrongSettings
from web.settings import read_settings as read_pages_settings

__all__ = ["bare_environment"]

PAGE = (ROOT / "docs/production.md").read_text()
REFUSALS = PAGE.partition("refuses to start, and names every reason at once, when")[2].partition("`dev.py` does not")[0]


def test_the_bounds_are_those_of_the_code() -> None:
    told = {what.partition(" ")[2].partition(":")[0]: bound for what, bound, _ in table(PAGE, "what", "bound")}
    assert told["head of a request"] == f"{MOST_HEAD_BYTES // 1024} KB"
    assert told["time in which a head has to come"] == f"{BoundedConnection.head_within:.0f} s"
    assert told["time in which a body has to come"] == f"{BoundedConnection.body_within:.0f} s"
    assert told["time in which nobody reads an answer that is waiting"] == f"{BoundedConnection.read_within:.0f} s"
    assert told["connection between two requests"] == f"{KEPT_OPEN} s"
    assert told["body"] == f"{MOST_BYTES // 2**20} MB, for documents {documents.MOST_BYTES // 2**20} MB"
    [hosts] = [row for row in table(PAGE, "what", "bound") if row[2].startswith("421")]
    assert set(words(hosts[2])) == set(_BY_ADDRESS)


def test_the_least_of_a_secret_is_that_of_the_code() -> None:
    assert f"at least {LEAST_SECRET} characters" in REFUSALS
    assert f"at least {LEAST_DIFFERENT} of them different" in REFUSALS


@pytest.mark.parametrize(
    ("named", "wrong"),
    [
        ("API_KEYS", {"API_KEYS": "admin:root:short"}),
        ("STRIPE_API_KEY", {"STRIPE_API_KEY": "sk_live_1"}),
        ("STRIPE_WEBHOOK_SECRET", {"STRIPE_WEBHOOK_SECRET": "whsec_1"}),
        ("SENDGRID_API_KEY", {"SENDGRID_API_KEY": "SG.1"}),
        ("PAYLOAD_KEYS", {"PAYLOAD_KEYS": "k:" + "A" * 43 + "="}),
        ("DATABASE_URL", {"DATABASE_URL": "postgresql://db.example/care?sslmode=require"}),
        ("PUBLIC_URL", {"PUBLIC_URL": "http://care.test"}),
        ("STRIPE_API_BASE", {"STRIPE_API_BASE": "http://care.test"}),
        ("SENDGRID_API_HOST", {"SENDGRID_API_HOST": "http://care.test"}),
        ("TIME_TRAVEL_ADDRESS", {"TIME_TRAVEL_ADDRESS": "127.0.0.1:7233"}),
        ("TLS", {"TEMPORAL_TLS": "false"}),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://traces.example"}),
    ],
)
def test_what_is_said_to_be_refused_is(monkeypatch: pytest.MonkeyPatch, named: str, wrong: dict[str, str]) -> None:
    assert named in REFUSALS
    assert len(problems(monkeypatch, **{**PRODUCTION, **wrong})) == 1


def test_the_commands_for_new_secrets_make_what_production_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [_run(code) for code in re.findall(r'^python -c "(.+)"$', PAGE, re.MULTILINE)]
    [payload_key] = [text for text in made if ":" in text]
    [secret] = [text for text in made if ":" not in text]
    given(monkeypatch, **{**PRODUCTION, "PAYLOAD_KEYS": payload_key, "API_KEYS": f"admin:root:{secret}"})
    assert read_settings().production


def _run(code: str) -> str:
    said: list[str] = []
    exec(code, {"print": said.append})  # noqa: S102 - our own page
    return said[0]


def test_stripe_is_told_no_more_than_is_said() -> None:
    gateway = (ROOT / "activities/gateways/stripe.py").read_text()
    [stripe] = [row for row in table(PAGE, "who", "what reaches them") if row[0] == "Stripe"]
    assert set(words(stripe[1])) == set(re.findall(r'"(\w+_(?:id|ref))"', gateway))
    assert not re.search(r'"(name|email|phone|description|receipt_email|statement_descriptor)"', gateway)


def test_mails_tell_no_more_than_is_said() -> None:
    """What the templates may take in: of care, only titles and times."""
    said = " ".join(path.read_text() for path in (ROOT / "templates/email").rglob("*.*"))
    taken_in = set(re.findall(r"\{\{ *(?:goal|message|note|chat|document|answers?)\b[^}]*", said))
    assert taken_in == set()


def test_what_the_pages_are_said_to_refuse_they_do(monkeypatch: pytest.MonkeyPatch) -> None:
    said = PAGE.partition("The pages refuse to start in production when")[2].partition("Where `ENVIRONMENT`")[0]
    given(monkeypatch, ENVIRONMENT="production", API_URL="http://api.test", STAFF_URL="http://a.test", TIME_TRAVEL="1")
    given(monkeypatch, DEMO_PEOPLE="admin:a@practice.test")
    with pytest.raises(WrongSettings) as told:
        read_pages_settings()
    named = {sentence.split(" ")[0] for sentence in told.value.problems}
    assert named == {"SITE_API_KEY", "PUBLIC_URL", "API_URL", "STAFF_URL", "TIME_TRAVEL", "DEMO_PEOPLE"}
    assert named <= set(words(said))

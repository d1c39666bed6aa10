"""Where the practice is registered so that therapists connect calendars: both or neither, https, and a stand-in where
it is not, away from production."""

import pytest

from config import read_settings
from config.calendars import calendar_vendors
from rules.booking.calendar_vendors import by_kind
from rules.enums import CalendarKind
from tests.local.environment import PRODUCTION, bare_environment, given, problems

__all__ = ["bare_environment"]

SECRET = "Zr8Kq2XvT6Qw1Ty5Nb9Lc3Jd7Hf4Gs0P"
GOOGLE = {"GOOGLE_CALENDAR_CLIENT_ID": "4711.apps", "GOOGLE_CALENDAR_CLIENT_SECRET": SECRET}
OUTLOOK = {"OUTLOOK_CALENDAR_CLIENT_ID": "0f6c-1d52", "OUTLOOK_CALENDAR_CLIENT_SECRET": SECRET}


def test_away_from_production_stand_ins_play_both(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, SANDBOX_PORT="8499")
    vendors = by_kind(*calendar_vendors(read_settings()))
    assert vendors[CalendarKind.GOOGLE].token == "http://127.0.0.1:8499/google/token"
    assert vendors[CalendarKind.OUTLOOK].busy == "http://127.0.0.1:8499/outlook/v1.0/me/calendarView"


def test_in_production_there_are_those_that_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, **PRODUCTION)
    assert list(calendar_vendors(read_settings())) == []
    given(monkeypatch, **GOOGLE, **OUTLOOK, OUTLOOK_CALENDAR_TENANT="practice.example")
    vendors = by_kind(*calendar_vendors(read_settings()))
    google, outlook = vendors[CalendarKind.GOOGLE], vendors[CalendarKind.OUTLOOK]
    assert google.authorization == "https://accounts.google.com/o/oauth2/v2/auth"
    assert google.token == "https://oauth2.googleapis.com/token"
    assert google.revocation == "https://oauth2.googleapis.com/revoke"
    assert google.busy == "https://www.googleapis.com/calendar/v3/freeBusy"
    assert outlook.token == "https://login.microsoftonline.com/practice.example/oauth2/v2.0/token"
    assert outlook.busy == "https://graph.microsoft.com/v1.0/me/calendarView"
    assert outlook.revocation is None
    assert SECRET not in f"{google} {outlook} {read_settings()}"


@pytest.mark.parametrize("pair", [GOOGLE, OUTLOOK], ids=["google", "outlook"])
def test_it_is_both_or_neither(monkeypatch: pytest.MonkeyPatch, pair: dict[str, str]) -> None:
    for missing in pair:
        with monkeypatch.context() as alone:
            (told,) = problems(alone, **{name: value for name, value in pair.items() if name != missing})
            assert told.startswith(f"{missing} must be set beside ")


def test_production_refuses_a_plain_address_and_a_secret_that_can_be_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    weak = GOOGLE | {"GOOGLE_CALENDAR_CLIENT_SECRET": "short"}
    told = problems(monkeypatch, **PRODUCTION, **weak, OUTLOOK_CALENDAR_BASE="http://outlook.test")
    assert sorted(line.split()[0] for line in told) == ["GOOGLE_CALENDAR_CLIENT_SECRET", "OUTLOOK_CALENDAR_BASE"]


def test_a_tenant_is_no_path(monkeypatch: pytest.MonkeyPatch) -> None:
    (told,) = problems(monkeypatch, OUTLOOK_CALENDAR_TENANT="common/../../evil")
    assert told.startswith("OUTLOOK_CALENDAR_TENANT cannot be used")

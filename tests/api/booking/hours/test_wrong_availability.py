"""Hours that are none: every wrong line is named with its place, all of them at once, and nothing is changed."""

from typing import Any

import httpx
import pytest

from tests.api.booking.hours.test_availability import AWAY, HOURS, HOURS_OF_ANA, TUESDAY, WINDOW, saved
from tests.api.conftest import DESK, fields_of
from tests.care.rows import Rows


def weekly(**changes: Any) -> dict[str, Any]:
    return {**HOURS, "weekly": [TUESDAY, {**TUESDAY, **changes}]}


def override(**changes: Any) -> dict[str, Any]:
    return {**HOURS, "overrides": [*HOURS["overrides"], {"date": "2026-04-01", "windows": [], **changes}]}


def away(**changes: Any) -> dict[str, Any]:
    return {**HOURS, "time_off": [AWAY, {**AWAY, **changes}]}


def setting(name: str, value: Any, kind: str = "session") -> dict[str, Any]:
    return {**HOURS, "settings": {kind: {name: value}}}


NO_DAYS: list[Any] = ["funday", "Mon", "MON", "monday", "", None, 1, True, ["mon"], {}]
NO_CLOCKS: list[Any] = [
    "25:00", "24:01", "9:00", "09:60", "0900", "09:00:00", " 09:00", "-1:00", "", None, 9, 9.5, [], {}
]  # fmt: skip
NO_TYPES: list[Any] = [[], None, "session", {}, 1]
NO_DATES: list[Any] = [
    "soon", "2026-02-30", "20260401", "2026-4-1", "2026-04-01T00:00:00Z", "1999-12-31", "2200-01-01", None, 1
]  # fmt: skip
NO_INSTANTS: list[Any] = [
    "soon", "2026-03-24", "2026-03-24T00:00:00", "2026-03-24 00:00:00Z", "2026-03-24T00Z", "20260324T000000Z",
    "2026-W13-2T00:00:00Z", "2026-03-24T25:00:00Z", "2026-02-30T00:00:00Z", "2026-03-24T00:00:00+99:00",
    "1999-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    1_800_000_000, None, [],
]  # fmt: skip
NO_ENDS = ["2026-03-24T00:00:00Z", "2026-03-23T23:59:59Z", "2026-03-24T02:00:00+02:00", "2036-03-24T00:00:00Z"]
NO_REASONS: list[Any] = ["x" * 501, "a\0b", "a\x1bb", "\x7f", 7, 0, False, [], {}]
NO_NUMBERS: list[Any] = [1.5, 30.0, "30", True, False, [30], {}, 10**30, -(10**30)]
NO_SETTINGS: dict[str, list[Any]] = {
    "duration": [0, -1, 1441],
    "step": [0, -1, 1441],
    "buffer_before": [-1, 1441],
    "buffer_after": [-1, 1441],
    "minimum_notice": [-1, 525_601],
    "horizon_days": [0, -1, 731, None],
    "max_per_day": [0, -1, 1441],
}


def wrong_documents() -> list[tuple[Any, list[str]]]:
    """Documents with something wrong, and every field that the answer must name."""
    found: list[tuple[Any, list[str]]] = []
    found += [(weekly(weekday=day), ["weekly[1].weekday"]) for day in NO_DAYS]
    for clock in NO_CLOCKS:
        found.append((weekly(**{"from": clock}), ["weekly[1].from"]))
        found.append((weekly(to=clock), ["weekly[1].to"]))
    found += [(weekly(types=types), ["weekly[1].types"]) for types in NO_TYPES]
    found += [
        (weekly(**{"from": "24:00"}), ["weekly[1].from"]),
        (weekly(types=["session", "tea", None]), ["weekly[1].types[1]", "weekly[1].types[2]"]),
        (weekly(types=["session", "intro_call", "session"]), ["weekly[1].types[2]"]),
        (weekly(colour="red", until="12:00"), ["weekly[1].colour", "weekly[1].until"]),
        ({**HOURS, "weekly": [TUESDAY, None, "tue", []]}, ["weekly[1]", "weekly[2]", "weekly[3]"]),
        ({**HOURS, "weekly": [{}]}, [f"weekly[0].{name}" for name in ("weekday", "from", "to", "types")]),
        ({**HOURS, "overrides": [*HOURS["overrides"], HOURS["overrides"][0]]}, ["overrides[2].date"]),
        (override(windows=None), ["overrides[2].windows"]),
        (override(windows=[WINDOW, {**WINDOW, "to": "24:30", "weekday": "mon"}]),
         ["overrides[2].windows[1].weekday", "overrides[2].windows[1].to"]),
        (override(types=["session"]), ["overrides[2].types"]),
        ({**HOURS, "overrides": [{"date": "2026-04-01"}]}, ["overrides[0].windows"]),
    ]  # fmt: skip
    found += [(override(date=day), ["overrides[2].date"]) for day in NO_DATES]
    for moment in NO_INSTANTS:
        found.append((away(starts_at=moment), ["time_off[1].starts_at"]))
        found.append((away(ends_at=moment), ["time_off[1].ends_at"]))
    found += [(away(ends_at=end), ["time_off[1].ends_at"]) for end in NO_ENDS]
    found += [(away(reason=reason), ["time_off[1].reason"]) for reason in NO_REASONS]
    found.append((away(why="x"), ["time_off[1].why"]))
    for name, values in NO_SETTINGS.items():
        for value in values + NO_NUMBERS:
            found.append((setting(name, value), [f"settings.session.{name}"]))
    found += [
        (setting("step", None, "intro_call"), ["settings.intro_call.step"]),
        (setting("colour", 1), ["settings.session.colour"]),
        (setting("step", 1, "tea"), ["settings.tea"]),
        ({**HOURS, "settings": {"session": None}}, ["settings.session"]),
        ({**HOURS, "settings": []}, ["settings"]),
        ({**HOURS, "hours": []}, ["hours"]),
        ({**HOURS, "time_zone": "Europe/Paris"}, ["time_zone"]),
        ({**HOURS, "time_zone": "Mars/Olympus"}, ["time_zone"]),
        ({**HOURS, "time_zone": None}, ["time_zone"]),
        ({**HOURS, "weekly": [TUESDAY] * 10_000}, ["weekly"]),
        ({**HOURS, "overrides": [0] * 10_000}, ["overrides"]),
        (override(windows=[0] * 10_000), ["overrides[2].windows"]),
        (weekly(types=["session"] * 10_000), ["weekly[1].types"]),
        ([], ["body"]),
        ("always", ["body"]),
        (None, ["body"]),
    ]
    for part in ("weekly", "overrides", "time_off", "settings"):
        found += [({**HOURS, part: value}, [part]) for value in (None, "always", 7)]
    return found


async def test_wrong_lines_are_named_and_nothing_changes(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist()
    await saved(api, HOURS)
    before = await api.get(HOURS_OF_ANA, headers=DESK)
    documents = wrong_documents()
    assert len(documents) > 150
    for document, fields in documents:
        answer = await api.put(HOURS_OF_ANA, json=document, headers=DESK)
        assert fields_of(answer) == fields, str(document)[-300:]
    assert (await api.get(HOURS_OF_ANA, headers=DESK)).content == before.content


async def test_what_json_can_say_and_nobody_means(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist()
    await saved(api, HOURS)
    before = await api.get(HOURS_OF_ANA, headers=DESK)
    half = b'{"time_off": [{"starts_at": "2026-03-24T00:00Z", "ends_at": "2026-03-25T00:00Z", "reason": "\\ud800"}]}'
    for raw, field in (
        (half, "time_off[0].reason"),
        (b'{"\\ud800": 1}', "'\\ud800'"),
        (b'{"weekly": [], "a\\u0000b": 1}', "'a\\x00b'"),
        (b'{"' + b"x" * 5_000 + b'": 1}', f"'{'x' * 100}'"),
        (b'{"settings": {"session": {"step": NaN}}}', "settings.session.step"),
        (b'{"settings": {"session": {"step": 1e999}}}', "settings.session.step"),
        (b'{"weekly": ' + b"[" * 500 + b"]" * 500 + b"}", "weekly[0]"),
        (b'{"weekly": ' + b"[" * 50_000, "body"),
        (b'{"settings": {"session": {"step": ' + b"9" * 5_000 + b"}}}", "body"),
        (b"", "body"),
        (b'{"weekly": [', "body"),
    ):
        answer = await api.put(
            HOURS_OF_ANA, content=raw, headers={**DESK, "Content-Type": "application/json"}
        )  # fmt: skip
        assert fields_of(answer) == [field], raw[:100]
    assert (await api.get(HOURS_OF_ANA, headers=DESK)).content == before.content


async def test_every_wrong_line_is_named_at_once(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist()
    document = {
        "weekly": [TUESDAY, {**TUESDAY, "weekday": "funday"}, {**TUESDAY, "to": "25:00", "types": []}],
        "overrides": [HOURS["overrides"][0], {**HOURS["overrides"][0], "windows": [{**WINDOW, "from": "x"}]}],
        "time_off": [{**AWAY, "ends_at": AWAY["starts_at"]}],
        "settings": {"session": {"step": 0, "duration": -1}, "intro_call": {"horizon_days": "60"}},
    }
    answer = await api.put(HOURS_OF_ANA, json=document, headers=DESK)
    assert sorted(fields_of(answer)) == sorted(
        [
            "weekly[1].weekday",
            "weekly[2].to",
            "weekly[2].types",
            "overrides[1].date",
            "overrides[1].windows[0].from",
            "time_off[0].ends_at",
            "settings.session.step",
            "settings.session.duration",
            "settings.intro_call.horizon_days",
        ]
    )
    assert all(line["message"] for line in answer.json()["errors"])
    # However much is wrong, the answer stays readable.
    many = [{"weekday": "funday"}] * 4_000
    assert len(fields_of(await api.put(HOURS_OF_ANA, json={"weekly": many}, headers=DESK))) == 500


@pytest.mark.parametrize(
    "zone",
    ["Mars/Olympus", "EDT", "America", "", " UTC", "../UTC", "localtime", "right/UTC", "x" * 65, None, 5, ["UTC"]],
)
async def test_a_zone_that_nobody_knows_is_refused(api: httpx.AsyncClient, rows: Rows, zone: Any) -> None:
    await rows.therapist()
    before = await api.get("/v1/therapists/ana", headers=DESK)
    answer = await api.patch("/v1/therapists/ana", json={"name": "Anna", "time_zone": zone}, headers=DESK)
    assert fields_of(answer) == ["time_zone"]
    assert (await api.get("/v1/therapists/ana", headers=DESK)).content == before.content
    if isinstance(zone, str):
        asked = {"type": "session", "time_zone": zone}
        assert fields_of(await api.get("/v1/therapists/ana/slots", params=asked)) == ["time_zone"]

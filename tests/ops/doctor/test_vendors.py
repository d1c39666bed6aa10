"""Stripe, SendGrid, addresses and disks, each broken in turn: found, named, and told what to do."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.doctor import addresses, anchors
from ops.doctor.checks import Hidden
from ops.doctor.clocks import told_by
from ops.doctor.findings import Verdict, wrong
from ops.doctor.stripe import PATH
from sandbox.sendgrid.account import MailAccount
from sandbox.stripe.webhooks import DEFAULT_EVENTS
from tests.local.environment import PRODUCTION
from tests.ops.doctor.deployment import API, Break, Deployment, look, troubles

OF_VENDORS = ("stripe", "sendgrid")
_UNPROVED = {"practice.example": False}


def _failed(one: Deployment) -> None:
    now = int(datetime.now(UTC).timestamp())
    one.store.put("event", {"id": "evt_1", "object": "event", "type": "customer.deleted", "created": now})
    one.store.put("delivery", {"id": "evt_1", "type": "customer.deleted", "status": "failed"})
    one.store.commit()


def _disabled(one: Deployment) -> None:
    one.store.put("endpoint", {**(one.store.get("endpoint", "webhook") or {}), "status": "disabled"})
    one.store.commit()


async def test_a_deployment_as_it_should_be_has_nothing_wrong(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = deployment.read(monkeypatch, EMAIL_FROM="care@practice.example", ANCHOR_FILE=str(tmp_path / "anchors"))
    found = await look(settings, "database", "keys", "stripe", "sendgrid", "addresses", "anchors")
    assert [str(each) for each in troubles(found)] == []
    assert {each.about for each in found} >= {
        *("database", "database schema", "database extension", "database rights", "database role", "database clock"),
        *("payload keys", "chain keys", "stripe", "stripe webhook", "stripe events", "stripe clock"),
        *("sendgrid", "sendgrid webhook", "sendgrid clock", "mail sender", "api", "anchor file", "temporary folder"),
    }
    assert not (tmp_path / "anchors").exists(), "it only looks"


@pytest.mark.parametrize(
    "row",
    [
        (lambda one: one.stripe_endpoint(url=None), "stripe webhook", "no endpoint leads to this API", API),
        (lambda one: one.stripe_endpoint(url=f"https://other.example{PATH}"), "stripe webhook", "no endpoint", API),
        (
            lambda one: one.stripe_endpoint(events=[*DEFAULT_EVENTS, "charge.refund.updated"]),
            "stripe webhook",
            "does not get charge.dispute.funds_reinstated",
            "choose these events",
        ),
        (
            _disabled,
            "stripe webhook",
            "is disabled",
            "enable it",
        ),
        (_failed, "stripe events", "1 of the last day were not taken", "STRIPE_WEBHOOK_SECRET"),
        (lambda one: one.mail_endpoint(None), "sendgrid webhook", "no event webhook leads to this API", API),
        (lambda one: one.account(MailAccount(events=("bounce",))), "sendgrid webhook", "does not get", "choose"),
        (lambda one: one.account(MailAccount(signed=False)), "sendgrid webhook", "are not signed", "signature on"),
        (lambda one: one.account(MailAccount(enabled=False)), "sendgrid webhook", "is switched off", "enable"),
        (lambda one: one.account(MailAccount(domains={})), "mail sender", "has authenticated practice.example", "DKIM"),
        (lambda one: one.account(MailAccount(domains=_UNPROVED)), "mail sender", "is not valid", "DNS"),
        (lambda one: setattr(one, "ready", 503), "api", 'answers 503: {"engine":"unavailable"}', "mend what it names"),
    ],
)  # fmt: skip
async def test_what_is_broken_is_told(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, row: tuple[Break, str, str, str]
) -> None:
    broken, about, says, todo = row
    broken(deployment)
    [finding] = troubles(await look(deployment.read(monkeypatch), *OF_VENDORS, "addresses"))
    assert (finding.about, finding.verdict) == (about, Verdict.WRONG)
    assert says in finding.said
    assert todo in finding.todo


async def test_an_event_webhook_that_another_key_signs_is_told(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {"SENDGRID_WEBHOOK_PUBLIC_KEY": PRODUCTION["SENDGRID_WEBHOOK_PUBLIC_KEY"]}
    [finding] = troubles(await look(deployment.read(monkeypatch, **other), "sendgrid"))
    assert "signed by another key" in finding.said


async def test_what_a_key_may_not_read_is_a_warning(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment.account(MailAccount(scopes=("mail.send",)))
    found = troubles(await look(deployment.read(monkeypatch), "sendgrid"))
    assert [(each.about, each.verdict) for each in found] == [
        ("mail sender", Verdict.WARNING),
        ("sendgrid webhook", Verdict.WARNING),
    ]
    deployment.account(MailAccount(scopes=("stats.read",)))
    assert "may not send mail" in troubles(await look(deployment.read(monkeypatch), "sendgrid"))[0].said


async def test_keys_that_nobody_knows_and_vendors_that_are_away(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = f"http://127.0.0.1:{deployment.given['SANDBOX_PORT']}"
    unknown = {
        "STRIPE_API_KEY": "no-key-of-theirs", "STRIPE_API_BASE": f"{sandbox}/stripe",
        "SENDGRID_API_KEY": "nor-this", "SENDGRID_API_HOST": f"{sandbox}/sendgrid",
    }  # fmt: skip
    found = troubles(await look(deployment.read(monkeypatch, **unknown), *OF_VENDORS))
    assert [str(each).split(" -> ")[0] for each in found] == [
        "wrong   stripe: it does not know the key",
        "wrong   sendgrid: it does not know the key",
    ]
    away = {"STRIPE_API_BASE": "http://127.0.0.1:1", "SENDGRID_API_HOST": "http://127.0.0.1:1"}
    found = troubles(await look(deployment.read(monkeypatch, **away), *OF_VENDORS))
    assert [(each.about, each.said.split(" (")[0]) for each in found] == [
        ("stripe", "it is not reached"),
        ("sendgrid", "it is not reached"),
    ]


def test_clocks_that_differ() -> None:
    now = datetime(2026, 11, 30, 9, tzinfo=UTC)
    told = {
        apart: told_by("stripe", now + timedelta(seconds=apart), between=(now, now + timedelta(seconds=1)))
        for apart in (-61, -6, 0, 1, 7, 62)
    }
    assert [told[apart].verdict for apart in told] == [
        *(Verdict.WRONG, Verdict.WARNING, Verdict.OK, Verdict.OK, Verdict.WARNING, Verdict.WRONG)
    ]
    assert told[-61].said == "it is 61 s behind this machine's"
    assert told[62].said == "it is 61 s ahead of this machine's"


async def test_anchors_that_go_nowhere_and_files_that_cannot_be_written(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    [finding] = troubles(await look(deployment.read(monkeypatch), "anchors"))
    assert (finding.about, finding.verdict) == ("anchors", Verdict.WARNING)
    for path, says in ((tmp_path, "is a folder"), (tmp_path / "none" / "anchors", "is not there")):
        [finding] = troubles(await look(deployment.read(monkeypatch, ANCHOR_FILE=str(path)), "anchors"))
        assert says in finding.said
    monkeypatch.setattr(os, "access", lambda *_: False)
    [finding] = troubles(await look(deployment.read(monkeypatch, ANCHOR_FILE=str(tmp_path / "anchors")), "anchors"))
    assert "cannot be written" in finding.said
    monkeypatch.undo()


async def test_disks_that_are_nearly_full(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(anchors, "LEAST_FOR_ANCHORS", 2**80)
    monkeypatch.setattr(anchors, "LEAST_FOR_UPLOADS", 2**80)
    settings = deployment.read(monkeypatch, ANCHOR_FILE=str(tmp_path / "anchors"))
    assert [(each.about, each.verdict) for each in troubles(await look(settings, "anchors"))] == [
        ("anchor file", Verdict.WRONG),
        ("temporary folder", Verdict.WARNING),
    ]


async def test_a_provider_of_sign_ins_that_names_itself_otherwise(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    oidc = {
        "OIDC_ISSUER": f"http://127.0.0.1:{deployment.given['API_PORT']}",
        "OIDC_CLIENT_ID": "care", "OIDC_CLIENT_SECRET": "care",
    }  # fmt: skip
    [finding] = troubles(await look(deployment.read(monkeypatch, **oidc), "addresses"))
    assert (finding.about, finding.verdict) == ("sign-in provider", Verdict.WRONG)


async def test_what_answers_too_late_or_breaks_ends_no_other_check(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = deployment.read(monkeypatch)
    monkeypatch.setattr(addresses, "_own_api", lambda _: 1 / 0)
    found = await look(settings, "stripe", "addresses", "anchors")
    assert [str(each).split(" ->")[0] for each in found if each.about == "addresses"] == [
        "wrong   addresses: it could not be looked at (ZeroDivisionError: division by zero)"
    ]
    assert {each.about for each in found} >= {"stripe", "anchors"}
    late = await look(settings, "database", within=0.0)
    assert [each.said for each in late] == ["it was not done within 0 s"]


async def test_no_line_shows_a_secret(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "SENDGRID_API_KEY": PRODUCTION["SENDGRID_API_KEY"],
        "DATABASE_URL": "postgresql://app:hunter2@db.test/care",
    }
    settings = deployment.read(monkeypatch, PAYLOAD_KEYS=PRODUCTION["PAYLOAD_KEYS"], **given)
    [_, key] = PRODUCTION["PAYLOAD_KEYS"].split(":")
    said = f"no such key: {given['SENDGRID_API_KEY']}, nor {key}"
    told = Hidden(settings).of(wrong("sendgrid", said, f"use {given['DATABASE_URL']} with hunter2"))
    assert (told.said, told.todo) == ("no such key: ***, nor ***", "use *** with ***")

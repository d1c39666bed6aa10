"""Addresses at which nothing arrives: refused where mails are sent, and taken on one machine."""

from dataclasses import replace

from fastapi import FastAPI

from tests.api.conftest import ROOT, asking, fields_of
from tests.care.rows import Rows

BODY = {"name": "Ivo", "email": "ivo@practice.test", "roles": ["care_team"]}


async def test_an_address_of_a_test_domain_is_refused_where_mails_are_sent(
    app: FastAPI, full_app: FastAPI, rows: Rows
) -> None:
    async with asking(app) as local:
        assert (await local.post("/v1/staff", json=BODY, headers=ROOT)).status_code == 201
    before = full_app.state.services
    full_app.state.services = replace(app.state.services, settings=before.settings)
    try:
        async with asking(full_app) as production:
            refused = await production.post("/v1/staff", json=BODY, headers=ROOT)
    finally:
        full_app.state.services = before
    assert fields_of(refused) == ["email"]
    assert "must not end in .test: no mail arrives at such a name" in refused.json()["detail"]

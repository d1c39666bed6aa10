"""Taking second factors away on the command line, as an operator does it."""

import os
import subprocess
import sys
from typing import Any
from uuid import uuid4

from local.processes import ROOT
from models import database
from models.tables import SecondFactor
from rules.accounts.second_factors import FactorKind
from rules.enums import Role
from tests.care.defaults import ROW_KEYS
from tests.care.rows import NOW, Rows


def run(url: str, email: str) -> tuple[int, str, str]:
    said = subprocess.run(
        [sys.executable, "-m", "ops.second_factor", email],
        cwd=ROOT, env={**os.environ, "DATABASE_URL": url}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return said.returncode, said.stdout.strip(), said.stderr.strip()


async def test_it_says_what_came_of_it(database_url: str) -> None:
    engine = database.connect(database_url)
    rows = Rows(database.session_factory(engine, rows=ROW_KEYS))
    root = await rows.staff("root-person", Role.ADMIN, password="correct horse battery")
    made: Any = {
        "account_id": root.id,
        "kind": FactorKind.TOTP,
        "made_at": NOW,
        "confirmed_at": NOW,
        "secret": "a secret",
    }
    passkey = made | {"kind": FactorKind.PASSKEY, "credential_hash": "0" * 64, "sign_count": 0, "backed_up": False}
    await rows.add(SecondFactor(id=root.id, **made), SecondFactor(id=uuid4(), **passkey))
    without = "root-person@practice.example signs in with the password alone now, everywhere anew."
    assert run(database_url, "root-person@practice.example") == (0, without, "")
    unknown = "Nobody of the practice signs in with nobody@practice.example."
    assert run(database_url, "nobody@practice.example") == (1, "", unknown)
    kept = await rows.snapshot("second_factor", "outbox")
    assert str(kept["second_factor"]).count('"ended_by":"ops.second_factor"') == 2
    assert str(kept["second_factor"]).count('"credential_hash":null') == 2
    assert len(kept["outbox"]) == 1
    await engine.dispose()

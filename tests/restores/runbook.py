"""The runbook's own commands: the shell blocks of ``docs/production.md``, run as they stand there."""

import asyncio
import os
import re
import sys
from base64 import b64encode
from pathlib import Path

from local.postgres_user import programs_for, system_user
from local.processes import ROOT, Log
from tests.care.defaults import CHAIN_KEYS, ROW_KEYS
from tests.care.house import KEYS
from tests.restores.stores import Stores

PAGE = ROOT / "docs/production.md"
_PROGRAMS = Path(sys.executable).parent  # python, temporal


def blocks(title: str) -> list[str]:
    """The blocks of commands under a title, in order, up to the next one."""
    page = PAGE.read_text()
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#+ |\Z)", page, re.MULTILINE | re.DOTALL)
    assert found, title
    commands = re.findall(r"^```\n(.*?)^```$", found[2], re.MULTILINE | re.DOTALL)
    assert commands, title
    return commands


async def follow(stores: Stores, block: str, **variables: str) -> str:
    """Run a block as an operator pastes it, on a machine of the practice; answers what it said. Nothing in it fails."""
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-euc",
        block,
        env=_environment(stores) | variables,
        cwd=stores.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), timeout=60)
    assert process.returncode == 0, f"{block}\n{said.decode()}"
    return said.decode()


def _environment(stores: Stores) -> dict[str, str]:
    postgres = programs_for(system_user(), Log(console=False))
    [(chain, chain_key)] = CHAIN_KEYS.keys
    return {
        **os.environ,
        "PATH": os.pathsep.join((str(_PROGRAMS), str(postgres), os.environ["PATH"])),
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": stores.url,
        "DATABASE_OWNER_URL": stores.postgres.owner_url(stores.database),
        "TEMPORAL_ADDRESS": stores.address,
        "PAYLOAD_KEYS": ",".join(f"{name}:{b64encode(key).decode()}" for name, key in (*KEYS.keys, *ROW_KEYS.keys)),
        "CHAIN_KEYS": f"{chain}:{b64encode(chain_key).decode()}",
    }

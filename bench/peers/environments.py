"""An environment for each peer, made of its pinned requirements when it is first needed, and when they change."""

import asyncio
import hashlib
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
MADE = HERE.parents[1] / ".data" / "peers"
PEERS = ("procrastinate", "dbos")


async def python_of(peer: str) -> Path:
    """The Python in which a peer's programs run. Raises RuntimeError with what `pip` said if it cannot be made."""
    requirements, folder = HERE / peer / "requirements.txt", MADE / peer
    stamp, wanted = folder / ".installed", hashlib.sha256(requirements.read_bytes()).hexdigest()
    python = folder / "bin/python"
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"  making the environment of {peer} ...", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    await _run(sys.executable, "-m", "venv", str(folder))
    quietly = ("--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes")
    await _run(str(python), "-m", "pip", "install", *quietly, "-r", str(requirements))
    stamp.write_text(wanted)
    return python


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    if process.returncode:
        message = f"{' '.join(command)} ended with {process.returncode}: {said.decode(errors='replace')}"
        raise RuntimeError(message)

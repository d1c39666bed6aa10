"""Write the three files of settings with new keys and passwords: ``python3 -m ops.deployment.fill FOLDER``.

It needs nothing but Python. ``pages.env`` is all that the pages get, ``settings.env`` is for worker and API beside it,
``owner.env`` for migrations and backups alone; each can be read by its owner only. What is still empty there is for you
to fill in: addresses, the practice, and what Stripe and SendGrid give. It writes over nothing. Exit code 2: one of the
files is there already.
"""

import argparse
import base64
import os
import re
import secrets
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGES, SETTINGS, OWNER = FILES = "pages.env", "settings.env", "owner.env"
DATABASE = "127.0.0.1:5432/care_journeys"


def made(now: datetime) -> dict[str, str]:
    """What nobody has to think of, by setting. Keys are named after the year."""
    owner, app, pages = (secrets.token_urlsafe(32) for _ in range(3))
    return {
        "DATABASE_URL": f"postgresql://care_app:{app}@{DATABASE}",
        "DATABASE_OWNER_URL": f"postgresql://care_owner:{owner}@{DATABASE}",
        "CARE_OWNER_PASSWORD": owner,
        "CARE_APP_PASSWORD": app,
        "POSTGRES_PASSWORD": secrets.token_urlsafe(32),
        "ENGINE_DATABASE_PASSWORD": secrets.token_urlsafe(32),
        "PAYLOAD_KEYS": _key(now),
        "CHAIN_KEYS": _key(now),
        "API_KEYS": f"booking_site:pages:{pages}",
        "SITE_API_KEY": pages,
    }


def _key(now: datetime) -> str:
    return f"{now.year}a:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def filled(example: str, values: Mapping[str, str]) -> str:
    """The example with these values where it has none."""
    return re.sub(r"^([A-Z_]+)=$", lambda line: f"{line[1]}={values.get(line[1], '')}", example, flags=re.MULTILINE)


def main(folder: Path) -> int:
    values = made(datetime.now(UTC))
    for name in FILES:
        if (folder / name).exists():
            print(f"{folder / name} is there already, and is not written over.", file=sys.stderr)
            return 2
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        text = filled((HERE / f"{name}.example").read_text(), values)
        with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        empty = re.findall(r"^([A-Z_]+)=$", text, re.MULTILINE)
        print(f"{folder / name}: {'still empty are ' + ', '.join(empty) if empty else 'nothing is left to fill in'}.")
    return 0


if __name__ == "__main__":
    asked = argparse.ArgumentParser(prog="python3 -m ops.deployment.fill", description=__doc__)
    asked.add_argument("folder", type=Path, help="where the three files are written")
    sys.exit(main(asked.parse_args().folder))

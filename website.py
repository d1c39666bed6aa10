"""The pages: ``python website.py``, as many as needed behind one address. They know the API and nothing else."""

import sys

import structlog
import uvicorn

from web.app import create_app
from web.settings import WrongSettings, read_settings

log = structlog.get_logger("pages")


def main() -> int:
    try:
        settings = read_settings()
    except WrongSettings as wrong:
        print(wrong, file=sys.stderr)
        return 2
    log.info("Serving", address=settings.site_url)
    uvicorn.run(
        create_app(settings),
        host=settings.web_host,
        port=settings.web_port,
        access_log=False,
        server_header=False,
        log_level="warning",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

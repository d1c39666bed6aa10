"""The pages: ``python website.py``, as many as needed behind one address. They know the API and nothing else."""

import sys

import structlog
import uvicorn
from pydantic import ValidationError

from web.app import create_app
from web.settings import WebSettings

log = structlog.get_logger("pages")


def main() -> int:
    try:
        settings = WebSettings()
    except ValidationError as error:
        for one in error.errors():
            name = "_".join(str(part) for part in one["loc"]).upper()
            print(f"{name}: {one['msg']}" if name else one["msg"], file=sys.stderr)
        return 1
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

"""Where a browser is sent back to from elsewhere: an address of the pages, and no other."""

import re

_PLAIN = re.compile(r"[A-Za-z0-9._~:/?\[\]!$&'()*+,;=%-]*")
_UPWARDS = re.compile(r"/(\.|%2e){1,2}(?=[/?]|$)", re.IGNORECASE)  # what a browser takes out of a path


def lies_below(wanted: str, base: str) -> bool:
    """Whether an address is this one of ours, or lies below it, however a browser reads it."""
    if not base or _PLAIN.fullmatch(wanted) is None or _UPWARDS.search(wanted):
        return False
    return wanted == base or wanted.startswith((f"{base}/", f"{base}?"))

"""What somebody signed in with, in words: of what browsers say of themselves (``User-Agent``)."""

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "a Mac"),
    ("CrOS", "a Chromebook"),
    ("Linux", "Linux"),
)


def device(agent: str | None) -> str:
    """``Chrome on Android``; what says nothing that is known here is told as it is."""
    browser = next((name for sign, name in _BROWSERS if sign in (agent or "")), None)
    system = next((name for sign, name in _SYSTEMS if sign in (agent or "")), None)
    if browser is None:
        return agent or "A browser"
    return f"{browser} on {system}" if system else browser

"""Clocks of this machine and of others: signatures are refused when they differ by minutes, and charges are early."""

from datetime import datetime, timedelta

from ops.doctor.findings import Finding, ok, warning, wrong

BARELY = timedelta(seconds=5)  # who sees both sees it
TOO_MUCH = timedelta(seconds=60)  # signed events are good for 300 s, and their way takes time as well
_TODO = "let both machines set their clocks by NTP (chrony, systemd-timesyncd), and see that they do"


def told_by(whose: str, says: datetime, *, between: tuple[datetime, datetime], by: timedelta = timedelta()) -> Finding:
    """``says``: what the other clock showed at some moment between these two of ours. ``by``: how exactly it tells."""
    earliest, latest = between
    apart = max(earliest - by - says, says - latest - by, timedelta())
    about = f"{whose} clock"
    said = f"it is {apart.total_seconds():.0f} s {'behind' if says < earliest else 'ahead of'} this machine's"
    if apart >= TOO_MUCH:
        return wrong(about, said, _TODO)
    if apart >= BARELY:
        return warning(about, said, _TODO)
    return ok(about, "it agrees with this machine's")

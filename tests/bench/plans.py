"""How PostgreSQL carries out what is asked of it: each statement's plan with the rows that it read, told as a notice
by its own ``auto_explain``. So they are the plans of the programs' prepared statements, of triggers and of checks of
keys too."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Pool, event

_MARK = "plan:\n"
TOLD = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_level": "notice",
    "auto_explain.log_format": "json",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_nested_statements": "on",
}
"""Settings of a database whose connections tell."""


@dataclass(frozen=True)
class Carried:
    """One statement, as it was carried out."""

    statement: str
    plan: dict[str, Any]

    def rows_read(self) -> Counter[str]:
        """By table, whether they were of use or not."""
        read = Counter[str]()
        for node in self._scans():
            read[node["Relation Name"]] += round(sum(node.get(name, 0) for name in _READ) * node["Actual Loops"])
        return read

    def read_whole(self) -> set[str]:
        """The tables that no index led into: they were read from end to end."""
        return {node["Relation Name"] for node in self._scans() if node["Node Type"] == "Seq Scan"}

    def _scans(self) -> Iterator[dict[str, Any]]:
        return (node for node in _nodes(self.plan) if node["Node Type"] in _SCANS and node["Actual Loops"])


_SCANS = ("Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan", "Tid Scan")
_READ = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for part in node.get("Plans", ()):
        yield from _nodes(part)


@contextmanager
def carried_out() -> Iterator[list[Carried]]:
    """What connections that are made inside the block carry out, in order."""
    found: list[Carried] = []

    def note(diagnostic: Any) -> None:
        before, mark, told = (diagnostic.message_primary or "").partition(_MARK)
        if mark and before.startswith("duration:"):
            plan = json.loads(told)
            found.append(Carried(" ".join(plan["Query Text"].split()), plan["Plan"]))

    def connected(connection: Any, _record: Any) -> None:
        connection.driver_connection.add_notice_handler(note)

    event.listen(Pool, "connect", connected)
    try:
        yield found
    finally:
        event.remove(Pool, "connect", connected)

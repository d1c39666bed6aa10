"""What a migration takes from the release before it, by comparing the catalogs of a database before and after."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
  a.atthasdef OR a.attidentity <> '', a.attgenerated <> ''
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
"""
_CONSTRAINTS = """
SELECT c.relname, n.conname, n.contype::text, pg_get_constraintdef(n.oid), ARRAY(
  SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = n.conrelid AND a.attnum = ANY (n.conkey))
FROM pg_constraint n JOIN pg_class c ON c.oid = n.conrelid
WHERE c.relnamespace = 'public'::regnamespace AND n.contype IN ('c', 'f', 'p', 'u', 'x')
"""
_UNIQUE_INDEXES = """
SELECT c.relname, i.relname, 'u', pg_get_indexdef(i.oid), ARRAY(
  SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey))
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
WHERE c.relnamespace = 'public'::regnamespace AND x.indisunique
  AND NOT EXISTS (SELECT FROM pg_constraint n WHERE n.conindid = x.indexrelid AND n.conrelid = x.indrelid)
"""
_TRIGGERS = """
SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal
"""
_FUNCTIONS = """
SELECT proname, pg_get_function_identity_arguments(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = pg_proc.oid AND d.deptype = 'e')
"""
_WIDER = {("smallint", "integer"), ("smallint", "bigint"), ("integer", "bigint")}
_VARYING = re.compile(r"character varying(?:\((\d+)\))?|text")
_WORDS = re.compile(r"'([^']*)'::")


@dataclass(frozen=True)
class Column:
    type: str
    required: bool
    default: bool
    generated: bool


@dataclass(frozen=True)
class Constraint:
    kind: str
    definition: str
    columns: tuple[str, ...]

    @property
    def words(self) -> set[str]:
        return set(_WORDS.findall(self.definition)) if self.kind == "c" else set()


@dataclass
class Catalog:
    """``columns`` by table and name, ``constraints`` and ``triggers`` likewise."""

    columns: dict[tuple[str, str], Column] = field(default_factory=dict)
    constraints: dict[tuple[str, str], Constraint] = field(default_factory=dict)
    triggers: set[tuple[str, str]] = field(default_factory=set)
    functions: set[tuple[str, str]] = field(default_factory=set)

    @property
    def tables(self) -> set[str]:
        return {table for table, _ in self.columns}


def catalog_of(connection: Connection) -> Catalog:
    def rows(query: str) -> list[Any]:
        return list(connection.execute(text(query)))

    return Catalog(
        columns={(table, name): Column(*said) for table, name, *said in rows(_COLUMNS)},
        constraints={
            (table, name): Constraint(kind, definition, tuple(columns))
            for table, name, kind, definition, columns in (*rows(_CONSTRAINTS), *rows(_UNIQUE_INDEXES))
        },
        triggers={(table, name) for table, name in rows(_TRIGGERS)},
        functions={(name, arguments) for name, arguments in rows(_FUNCTIONS)},
    )


def taken(before: Catalog, after: Catalog, *, leaving: Collection[str] = (), coming: Collection[str] = ()) -> list[str]:
    """What code that was made for ``before`` would miss in ``after``, a sentence each; ``leaving``, ``coming``: as the
    release before recorded them."""
    used = {table for table in before.tables if table not in leaving}
    found = [f"the table {table} is gone" for table in sorted(used - after.tables)]
    used &= after.tables
    for (table, name), was in sorted(before.columns.items()):
        if table in used and f"{table}.{name}" not in leaving:
            found += _of_column(f"{table}.{name}", was, after.columns.get((table, name)), coming)
    for (table, name), new in sorted(after.columns.items()):
        must_be_given = new.required and not (new.default or new.generated)
        if table in used and (table, name) not in before.columns and must_be_given:
            found.append(f"the new column {table}.{name} must be given, and old code does not know it")
    found += _of_constraints(before, after, used, leaving, coming)
    found += [
        f"the trigger {name} of {table} is gone"
        for table, name in sorted(before.triggers - after.triggers)
        if table in used
    ]
    return found + [f"the function {name} is gone" for name, _ in sorted(before.functions - after.functions)]


def _of_column(called: str, was: Column, now: Column | None, coming: Collection[str]) -> list[str]:
    if now is None:
        return [f"the column {called} is gone"]
    found = []
    if not _takes_all_of(was.type, now.type):
        found.append(f"the column {called} was {was.type}, and is {now.type}")
    if now.required and not was.required and f"{called}: not null" not in coming:
        found.append(f"the column {called} may not be null any more")
    if was.default and not now.default and now.required:
        found.append(f"the column {called} has lost its default")
    if now.generated and not was.generated:
        found.append(f"the column {called} cannot be written any more")
    return found


def _takes_all_of(was: str, now: str) -> bool:
    if was == now or (was, now) in _WIDER:
        return True
    narrow, wide = _VARYING.fullmatch(was), _VARYING.fullmatch(now)
    if narrow is None or wide is None:
        return False
    return wide[1] is None or (narrow[1] is not None and int(narrow[1]) <= int(wide[1]))


def _of_constraints(
    before: Catalog, after: Catalog, used: set[str], leaving: Collection[str], coming: Collection[str]
) -> list[str]:
    found = []
    for (table, name), was in sorted(before.constraints.items()):
        now = after.constraints.get((table, name))
        if table not in used or any(f"{table}.{column}" in leaving for column in was.columns):
            continue
        if now is None:
            found.append(f"the constraint {name} of {table} is gone")
        elif now.definition != was.definition:
            new = now.words - was.words
            if not was.words or was.words - now.words or not new:
                found.append(f"the constraint {name} of {table} has changed")
            found += [
                f"{table} takes the word {word!r} by {name}, which old code cannot read"
                for word in sorted(new)
                if was.words and f"{name}: {word}" not in coming
            ]
    for (table, name), now in sorted(after.constraints.items()):
        if table in used and (table, name) not in before.constraints and name not in coming:
            old = [column for column in now.columns if (table, column) in before.columns]
            alike = now.kind in "pux" and any(after.columns[table, column].default for column in now.columns)
            if old or alike or not now.columns:
                found.append(f"the new constraint {name} of {table} may refuse what old code writes")
    return found

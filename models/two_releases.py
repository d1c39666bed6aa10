"""What is on its way between code and database, because the release before still runs while a new one is rolled out.

What goes takes two releases: one that does not use it any more, and names it here; and the next, which drops it, and
takes its name out again. A new word takes two as well: one whose code reads it, and names it here; and the next, whose
migration lets the database take it, so that it can be written. So does what becomes stricter: one release keeps to it.
"""

LEAVING: frozenset[str] = frozenset()
"""Tables (``table``) and columns (``table.column``) that the database still has and code has not. The columns have a
default, or may be null."""

COMING: frozenset[str] = frozenset()
"""Words (``constraint: word``) that code has and the check constraint of their column does not yet let in; constraints
(``constraint``) and columns that may not be null (``table.column: not null``) which code keeps to and the database does
not yet demand."""

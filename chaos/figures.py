"""The figures of a run as tables for a person."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from chaos.promises import shown
from chaos.run import Figures


def tell(figures: Figures, *, folder: Path) -> None:
    """Print what was seen, and each promise with whether it was kept."""
    console = Console(width=None if Console().is_terminal else 140, highlight=False)
    seen = Table("what", "how often", title="What happened", title_justify="left")
    seen.add_row(f"kills in {figures.stormy:.0f} s", _counted(figures.killed))
    seen.add_row("clicks", _counted(figures.clicked))
    seen.add_row("answers to callers", _counted(figures.answers))
    seen.add_row("the longest that anybody had to ask", f"{figures.slowest:.1f} s")
    seen.add_row("rounds of the keeper", f"{figures.rounds}, the last after {figures.calm:.0f} s of calm")
    seen.add_row("workflows started again, by it or by a request", _counted(figures.resumed))
    seen.add_row("open tasks", _counted(figures.tasks))
    console.print(seen)
    kept = Table("", "promise", "found", title="What was promised", title_justify="left")
    for promise in figures.promises:
        kept.add_row("kept" if promise.kept else "BROKEN", promise.name, promise.found)
    console.print(kept)
    for promise in figures.promises:
        if not promise.kept:
            console.print(f"{promise.name} - BROKEN:", *shown(promise.broken), sep="\n  ", markup=False, soft_wrap=True)
    console.print(f"Every line of every process: {folder / 'chaos.log'}", markup=False, soft_wrap=True)


def _counted(counts: Mapping[str, int]) -> str:
    if not counts:
        return "none"
    several = ", ".join(f"{name} {number}" for name, number in sorted(counts.items()))
    return f"{sum(counts.values())}: {several}"

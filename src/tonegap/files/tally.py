"""A progress bar with counts by status, on terminals only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tonegap.tables import FetchOutcome


@contextmanager
def tally(total: int, what: str) -> Iterator[Callable[[str], None]]:
    """Show progress; yields a function to call with the status of each row as it ends.

    Parameters
    ----------
    total
        Rows to come.
    what
        Name of the work.
    """
    console = Console(stderr=True)
    counts: Counter[str] = Counter()
    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[counts]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal or not total) as bar:
        task = bar.add_task(what, total=total, counts="")

        def note(status: str) -> None:
            counts[status] += 1
            bar.update(task, advance=1, counts=in_words(counts))

        yield note


def in_words(counts: Counter[str]) -> str:
    """List counts by status, the most frequent first."""
    return ", ".join(f"{count} {status}" for status, count in counts.most_common())


def say_counts(rows: Sequence[FetchOutcome], damaged: Sequence[str]) -> None:
    """Print what became of the rows, and files of the store that were found damaged."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print("fetched:", in_words(Counter(row.status for row in rows)))
    if damaged:
        console.print(
            f"{len(damaged)} files of the image store were found damaged, such as {damaged[0]}; "
            "they were not used, and are downloaded again where there is a url"
        )

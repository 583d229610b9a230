"""A count on a terminal while a command works."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


@contextmanager
def counting_progress(things: str) -> Iterator[Callable[[int], None]]:
    """Show how many things are done, if standard error is a terminal.

    Yields the function that sets the number. Standard output may be a file.
    """
    console = Console(stderr=True)
    with Progress(
        SpinnerColumn(),
        TextColumn(f"{{task.completed}} {things}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task(things, total=None)
        yield lambda done: progress.update(task, completed=done)

"""``python -m entrypoints.cli`` is ``restoreclick``."""

from entrypoints.cli import main

main()

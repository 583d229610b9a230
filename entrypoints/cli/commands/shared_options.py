"""Options that several commands share."""

from pathlib import Path

import rich_click as click

#: More rows than a person reads; a larger number could exceed PostgreSQL's own limit and fail like a defect.
MOST_ROWS = 1_000_000

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document a line, for programs.")
env_file_option = click.option(
    "--env-file",
    "env_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(".env"),
    show_default=True,
    help="The file with the settings that the environment does not have.",
)

"""Options that several commands share."""

import rich_click as click

#: More rows than a person reads; a larger number could exceed PostgreSQL's own limit and fail like a defect.
MOST_ROWS = 1_000_000

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document a line, for programs.")

"""A customer's points, printed for staff."""

import click
import msgspec
from rich.table import Table

from domain.use_cases.checkout.points_statement import PointsStatement
from entrypoints.bootstrap.wording import POINTS
from entrypoints.cli.support.console import screen


def show_points(statement: PointsStatement, *, as_json: bool) -> None:
    """Print a customer's referral code, balance and entries."""
    if as_json:
        click.echo(msgspec.json.encode(statement))
        return
    click.echo(f"Referral code {statement.referral_code}, balance {statement.balance:+d}.")
    if statement.lines:
        screen().print(_table(statement))


def _table(statement: PointsStatement) -> Table:
    table = Table("Order", box=None, pad_edge=False)
    table.add_column("Points", justify="right")
    table.add_column("Why")
    for line in statement.lines:
        table.add_row(line.order_number, f"{line.points:+d}", POINTS[line.reason])
    return table

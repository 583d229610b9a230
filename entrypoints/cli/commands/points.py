"""A customer's points, printed for staff."""

import click
import msgspec
from rich.table import Table

from domain.use_cases.checkout.referrals_and_points import PointsStatement
from entrypoints.bootstrap.wording import POINTS
from entrypoints.cli.support.console import screen


def show_points(told: PointsStatement, *, as_json: bool) -> None:
    """Print a customer's referral code, balance and entries."""
    if as_json:
        click.echo(msgspec.json.encode(told))
        return
    click.echo(f"Referral code {told.referral_code}, balance {told.balance:+d}.")
    if told.lines:
        screen().print(_table(told))


def _table(told: PointsStatement) -> Table:
    table = Table("Order", box=None, pad_edge=False)
    table.add_column("Points", justify="right")
    table.add_column("Why")
    for line in told.lines:
        table.add_row(line.order_number, f"{line.points:+d}", POINTS[line.reason])
    return table

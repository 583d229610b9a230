"""The whole shop on this machine, kept running."""

import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from entrypoints.cli.ending import EndedBySignalError, ending_in_order
from entrypoints.cli.local import LocalShop
from entrypoints.cli.screen import screen

#: How often to look after the processes.
LOOK_SECONDS = 0.25


def run(data_dir: Path) -> None:
    """Keep the shop open until a signal ends it; raises CommandFailedError when a part of its world dies."""
    console = screen()
    try:
        with ending_in_order():
            console.print("Opening the shop ...")
            with LocalShop(data_dir) as shop:
                _introduce(console, shop, data_dir)
                while True:
                    for sentence in shop.restart_what_died():
                        console.print(f"[yellow]{sentence}[/yellow]", soft_wrap=True)
                    time.sleep(LOOK_SECONDS)
    except EndedBySignalError:
        console.print("The shop is closed; nothing of it is running any more.")


def _introduce(console: Console, shop: LocalShop, data_dir: Path) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, url in {
        "Shop API": f"{shop.url}/api",
        "Health": f"{shop.url}/health/ready",
        "Stripe twin": shop.addresses["stripe"],
        "Replicate twin": shop.addresses["replicate"],
        "SendGrid twin": shop.addresses["sendgrid"],
        "Mailbox": shop.addresses["mailbox"],
        "S3": shop.addresses["s3"],
        "PostgreSQL": shop.environment["DATABASE_URL"],
        "Data and logs": str(data_dir.resolve()),
    }.items():
        table.add_row(f"[bold]{name}[/bold]", url)
    console.print(table, soft_wrap=True)
    console.print("\nTo try it, in another terminal:", style="bold")
    console.print(_examples(shop), markup=False, soft_wrap=True)
    console.print("Ctrl-C closes the shop; its data stays.")


def _examples(shop: LocalShop) -> str:
    return f"""
  curl -X POST {shop.url}/api/uploads
  curl -X POST "{shop.url}/api/uploads/$SESSION/photos?filename=aunt.jpg" \\
       -H "Content-Type: image/jpeg" --data-binary @aunt.jpg
  curl {shop.url}/api/checkout-sessions --json '{{"session_id": "'$SESSION'"}}'
  # open the address it answers with in a browser, pay, and look into the mailbox
  DATABASE_URL='{shop.environment["DATABASE_URL"]}' restoreclick orders list
"""

"""The `dev` command: the whole shop on this machine, kept running."""

import os
import shlex
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

from entrypoints.cli.support.console import screen
from entrypoints.cli.support.private_file import private_file
from sandbox.demo.local_shop import LocalShop
from sandbox.signal_handling import EndedBySignalError, ending_in_order

#: How often to check the processes.
LOOK_SECONDS = 0.25


def run(data_dir: Path) -> None:
    """Run the local shop until a signal, and restart its processes.

    Raises CommandFailedError when one of its servers ends.
    """
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
    """Print the shop's addresses, each unwrapped so that it can be copied."""
    for name, url in {
        "Home page": f"{shop.url}/",
        "Health": f"{shop.url}/health/ready",
        "Mailbox": shop.addresses["mailbox"],
        "Stripe's twin": f"{shop.addresses['stripe']}/_twin/ledger",
        "Replicate's twin": f"{shop.addresses['replicate']}/_twin/ledger",
        "SendGrid's twin": f"{shop.addresses['sendgrid']}/_twin/ledger",
        "S3": shop.addresses["s3"],
        "PostgreSQL": shop.environment["DATABASE_URL"],
        "Data and logs": str(data_dir.resolve()),
    }.items():
        console.print(Text.assemble((f"{name:<18}", "bold"), url), soft_wrap=True)
    console.print(
        f"\nTo try it, open {shop.url}/ in a browser; or in another terminal:", style="bold", soft_wrap=True
    )
    console.print(_examples(shop, _write_environment(shop, data_dir)), markup=False, soft_wrap=True)
    console.print("Ctrl-C closes the shop; its data stays.")


def _examples(shop: LocalShop, environment_file: Path) -> str:
    uploads = f"{shop.url}/api/uploads"
    return f"""
  SESSION=$(curl -sX POST {uploads} | sed -E 's/.*"session_id":"([^"]+)".*/\\1/')
  curl -X POST "{uploads}/$SESSION/photos?filename=aunt.jpg" \\
       -H "Content-Type: image/jpeg" --data-binary @aunt.jpg
  curl {shop.url}/api/checkout-sessions --json '{{"session_id": "'$SESSION'"}}'
  # open the address it answers with in a browser, pay, and look into the mailbox
  . {shlex.quote(str(environment_file))}    # all that the shop's own processes receive
  {_program()} orders list
"""


def _write_environment(shop: LocalShop, data_dir: Path) -> Path:
    """Write the processes' environment to a file that a shell can source.

    It holds secrets, so only its owner may read it.
    """
    environment_file = data_dir.resolve() / "environment.sh"
    own = {name: value for name, value in shop.environment.items() if os.environ.get(name) != value}
    with private_file(environment_file, replaces=True) as file:
        for name, value in sorted(own.items()):
            file.write(f"export {name}={shlex.quote(value)}\n".encode())
    return environment_file


def _program() -> str:
    """The absolute path of this program, quoted for a shell."""
    return shlex.quote(str(Path(sys.argv[0]).resolve()))

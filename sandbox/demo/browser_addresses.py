"""Pages that a browser can open after a demo."""

import sys
from contextlib import suppress

from sandbox.demo.customer_journey import CustomerJourney


def show_in_browser(visit: CustomerJourney) -> None:
    """List the pages of the order; at a terminal, wait for Enter."""
    shop, board = visit.shop, visit.board
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        board.say("\nOn a terminal, the demo keeps its shop open to be looked at in a browser.")
        return
    pages = {
        "The shop": f"{shop.url}/",
        "This order": f"{shop.url}/api/restoration/status/{visit.order_id}",
        "Its mails": shop.addresses["mailbox"],
    }
    links = [link for mail in visit.mails() if (link := visit.customer.link_in(mail)) is not None]
    if links:
        pages["Its photos"] = links[-1]
    board.say("\nOpen in a browser what the demo did:", "bold")
    for name, address in pages.items():
        board.say(f"  {name:<11} {address}")
    board.say("Press Enter to close the shop.")
    with suppress(EOFError):
        input()

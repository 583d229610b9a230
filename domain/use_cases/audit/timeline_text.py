"""Sentences that need no more than their event and the order: about the payment and about mails."""

from domain.order import events as e
from domain.order.order import DownloadLink, EmailStatus, Order
from domain.order.states import State
from domain.order.values import Client
from domain.use_cases.wording.labels import BROWSERS, DEVICES, MAILS, OPT_OUTS, counted


def of_payment(event: e.PaymentReceived) -> str:
    """What arrived, for how many photos, and what had been quoted if that differs."""
    photos = counted(len(event.photos), "photo")
    number = f"the order got number {event.order_number}"
    price = f"{event.quoted} less {event.discount}" if event.discount.amount else ""
    if event.paid.amount == 0:
        return f"The customer ordered the restoration of {photos} at no charge ({price}); {number}."
    tax = event.tax
    if tax is not None:
        price = f"{price or event.quoted} and {tax} tax"
    due = event.quoted - event.discount
    if event.paid != (due + tax if tax is not None else due):
        price = f"{price or event.quoted} had been quoted"
    noted = f" ({price})" if price else ""
    return f"The customer's payment of {event.paid} for {photos} arrived{noted}; {number}."


def of_mail(
    event: e.EmailSent | e.EmailUnconfirmed | e.EmailFailed,
    actor: str,
    before: Order,
    after: Order,
) -> str:
    """What became of a mail, and of the order with it."""
    mail = MAILS[event.kind]
    match event:
        case e.EmailSent():
            known = before.emails.get(event.email_id)
            was_unconfirmed = known is not None and known.status is EmailStatus.UNCONFIRMED
            went = f"{mail} went out to the customer"
            if was_unconfirmed:
                went = f"{mail} was sent once more" if actor == "worker" else f"{mail} had gone out after all"
            if before.state is after.state:
                return f"{went}."
            if after.state is State.COMPLETED:
                return f"{went}; with it, the order was complete."
            return f"{went}; what remains is the money for what could not be restored."
        case e.EmailUnconfirmed():
            return (
                f"{mail} was handed over, but the answer was lost; "
                "it is sent once more unless the mail provider confirms it in time."
            )
        case e.EmailFailed():
            return f"{mail} could not be sent: {event.reason.rstrip('.')}."


def of_mail_feedback(
    event: e.EmailBounced | e.EmailDeferred | e.EmailBlocked | e.EmailOptedOut,
) -> str:
    """What the mail provider reported of a mail that it had accepted."""
    mail = MAILS[event.kind]
    match event:
        case e.EmailBounced():
            return f"{mail} came back: it did not reach the customer ({in_plain_words(event.reason)})."
        case e.EmailDeferred():
            return (
                f"{mail} is still on its way: the receiving server put it off ({in_plain_words(event.reason)}), "
                "and the mail provider keeps trying."
            )
        case e.EmailBlocked():
            return (
                f"{mail} was refused by the receiving server for now ({in_plain_words(event.reason)}); "
                "the address may be good, so another one is sent later."
            )
        case e.EmailOptedOut():
            return f"{mail} was delivered and {OPT_OUTS[event.how]}: no reminders follow."


def of_file(event: e.ResultServed | e.ResultDownloaded, what: str, link: DownloadLink) -> str:
    """That a file was sent, or that the customer pressed its button: only the latter says who it was."""
    client = f" ({of_client(event.client)})" if event.client is not None else ""
    match event:
        case e.ResultServed():
            whom = "" if event.image_id in link.fetched else ", to the customer or to a mail scanner"
            return f"{what} was sent through the link{client}{whom}."
        case e.ResultDownloaded():
            return f"The customer pressed the button behind the link and fetched {what}{client}."


def of_client(client: Client) -> str:
    """``Firefox on a phone, network 203.0.113.0/24``."""
    device = DEVICES[client.device]
    program = f"{BROWSERS[client.browser]} on {device}" if client.browser is not None else device
    return f"{program}, network {client.network}" if client.network is not None else program


def in_plain_words(code: str) -> str:
    """A provider's code as people would write it."""
    return code.replace("_", " ").rstrip(".")

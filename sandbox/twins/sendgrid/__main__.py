"""python -m sandbox.twins.sendgrid: the SendGrid twin as a process."""

from litestar.exceptions import HTTPException

from sandbox.twins.common import (
    FaultRules,
    RuntimeOptions,
    Twin,
    TwinState,
    WebhookSender,
    listen,
    parser,
    serve,
)
from sandbox.twins.sendgrid import account, api
from sandbox.twins.sendgrid.delivery import MAIL_ACTIONS, MailDelivery, SendGridSettings
from sandbox.twins.sendgrid.dns_server import DnsServer
from sandbox.twins.sendgrid.page import MailboxPages
from sandbox.twins.sendgrid.signing import EventSigner


def main() -> None:
    """Run until SIGTERM or Ctrl-C."""
    arguments = parser(
        "sendgrid", "A twin of SendGrid: takes mail, keeps it in a mailbox, tells what became of it."
    )
    arguments.add_argument("--api-key", default="SG.sandbox", help="the API key that is let in")
    arguments.add_argument("--webhook-url", help="where events are delivered; without it, nowhere")
    options = arguments.parse_args()

    listener, url = listen(options.port)
    ledger = TwinState(options.data, "sendgrid")
    faults = FaultRules(MAIL_ACTIONS)
    settings = RuntimeOptions(ledger, SendGridSettings())
    if options.webhook_url is not None:
        settings.change({"webhook_url": options.webhook_url})
    signer = EventSigner(ledger)
    webhooks = WebhookSender(
        ledger,
        faults,
        settings,
        lambda delivery: signer.headers(delivery, is_signed=settings.current.webhook_signed),
    )
    dns_server = DnsServer(settings, ledger)
    dns_server.start()
    twin = Twin(
        name="sendgrid",
        ledger=ledger,
        faults=faults,
        settings=settings,
        webhooks=webhooks,
        handlers=[api.V3, account.V3Account, api.Mailbox, MailboxPages],
        dependencies={
            "api_key": options.api_key,
            "delivery": MailDelivery(ledger, faults, settings, webhooks),
            "signer": signer,
            "account": settings,
        },
        error_body=api.fault_body,
        exception_handlers={api.RefusedError: api.answer_refused, HTTPException: api.answer_routing_error},
        announcement={"public_key": signer.public_key, "dns": dns_server.address},
    )
    serve(twin, listener, url)


if __name__ == "__main__":
    main()

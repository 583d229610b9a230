"""python -m sandbox.twins.stripe: the Stripe twin as a process."""

import threading
import time

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
from sandbox.twins.stripe import api, authentication, payment
from sandbox.twins.stripe.account import Account, StripeSettings, secrets_of, signature_headers
from sandbox.twins.stripe.errors import StripeError, answer_stripe_error, fault_body
from sandbox.twins.stripe.page import PaymentPage
from sandbox.twins.stripe.test_controls import TestControls

#: The resolution of timers.
CLOCK_TICK_SECONDS = 0.25


def main() -> None:
    """Run until SIGTERM or Ctrl-C."""
    arguments = parser("stripe", "A twin of Stripe: Checkout, refunds, disputes, events, webhooks.")
    arguments.add_argument("--secret-key", default="sk_test_sandbox", help="the API key that is let in")
    arguments.add_argument(
        "--webhook-secret", action="append", help="signs webhooks (whsec_...); give two to roll a secret"
    )
    arguments.add_argument("--webhook-url", help="where events are delivered; without it, nowhere")
    options = arguments.parse_args()

    listener, url = listen(options.port)
    ledger = TwinState(options.data, "stripe")
    faults = FaultRules()
    settings = RuntimeOptions(ledger, StripeSettings())
    if options.webhook_url is not None:
        settings.change({"webhook_url": options.webhook_url})
    account = Account(ledger, settings, url)
    webhook_secrets = options.webhook_secret or ["whsec_sandbox"]
    webhooks = WebhookSender(
        ledger,
        faults,
        settings,
        lambda delivery: signature_headers(secrets_of(account, webhook_secrets, delivery.url), delivery),
    )
    account.set_webhooks(webhooks)
    keys = authentication.IdempotencyKeys(account)
    threading.Thread(target=_run_timers, args=(account,), daemon=True).start()
    twin = Twin(
        name="stripe",
        ledger=ledger,
        faults=faults,
        settings=settings,
        webhooks=webhooks,
        handlers=[*api.HANDLERS, PaymentPage, TestControls],
        dependencies={"account": account, "api": api.Api(account, keys)},
        error_body=fault_body,
        layers=[lambda app: authentication.Authentication(app, options.secret_key), keys.layer],
        exception_handlers={StripeError: answer_stripe_error, HTTPException: api.answer_routing_error},
    )
    serve(twin, listener, url)


def _run_timers(account: Account) -> None:
    while True:
        payment.run_timers(account)
        time.sleep(CLOCK_TICK_SECONDS)


if __name__ == "__main__":
    main()

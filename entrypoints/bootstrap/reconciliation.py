"""The comparison of the books, on the accounts that the shop works with."""

from adapters.mailer_sendgrid import SendGridListing
from adapters.payments_stripe import StripeListing
from adapters.restorer_replicate import ReplicateListing
from domain.use_cases.delivery.email_webhook import EmailWebhook
from domain.use_cases.payments.checkout_sync import CheckoutSync
from domain.use_cases.payments.payment_ownership import PaymentOwnership
from domain.use_cases.payments.payment_webhook import PaymentWebhook
from domain.use_cases.reconciliation.emails import EmailComparison
from domain.use_cases.reconciliation.event_log import EventLogComparison
from domain.use_cases.reconciliation.object_storage import ObjectStorageComparison
from domain.use_cases.reconciliation.payments_missing_in_log import PaymentComparison
from domain.use_cases.reconciliation.predictions import PredictionComparison
from domain.use_cases.reconciliation.run import Reconciliation
from entrypoints.bootstrap.adapters import Adapters


def payment_listing(world: Adapters) -> StripeListing:
    """Stripe's own lists."""
    addresses = {world.policy.public_url, world.policy.webhook_url}
    webhook_urls = [f"{address}/api/webhooks/stripe" for address in addresses]
    return StripeListing(world.payments.client, webhook_urls=webhook_urls)


def email_listing(world: Adapters) -> SendGridListing:
    """SendGrid's own list of mails."""
    return SendGridListing(world.mailer, world.clock)


def reconciliation_from(
    world: Adapters,
    payment_webhook: PaymentWebhook,
    checkout_sync: CheckoutSync,
    ownership: PaymentOwnership,
    email_webhook: EmailWebhook,
) -> Reconciliation:
    """Stripe first: what it brings in, the sides after it see already."""
    unit_of_work, queue, storage, payments = world.unit_of_work, world.queue, world.storage, world.payments
    return Reconciliation(
        unit_of_work=unit_of_work,
        comparisons=(
            PaymentComparison(
                unit_of_work=unit_of_work,
                ledger=payment_listing(world),
                payments=payments,
                payment_webhook=payment_webhook,
                checkout_sync=checkout_sync,
                ownership=ownership,
            ),
            EventLogComparison(unit_of_work=unit_of_work, queue=queue),
            ObjectStorageComparison(unit_of_work=unit_of_work, ledger=storage, storage=storage),
            PredictionComparison(
                unit_of_work=unit_of_work,
                ledger=ReplicateListing(world.restorer),
                restorer=world.restorer,
                queue=queue,
                token_signer=world.token_signer,
            ),
            EmailComparison(
                unit_of_work=unit_of_work, ledger=email_listing(world), email_webhook=email_webhook
            ),
        ),
        clock=world.clock,
        grace=world.policy.reconcile_grace,
    )

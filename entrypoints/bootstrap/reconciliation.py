"""The wiring of the reconciliation with every provider."""

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
from entrypoints.bootstrap.ports import Ports


def reconciliation_from(
    ports: Ports,
    payment_webhook: PaymentWebhook,
    checkout_sync: CheckoutSync,
    ownership: PaymentOwnership,
    email_webhook: EmailWebhook,
) -> Reconciliation:
    """Wire all comparisons, payments first: the others depend on what it records."""
    unit_of_work, queue = ports.unit_of_work, ports.queue
    return Reconciliation(
        unit_of_work=unit_of_work,
        comparisons=(
            PaymentComparison(
                unit_of_work=unit_of_work,
                ledger=ports.payment_listing,
                payments=ports.payments,
                payment_webhook=payment_webhook,
                checkout_sync=checkout_sync,
                ownership=ownership,
            ),
            EventLogComparison(unit_of_work=unit_of_work, queue=queue),
            ObjectStorageComparison(
                unit_of_work=unit_of_work, ledger=ports.object_listing, storage=ports.storage
            ),
            PredictionComparison(
                unit_of_work=unit_of_work,
                ledger=ports.prediction_listing,
                restorer=ports.restorer,
                queue=queue,
                token_signer=ports.token_signer,
            ),
            EmailComparison(
                unit_of_work=unit_of_work, ledger=ports.email_listing, email_webhook=email_webhook
            ),
        ),
        clock=ports.clock,
        grace=ports.policy.work.reconcile_grace,
    )

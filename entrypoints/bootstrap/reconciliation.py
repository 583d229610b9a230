"""The comparison of the books, on the accounts that the shop works with."""

from adapters.mailer_sendgrid import SendGridLedger
from adapters.payments_stripe import StripeLedger
from adapters.restorer_replicate import ReplicateLedger
from domain.use_cases.delivery.email_webhook import MailDesk
from domain.use_cases.payments.payment_ownership import PaymentOwnership
from domain.use_cases.payments.payment_webhook import Paying
from domain.use_cases.reconciliation.emails import MailComparison
from domain.use_cases.reconciliation.event_log import StreamComparison
from domain.use_cases.reconciliation.object_storage import ObjectComparison
from domain.use_cases.reconciliation.payments_missing_in_log import MoneyComparison
from domain.use_cases.reconciliation.predictions import PredictionComparison
from domain.use_cases.reconciliation.run import Reconciling
from entrypoints.bootstrap.adapters import World


def payment_ledger(world: World) -> StripeLedger:
    """Stripe's own lists."""
    return StripeLedger(world.payments.client)


def mail_ledger(world: World) -> SendGridLedger:
    """SendGrid's own list of mails."""
    return SendGridLedger(world.mailer, world.clock)


def reconciling(
    world: World, paying: Paying, ownership: PaymentOwnership, mail_desk: MailDesk
) -> Reconciling:
    """Stripe first: what it brings in, the sides after it see already."""
    books, queue, storage, payments = world.books, world.queue, world.storage, world.payments
    return Reconciling(
        books=books,
        comparisons=(
            MoneyComparison(
                books=books,
                ledger=payment_ledger(world),
                payments=payments,
                paying=paying,
                ownership=ownership,
            ),
            StreamComparison(books=books, queue=queue),
            ObjectComparison(books=books, ledger=storage, storage=storage),
            PredictionComparison(
                books=books,
                ledger=ReplicateLedger(world.restorer),
                restorer=world.restorer,
                queue=queue,
                sealer=world.sealer,
            ),
            MailComparison(books=books, ledger=mail_ledger(world), mail_desk=mail_desk),
        ),
        clock=world.clock,
        grace=world.policy.reconcile_grace,
    )

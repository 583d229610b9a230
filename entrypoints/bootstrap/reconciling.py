"""The comparison of the books, on the accounts that the shop works with."""

from adapters.mailer_sendgrid import SendGridLedger
from adapters.payments_stripe import StripeLedger
from adapters.restorer_replicate import ReplicateLedger
from domain.services.paying import Paying
from domain.services.reconciling.mails import MailComparison
from domain.services.reconciling.money import MoneyComparison
from domain.services.reconciling.objects import ObjectComparison
from domain.services.reconciling.predictions import PredictionComparison
from domain.services.reconciling.reconciling import Reconciling
from domain.services.reconciling.streams import StreamComparison
from domain.services.writing import MailDesk
from domain.use_cases.payments.payment_ownership import PaymentOwnership
from entrypoints.bootstrap.world import World


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

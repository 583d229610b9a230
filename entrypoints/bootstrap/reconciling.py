"""The comparison of the books, on the accounts that the shop works with."""

from adapters.mailer_sendgrid import SendGridLedger, SendGridMailer
from adapters.payments_stripe import StripeLedger, StripePayments
from adapters.restorer_replicate import ReplicateLedger, ReplicateRestorer
from adapters.storage_minio import MinioStore
from domain.model.seals import Sealer
from domain.ports.books import Books
from domain.ports.work import ReactionQueue
from domain.ports.world import Clock
from domain.services.paying import Paying
from domain.services.policy import Policy
from domain.services.reconciling.mails import MailComparison
from domain.services.reconciling.money import MoneyComparison
from domain.services.reconciling.objects import ObjectComparison
from domain.services.reconciling.predictions import PredictionComparison
from domain.services.reconciling.reconciling import Reconciling
from domain.services.reconciling.streams import StreamComparison
from domain.services.writing import MailDesk


def reconciling(  # noqa: PLR0913 -- every side has its own partner
    *,
    books: Books,
    payments: StripePayments,
    restorer: ReplicateRestorer,
    mailer: SendGridMailer,
    storage: MinioStore,
    queue: ReactionQueue,
    sealer: Sealer,
    paying: Paying,
    mail_desk: MailDesk,
    clock: Clock,
    policy: Policy,
) -> Reconciling:
    """Stripe first: what it brings in, the sides after it see already."""
    return Reconciling(
        books=books,
        comparisons=(
            MoneyComparison(
                books=books, ledger=StripeLedger(payments.client), payments=payments, paying=paying
            ),
            StreamComparison(books=books, queue=queue),
            ObjectComparison(books=books, ledger=storage, storage=storage),
            PredictionComparison(
                books=books,
                ledger=ReplicateLedger(restorer),
                restorer=restorer,
                queue=queue,
                sealer=sealer,
            ),
            MailComparison(books=books, ledger=SendGridLedger(mailer, clock), mail_desk=mail_desk),
        ),
        clock=clock,
        grace=policy.reconcile_grace,
    )

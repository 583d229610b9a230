"""Ownership of payments: several shops can share one provider account."""

from collections.abc import Sequence

from domain.ports.payments import CheckoutDetails
from domain.ports.unit_of_work import HasReconciliationQueries
from domain.signed_tokens import TokenSigner


class PaymentOwnership:
    """Distinguish this shop's payments from those of others on the same account.

    A payment is ours if its metadata carries our signed token, or if our own tables know its checkout or upload
    session, which may be older than signed tokens or than the current secret key. An unknown payment is never
    assumed to be ours, and a payment is never refunded merely because it lacks our token.
    """

    def __init__(self, token_signer: TokenSigner) -> None:
        self._token_signer = token_signer

    def has_valid_token(self, checkout: CheckoutDetails) -> bool:
        """Whether the checkout carries a valid signed token of this shop."""
        if checkout.payment_token is None or checkout.upload_session_id is None or checkout.order_id is None:
            return False
        return self._token_signer.is_payment_token(
            checkout.payment_token, checkout.upload_session_id, checkout.order_id
        )

    def is_ours(self, transaction: HasReconciliationQueries, checkout: CheckoutDetails) -> bool:
        """Whether this shop opened the checkout."""
        return not self.foreign_among(transaction, [checkout])

    def foreign_among(
        self, transaction: HasReconciliationQueries, checkouts: Sequence[CheckoutDetails]
    ) -> set[str]:
        """The ids of those checkouts that this shop did not open.

        ``checkouts`` is at most one page of a listing.
        """
        without_token = [checkout for checkout in checkouts if not self.has_valid_token(checkout)]
        if not without_token:
            return set()
        paid = transaction.reconciliation_queries.payments(
            [checkout.checkout_session_id for checkout in without_token]
        )
        named = {
            checkout.upload_session_id for checkout in without_token if checkout.upload_session_id is not None
        }
        sessions = transaction.reconciliation_queries.known_sessions(list(named))
        return {
            checkout.checkout_session_id
            for checkout in without_token
            if checkout.checkout_session_id not in paid and checkout.upload_session_id not in sessions
        }

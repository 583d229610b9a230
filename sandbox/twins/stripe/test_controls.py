"""Controls of the twin: decisions of banks, actions in the dashboard."""

from typing import Literal

import msgspec
from litestar import Controller, post

from sandbox.twins.common import GIVEN, Json
from sandbox.twins.stripe import disputes, payment, refunds
from sandbox.twins.stripe.account import Account
from sandbox.twins.stripe.checkout import SESSION


class Outcome(msgspec.Struct, forbid_unknown_fields=True):
    """The outcome of a pending payment or refund."""

    outcome: Literal["succeeded", "failed"]


class DashboardRefund(msgspec.Struct, forbid_unknown_fields=True):
    """A dashboard refund, by default of the whole unrefunded amount."""

    payment_intent: str
    amount: int | None = None


class NewDispute(msgspec.Struct, forbid_unknown_fields=True):
    """A new dispute of a payment."""

    payment_intent: str
    reason: str = "fraudulent"
    is_inquiry: bool = False


class Verdict(msgspec.Struct, forbid_unknown_fields=True):
    """The final status of a dispute."""

    status: Literal["won", "lost", "warning_closed"]


class TestControls(Controller):
    """Decisions of the bank, and actions in the dashboard."""

    path = "/_twin"

    @post("/checkout/{session_id:str}/settle", sync_to_thread=False)
    def settle_payment(self, session_id: str, data: Outcome, account: Account = GIVEN) -> Json:
        """Settle a bank debit."""
        with account.ledger.transaction():
            return payment.settle(account, account.load(SESSION, session_id), data.outcome)

    @post("/refunds", sync_to_thread=False)
    def refund_by_hand(self, data: DashboardRefund, account: Account = GIVEN) -> Json:
        """Refund in the dashboard: no API request, none of the shop's metadata."""
        amount = {} if data.amount is None else {"amount": str(data.amount)}
        with account.ledger.transaction():
            return refunds.create(account, {"payment_intent": data.payment_intent, **amount})

    @post("/refunds/{refund_id:str}/settle", sync_to_thread=False)
    def settle_refund(self, refund_id: str, data: Outcome, account: Account = GIVEN) -> Json:
        """Settle a pending refund, or fail a successful one."""
        with account.ledger.transaction():
            return refunds.settle(account, account.load("refund", refund_id), data.outcome)

    @post("/disputes", sync_to_thread=False)
    def dispute(self, data: NewDispute, account: Account = GIVEN) -> Json:
        """Dispute a payment."""
        with account.ledger.transaction():
            return disputes.open_dispute(
                account, data.payment_intent, data.reason, is_inquiry=data.is_inquiry
            )

    @post("/disputes/{dispute_id:str}/review", sync_to_thread=False)
    def review(self, dispute_id: str, account: Account = GIVEN) -> Json:
        """Put a dispute under review."""
        with account.ledger.transaction():
            return disputes.review(account, account.load("dispute", dispute_id))

    @post("/disputes/{dispute_id:str}/escalate", sync_to_thread=False)
    def escalate(self, dispute_id: str, account: Account = GIVEN) -> Json:
        """Escalate an inquiry to a chargeback."""
        with account.ledger.transaction():
            return disputes.escalate(account, account.load("dispute", dispute_id))

    @post("/disputes/{dispute_id:str}/appeal", sync_to_thread=False)
    def appeal(self, dispute_id: str, account: Account = GIVEN) -> Json:
        """Appeal against a lost dispute."""
        with account.ledger.transaction():
            return disputes.appeal(account, account.load("dispute", dispute_id))

    @post("/disputes/{dispute_id:str}/close", sync_to_thread=False)
    def close(self, dispute_id: str, data: Verdict, account: Account = GIVEN) -> Json:
        """Close a dispute."""
        with account.ledger.transaction():
            return disputes.close(account, account.load("dispute", dispute_id), data.status)

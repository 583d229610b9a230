"""Findings in English: what is wrong, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.localization.formats import capitalised, in_plain_words
from adapters.localization.labels import HOLDS
from adapters.localization.log_defect_text import stream_break_text
from domain.order.errors import ShopError
from domain.ports.errors import OutsideError
from domain.ports.unit_of_work import UnitOfWorkError
from domain.use_cases.reconciliation.findings import Finding, FindingCase, FindingCode

#: What to do about a reaction that cannot be read and that its order, as this version understands it, does not need.
UNREADABLE_AND_NOT_REQUIRED = (
    "its order does not need it as far as this version knows: run the version that wrote it, or close it by hand if "
    "there is none (docs/operations.md, work_unreadable)"
)

_APPLY = "`--fix` applies it as its webhook would have"
_COMPARE_REFUND = f"{_APPLY}; if it stays, compare Stripe with the order's history."
_ANSWER_DISPUTE = f"{_APPLY}; answer an open dispute in Stripe."
_UNREADABLE = "This version of the shop cannot read {kind}, arguments of version {version}."
_RESTORE = "Ask the operator to restore it from the storage's backup."
_NOT_AT_STRIPE = (
    "{recorded} are on record, and Stripe has {found} there.",
    "Make sure that STRIPE_SECRET_KEY is of the account that took it, then look there.",
)
_UNLISTED = (
    "Its order waits for it, and at Replicate it is {status}.",
    "`--fix` has it collected; one that is unknown there is of another account.",
)

#: What is wrong and what to do, by code and case; the facts fill the braces.
_TEXTS: Mapping[tuple[FindingCode, FindingCase | None], tuple[str, str]] = {
    (FindingCode.NOTICE_LOST, None): (
        "The webhook {event_type} about {about} never arrived.",
        "`--fix` applies it; if there are many, see the webhook endpoint's deliveries in Stripe.",
    ),
    (FindingCode.PAYMENT_NOT_ON_RECORD, None): (
        "{paid} were paid, and there is neither an order nor an unmatched payment.",
        f"{_APPLY}.",
    ),
    (FindingCode.PAYMENT_OF_ANOTHER_AMOUNT, None): (
        "Stripe took {paid}, and {recorded} are on record.",
        "Compare the payment in Stripe with the order's history.",
    ),
    (FindingCode.PAYMENT_NOT_AT_PROVIDER, None): _NOT_AT_STRIPE,
    (FindingCode.REFUND_NOT_ON_RECORD, FindingCase.PENDING): (
        "{amount} is on its way back, and that is not on record.",
        _COMPARE_REFUND,
    ),
    (FindingCode.REFUND_NOT_ON_RECORD, FindingCase.PAID): (
        "{amount} was refunded, and that is not on record.",
        _COMPARE_REFUND,
    ),
    (FindingCode.REFUND_FAILED_THERE, None): ("A refund counts as issued, and it failed.", _COMPARE_REFUND),
    (FindingCode.REFUND_OF_ANOTHER_AMOUNT, FindingCase.PENDING): (
        "{amount} is on its way back, and {recorded} are on record.",
        _COMPARE_REFUND,
    ),
    (FindingCode.REFUND_OF_ANOTHER_AMOUNT, FindingCase.PAID): (
        "{amount} was refunded, and {recorded} are on record.",
        _COMPARE_REFUND,
    ),
    (FindingCode.REFUND_NOT_AT_PROVIDER, None): _NOT_AT_STRIPE,
    (FindingCode.DISPUTE_NOT_ON_RECORD, FindingCase.INQUIRY): (
        "An inquiry is {outcome} at Stripe, and that is not on record.",
        _ANSWER_DISPUTE,
    ),
    (FindingCode.DISPUTE_NOT_ON_RECORD, FindingCase.DISPUTE): (
        "A dispute is {outcome} at Stripe, and that is not on record.",
        _ANSWER_DISPUTE,
    ),
    (FindingCode.SESSION_WAITS_IN_VAIN, None): (
        "An upload session waits for a delayed payment that is {status} at Stripe.",
        "`--fix` applies it; a checkout that is unknown there belongs to another account.",
    ),
    (FindingCode.MESSAGE_IN_TWO_SHAPES, None): (
        "A {event_type} of {source} came again with other contents.",
        "The first counts. Compare both with the provider's own list: one may be forged.",
    ),
    (FindingCode.WEBHOOK_VERSION_OLD, None): (
        "Stripe's events are of API version {subject}, which has no refund.* events for cards.",
        (
            "Raise the webhook endpoint's API version in Stripe's dashboard to 2024-10-28.acacia or later; "
            "an endpoint without one of its own has the account's."
        ),
    ),
    (FindingCode.ENTRY_UNREADABLE, None): (
        "This {kind} cannot be read ({detail}), so it was not compared.",
        "Look at it there by hand; if many are like it, the provider's API has changed.",
    ),
    (FindingCode.STREAM_BROKEN, FindingCase.ILLEGAL_EVENT): (
        "{problem}",
        "Nothing in the shop writes such a stream: compare the events with a backup's.",
    ),
    (FindingCode.STREAM_BROKEN, FindingCase.UNREADABLE_EVENT): (
        "{problem}",
        "Nothing of this order is repaired, refunded or deleted until its events can be read.",
    ),
    (FindingCode.READ_MODELS_DIFFER, None): (
        "The rows in {tables} differ from the log.",
        "Run `restoreclick db rebuild`; the shop may run meanwhile.",
    ),
    (FindingCode.WORK_LOST, None): (
        "The order needs {reaction}, and no open row says so.",
        "`--fix` schedules it.",
    ),
    (FindingCode.WORK_OVERDUE, None): (
        "{kind} is due, and no worker processes it.",
        "Make sure that a worker runs, and has threads enough.",
    ),
    (FindingCode.WORK_UNREADABLE, FindingCase.REWRITABLE): (
        _UNREADABLE,
        "`--fix` rewrites it as this version does.",
    ),
    (FindingCode.WORK_UNREADABLE, FindingCase.NOT_REQUIRED): (
        _UNREADABLE,
        f"{capitalised(UNREADABLE_AND_NOT_REQUIRED)}.",
    ),
    (FindingCode.ORDER_HELD, None): (
        "The order is on hold ({hold}): {why_held}.",
        "A person has to look at it: docs/support.md says what to do for each reason.",
    ),
    (FindingCode.OBJECT_MISSING, None): ("The log names it, and it does not exist.", _RESTORE),
    (FindingCode.OBJECT_DIFFERS, FindingCase.SIZE): (
        "It has {found} bytes, not {size_bytes}.",
        _RESTORE,
    ),
    (FindingCode.OBJECT_DIFFERS, FindingCase.CONTENTS): (
        "Its SHA-256 is {found}, not {sha256}.",
        _RESTORE,
    ),
    (FindingCode.STRAY_OBJECT, None): (
        "No event names it.",
        (
            "A crash left it behind, it is an output that came second, or a backup was restored and "
            "it was delivered before: look, and delete it only if no customer had it."
        ),
    ),
    (FindingCode.STRAY_UPLOAD, None): (
        "Its upload session was cleaned up before it was stored.",
        "`--fix` deletes it.",
    ),
    (FindingCode.UNKNOWN_UPLOAD, FindingCase.OF_THIS_SHOP): (
        "It is signed by this shop, and the database does not know its upload session.",
        "If a backup was restored, it may be the only copy of a paid photo: keep it until you know.",
    ),
    (FindingCode.UNKNOWN_UPLOAD, FindingCase.UNMARKED): (
        "It carries no signature, and the database does not know its upload session.",
        "Find out who stored it before you delete it: another program, or a version that did not sign.",
    ),
    (FindingCode.PREDICTION_NOT_ON_RECORD, FindingCase.STILL_REQUIRED): (
        "It has {status}, and its image waits for another one or for none.",
        "`--fix` has it collected for its image.",
    ),
    (FindingCode.PREDICTION_NOT_ON_RECORD, FindingCase.STILL_RUNNING): (
        "It runs, and no order waits for it.",
        "`--fix` cancels it.",
    ),
    (FindingCode.PREDICTION_NOT_COLLECTED, FindingCase.LISTED): (
        "It has {status}, and its order still waits for it.",
        "`--fix` has it collected; Replicate keeps an output for an hour.",
    ),
    (FindingCode.PREDICTION_NOT_COLLECTED, FindingCase.UNLISTED): _UNLISTED,
    (FindingCode.PREDICTION_UNKNOWN_THERE, FindingCase.UNLISTED): _UNLISTED,
    (FindingCode.MAIL_CAME_BACK, None): (
        "It counts as sent, and SendGrid could not deliver it.",
        "`--fix` puts that on record; the customer has to be asked for another address.",
    ),
    (FindingCode.MAIL_IS_KNOWN_THERE, None): (
        "The log does not know whether it was sent, and SendGrid has it.",
        "`--fix` puts on record what became of it.",
    ),
    (FindingCode.MAIL_UNKNOWN_THERE, None): (
        "It counts as sent (message {message_id}), and SendGrid does not know it.",
        "Make sure that SENDGRID_API_KEY is of the account that sent it, then look there.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class FindingText:
    """A finding in two sentences."""

    wrong: str
    advice: str


def finding_text_of(finding: Finding) -> FindingText:
    """What is wrong, why a repair failed, and what to do."""
    wrong, advice = _TEXTS[finding.what, finding.case]
    facts = {"subject": finding.subject, **finding.facts}
    if finding.what is FindingCode.ORDER_HELD:
        facts["why_held"] = HOLDS[facts["hold"]]  # type: ignore[index]
    if finding.what is FindingCode.ENTRY_UNREADABLE:
        facts["kind"] = in_plain_words(str(facts["kind"]))
    if finding.what is FindingCode.STREAM_BROKEN:
        facts["problem"] = stream_break_text(facts["problem"])  # type: ignore[arg-type]
    if "found" in facts:  # none where the provider has nothing
        facts["found"] = facts["found"] or "nothing"
    return FindingText(wrong=wrong.format(**facts), advice=f"{_failure(finding.repair_error)}{advice}")


def _failure(error: Exception | None) -> str:
    if error is None:
        return ""
    if isinstance(error, ShopError | OutsideError | UnitOfWorkError):
        return f"It could not be repaired ({error}) "
    return f"It could not be repaired because of a defect of the program ({type(error).__name__}). "

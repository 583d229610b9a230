"""A snapshot of a running shop, its providers and its visitors."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from minio import Minio

from adapters.localization.log_defect_text import defect_text
from adapters.postgres.read_models import Rows
from adapters.postgres.tables import READ_MODELS, metadata
from domain.order.values import HoldReason, OrderId, Sha256
from domain.signed_tokens import TokenSigner, sha256_of
from domain.unmatched_payment import UnmatchedStatus
from domain.use_cases.audit.log_verification import verify
from domain.use_cases.monitoring.storage_trial import TRIAL_PREFIX
from sandbox.demo.local_shop import LocalShop
from tests.chaos.mailbox import token_in
from tests.chaos.provider_records import Json, ProviderRecords, records_of
from tests.chaos.visits import FORGED, Visits
from tests.journeys.running_shop import unit_of_work_of
from tests.laws.photos import HEADS
from tests.laws.snapshot import (
    AcceptedMail,
    Claim,
    Fetched,
    Forgery,
    LeaseChange,
    LinkOpening,
    OrderStream,
    ProviderCall,
    ProviderPayment,
    ProviderPrediction,
    ProviderRefund,
    Snapshot,
    StoredEvent,
    UnmatchedRow,
    WorkName,
    whole_stream,
)

Row = dict[str, Any]
Query = Callable[[str], Sequence[Row]]

#: Holds that an order at rest may have: bounced mails, and mails whose delivery is unknown.
ALLOWED_HOLDS = (HoldReason.EMAIL_BOUNCED, HoldReason.EMAIL_NOT_SENT)
#: What may be a token: at least twenty of the characters that tokens consist of.
_WORD = re.compile(r"[A-Za-z0-9_-]{20,}")
_LANGUAGE = re.compile(r'<html lang="(\w+)"')
#: The arguments that identify work at a provider, by kind of work.
_NAMES = {"SendEmail": ("email_id",), "IssueRefund": ("refund_id",), "RestoreImage": ("image_id", "attempt")}


def collected(shop: LocalShop, query: Query, visits: Visits, unfinished: Sequence[str]) -> Snapshot:
    """Collect the snapshot, once the shop is at rest."""
    with unit_of_work_of(shop) as unit_of_work:
        order_ids = [OrderId(row["order_id"]) for row in query("SELECT DISTINCT order_id FROM events")]
        with unit_of_work.transaction() as transaction:
            histories = transaction.reconciliation_queries.streams(order_ids)
        verdict = verify(unit_of_work.chained_events())
    streams = {order_id: whole_stream(order_id, history) for order_id, history in histories.items()}
    leases = query("SELECT *, txid::text AS txid FROM chaos.leases ORDER BY number")
    reactions = query("SELECT reaction_id, kind, arguments, status FROM reactions")
    stripe, replicate, sendgrid = (
        records_of(shop.data_dir, twin) for twin in ("stripe", "replicate", "sendgrid")
    )
    signer = TokenSigner(shop.environment["LINK_SIGNING_KEY"].encode())
    return Snapshot(
        is_at_rest=True,
        time_is_up=True,
        unfinished=unfinished,
        allowed_holds=ALLOWED_HOLDS,
        streams=streams,
        chain_defects=[defect_text(finding) for finding in verdict.findings],
        read_models=read_models_of(query),
        reaction_outcomes={
            row["reaction_id"]: None if row["status"] in {"pending", "leased"} else row["status"]
            for row in reactions
        },
        stored_events=[
            StoredEvent(
                order_id=row["order_id"],
                version=row["version"],
                cause_key=row["cause_key"],
                transaction=row["txid"],
            )
            for row in query("SELECT order_id, version, cause_key, txid::text AS txid FROM events")
        ],
        lease_changes=list(map(lease_change, leases)),
        claims=claims_of(leases, reactions),
        calls=list(calls_of(stripe, replicate, sendgrid)),
        payments=payments_of(stripe),
        unmatched=list(map(_unmatched, query("SELECT * FROM unmatched_payments"))),
        predictions=predictions_of(replicate),
        mails=mails_of(sendgrid),
        objects=_objects(shop),
        upload_sessions=frozenset(
            str(row["session_id"]) for row in query("SELECT session_id FROM upload_sessions")
        ),
        customers={
            row["customer_id"]: row["email"] for row in query("SELECT customer_id, email FROM customers")
        },
        openings=list(openings_of(visits, streams.values())),
        fetched=[
            Fetched(
                who=f"Visitor {lived.visit.number}",
                order_id=lived.order_id,
                token_sha256=sha256_of(lived.link),
                pictures=lived.delivered,
            )
            for lived in visits.experiences
            if lived.link
        ],
        tokens=frozenset(
            signer.download_token(link_id) for stream in streams.values() for link_id in stream.order.links
        ),
        stored_words=frozenset(_words(query)),
        forgeries=[Forgery(what=f"{one.what} ({one.marker})", status=one.status) for one in visits.forgeries],
        forged_word=FORGED,
    )


def lease_change(row: Row) -> LeaseChange:
    """One row of the journal of leases."""
    return LeaseChange(
        reaction_id=row["reaction_id"],
        transaction=row["txid"],
        at=row["at"],
        is_claim=row["status"] == "leased",
        token_before=row["token_before"] if row["status_before"] == "leased" else None,
        leased_until_before=row["leased_until_before"],
    )


def claims_of(leases: Sequence[Row], reactions: Sequence[Row]) -> dict[WorkName, list[Claim]]:
    """Every committed claim, by the name of its work."""
    names = {
        row["reaction_id"]: (
            row["kind"],
            *(str(row["arguments"][field]) for field in _NAMES.get(row["kind"], ())),
        )
        for row in reactions
    }
    claims: defaultdict[WorkName, list[Claim]] = defaultdict(list)
    for row in leases:
        if row["status"] == "leased" and row["reaction_id"] in names:
            claims[names[row["reaction_id"]]].append(Claim(row["token"], row["at"]))
    return claims


def calls_of(
    stripe: ProviderRecords, replicate: ProviderRecords, sendgrid: ProviderRecords
) -> Iterator[ProviderCall]:
    """Each provider object that a call created, and when."""
    for mail in sendgrid.kind("mail"):
        at = datetime.fromtimestamp(mail["at"], UTC)
        work: WorkName = ("SendEmail", mail["custom_args"]["email_id"])
        yield ProviderCall(work=work, at=at, sentence=f"Mail {mail['id']}")
    for refund in stripe.kind("refund"):
        if refund_id := refund["metadata"].get("refund_id"):
            at = datetime.fromtimestamp(refund["created"] + 1, UTC)  # Stripe writes whole seconds
            yield ProviderCall(work=("IssueRefund", refund_id), at=at, sentence=f"Refund {refund['id']}")
    for prediction in replicate.kind("prediction"):
        _, image_id, attempt, _ = prediction["_webhook"].split("/")[-4:]
        # Replicate cuts off at milliseconds.
        at = datetime.fromisoformat(prediction["created_at"]) + timedelta(milliseconds=1)
        work = ("RestoreImage", image_id, attempt)
        yield ProviderCall(work=work, at=at, sentence=f"Prediction {prediction['id']}")


def payments_of(stripe: ProviderRecords) -> list[ProviderPayment]:
    """Payments with their refunds, and refunds without a payment."""
    refunds: defaultdict[str, list[Json]] = defaultdict(list)
    for refund in stripe.kind("refund"):
        refunds[refund["payment_intent"]].append(refund)
    intents = {intent["id"]: intent for intent in stripe.kind("payment_intent") if intent["amount_received"]}
    free = [
        ProviderPayment(payment_intent_id=None, checkout_session_id=session["id"], amount=0)
        for session in stripe.kind("checkout.session")
        if session["payment_status"] == "no_payment_required" and session["status"] == "complete"
    ]
    return free + [
        ProviderPayment(
            payment_intent_id=name,
            amount=intents[name]["amount_received"] if name in intents else 0,
            is_ours=name in intents and bool(intents[name]["metadata"].get("seal")),
            refunds=list(map(_refund, refunds[name])),
        )
        for name in intents.keys() | refunds.keys()
    ]


def _refund(refund: Json) -> ProviderRefund:
    return ProviderRefund(
        provider_refund_id=refund["id"],
        refund_id=refund["metadata"].get("refund_id"),
        amount=refund["amount"],
        has_failed=refund["status"] == "failed",
        is_paid=refund["status"] == "succeeded",
    )


def predictions_of(replicate: ProviderRecords) -> list[ProviderPrediction]:
    """Every prediction."""
    return [
        ProviderPrediction(
            prediction_id=prediction["id"],
            order_id=prediction["_webhook"].split("/")[-4],
            image_id=prediction["_webhook"].split("/")[-3],
            is_running=prediction["status"] in {"starting", "processing"},
            has_succeeded=prediction["status"] == "succeeded",
        )
        for prediction in replicate.kind("prediction")
    ]


def mails_of(sendgrid: ProviderRecords) -> list[AcceptedMail]:
    """Every accepted mail, with its text by language."""
    mails = []
    for mail in sendgrid.kind("mail"):
        language = _LANGUAGE.search(mail["html"])
        mails.append(
            AcceptedMail(
                message_id=mail["id"],
                email_id=mail["custom_args"]["email_id"],
                order_id=mail["custom_args"]["order_id"],
                addresses=frozenset(to["email"] for to in mail["to"]),
                token=token_in(mail["text"]),
                texts={language[1] if language else "no language": (mail["subject"], mail["text"])},
            )
        )
    return mails


def openings_of(visits: Visits, streams: Iterable[OrderStream]) -> Iterator[LinkOpening]:
    """Each customer's own link, tried on another customer's photo."""
    links = {
        link.token_sha256: (stream.order, link) for stream in streams for link in stream.order.links.values()
    }
    now = datetime.now(UTC)
    for trespass in visits.trespasses:
        token, target = trespass.marker.split("/")[-2:]
        order, link = links.get(Sha256(sha256_of(token)), (None, None))
        yield LinkOpening(
            token_sha256=sha256_of(token),
            target=target,
            status=trespass.status,
            began_at=now,
            answered_at=now,
            before=order,
            link=link,
            after=order,
        )


def _unmatched(row: Row) -> UnmatchedRow:
    return UnmatchedRow(
        payment_intent_id=row["payment_intent_id"],
        checkout_session_id=row["checkout_session_id"],
        amount=row["amount"],
        status=UnmatchedStatus(row["status"]),
        reason=row["reason"],
    )


def read_models_of(query: Query) -> Rows:
    """Every read model by key, without ``updated_at``."""
    rows: Rows = {}
    for table in READ_MODELS:
        key = [column.name for column in table.primary_key]
        found = query(f"SELECT * FROM {table.name}")
        rows[table.name] = {
            tuple(row[name] for name in key): {k: v for k, v in row.items() if k != "updated_at"}
            for row in found
        }
    return rows


def _words(query: Query) -> Iterator[str]:
    for table in metadata.tables:
        for row in query(f"SELECT to_jsonb(t)::text AS row FROM {table} t"):
            yield from _WORD.findall(row["row"])


def _objects(shop: LocalShop) -> dict[str, str]:
    settings = shop.environment
    host, bucket = settings["S3_ENDPOINT"].removeprefix("http://"), settings["S3_BUCKET"]
    storage = Minio(
        host,
        settings["S3_ACCESS_KEY"],
        settings["S3_SECRET_KEY"],
        secure=False,
        region=settings["S3_REGION"],
    )
    names = (str(found.object_name) for found in storage.list_objects(bucket, recursive=True))
    # Of the log's heads only the newest are kept: one may go between its listing and its reading.
    keys = [name for name in names if not name.startswith((HEADS, TRIAL_PREFIX))]

    def fingerprint(key: str) -> str:
        with closing(storage.get_object(bucket, key)) as answer:
            digest = hashlib.sha256(answer.read()).hexdigest()
            answer.release_conn()
        return digest

    with ThreadPoolExecutor(max_workers=4) as readers:
        return dict(zip(keys, readers.map(fingerprint, keys), strict=True))

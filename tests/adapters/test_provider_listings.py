"""Lists beyond what doubles model: events, pages, unreadable entries."""

import io
import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from adapters.mailer_sendgrid import SendGridListing
from adapters.mailer_sendgrid import listings as sendgrid_ledger
from adapters.payments_stripe import StripeListing
from adapters.payments_stripe import listings as stripe_ledger
from adapters.restorer_replicate import ReplicateListing
from domain.order.values import DisputeOutcome, EmailId, Variant
from domain.ports.errors import UnavailableError, UnreadableAnswerError
from domain.ports.payments import PaymentEventKind
from domain.ports.provider_listings import EndpointVersion, ListedPrediction, UnreadableEntry
from domain.ports.restorer import PredictionStatus
from tests.adapters.support.misbehaving_server import RogueHandler, RogueServer, rogue_server
from tests.adapters.support.provider_accounts import (
    replicate_restorer,
    sendgrid_mailer,
    small_photo,
    stripe_payments,
)
from tests.contracts.test_payments import new_checkout, pay_at, refund
from tests.doubles.clock import SystemClock
from tests.sandbox.processes import TwinProcess

SINCE = datetime.now(UTC) - timedelta(minutes=5)


def test_an_event_of_the_list_says_what_its_webhook_says(
    stripe: TwinProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe_ledger, "PAGE", 2)  # so that there are many pages
    payments = stripe_payments(stripe.url)
    checkout = payments.open_checkout(new_checkout()).checkout_session_id
    intent = pay_at(stripe, checkout)
    made = payments.issue_refund(refund(intent, 490))
    listed = [
        each
        for each in StripeListing(payments.client).events(SINCE)
        if (each.payment_intent_id or (each.checkout and each.checkout.payment_intent_id)) == intent
    ]
    assert [each.event_type for each in listed] == ["refund.created", "checkout.session.completed"]
    issued, paid = listed
    assert (issued.kind, issued.refund) == (PaymentEventKind.REFUND_ISSUED, made)
    state = payments.find_checkout(checkout)
    assert state is not None
    assert (paid.kind, paid.checkout) == (PaymentEventKind.PAID, state.checkout)
    events = {event["id"] for event in stripe.ledger()["objects"]["event"]}
    assert {each.event_id for each in listed} <= events


@pytest.mark.parametrize(("verdict", "outcome"), [("won", DisputeOutcome.WON), ("lost", DisputeOutcome.LOST)])
def test_a_dispute_is_listed_in_its_current_state(
    stripe: TwinProcess, verdict: str, outcome: DisputeOutcome
) -> None:
    payments = stripe_payments(stripe.url)
    intent = pay_at(stripe, payments.open_checkout(new_checkout()).checkout_session_id)
    opened: dict[str, Any] = stripe.control("POST", "disputes", {"payment_intent": intent})

    def listed() -> Any:
        disputes = StripeListing(payments.client).disputes(SINCE)
        return next(each for each in disputes if each.dispute_id == opened["id"])

    assert (listed().kind, listed().outcome, listed().payment_intent_id) == (
        PaymentEventKind.DISPUTE_OPENED,
        None,
        intent,
    )
    stripe.control("POST", f"disputes/{opened['id']}/close", {"status": verdict})
    assert (listed().kind, listed().outcome) == (PaymentEventKind.DISPUTE_CLOSED, outcome)


def test_an_outage_between_two_pages_is_reported(
    stripe: TwinProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe_ledger, "PAGE", 1)
    payments = stripe_payments(stripe.url)
    for _ in range(2):
        payments.open_checkout(new_checkout())
    listed = StripeListing(payments.client).checkouts(SINCE)
    next(listed)
    stripe.misbehave("GET /v1/checkout/sessions", "status", status=503)
    with pytest.raises(UnavailableError):
        list(listed)


GARBLED: list[Any] = [
    7,
    None,
    {"id": "bad_1"},
    {"id": "bad_2", "created": "yesterday", "status": 7, "currency": [], "amount": "4.90", "type": 1},
    {"no": "id"},
]
GOOD = {
    "events": {
        "id": "good",
        "created": 1773500966,
        "type": "charge.dispute.closed",
        "data": {"object": {"id": "dp_1", "amount": 1, "currency": "eur", "status": "won"}},
    },
    "checkouts": {"id": "good", "created": 1773500966, "payment_status": "paid", "currency": "eur"},
    "refunds": {
        "id": "good",
        "created": 1773500966,
        "status": "succeeded",
        "amount": 490,
        "currency": "eur",
    },
    "disputes": {"id": "good", "created": 1773500966, "status": "lost", "amount": 490, "currency": "eur"},
}


@pytest.mark.parametrize("name", GOOD)
def test_an_unreadable_entry_is_skipped_alone(name: str, rogue: RogueServer) -> None:
    """Both pages end with an entry without an id."""

    def answer(request: RogueHandler) -> None:
        is_first = "starting_after" not in request.path
        page = {"object": "list", "url": "/v1/x", "has_more": is_first, "data": [GOOD[name], *GARBLED]}
        request.answer(200, json.dumps(page).encode(), Content_Type="application/json")

    rogue.manners["GET"] = answer
    entries: list[UnreadableEntry] = []
    ledger = StripeListing(stripe_payments(rogue.url).client)
    assert len(list(getattr(ledger, name)(SINCE, entries.append))) == 2
    assert "starting_after=bad_2" in rogue.seen[-1].path
    assert {each.kind for each in entries} == {name.removesuffix("s")}
    assert [each.entry_id for each in entries] == [None, None, "bad_1", "bad_2", None] * 2
    assert not any("4.90" in each.detail or "yesterday" in each.detail for each in entries)
    with pytest.raises(UnreadableAnswerError, match="without an id, that cannot be read"):
        list(getattr(ledger, name)(SINCE))


def test_a_page_without_any_id_ends_the_list(rogue: RogueServer) -> None:
    page = json.dumps({"object": "list", "url": "/v1/x", "has_more": True, "data": [7]}).encode()
    rogue.manners["GET"] = lambda request: request.answer(200, page, Content_Type="application/json")
    with pytest.raises(UnavailableError, match="nothing has an id"):
        list(StripeListing(stripe_payments(rogue.url).client).refunds(SINCE, lambda _: None))


def test_a_listed_event_with_text_that_cannot_be_stored_is_read_without_it(
    rogue: RogueServer,
) -> None:
    def answer(request: RogueHandler) -> None:
        session = (
            b'{"id":"cs_1","object":"checkout.session","payment_status":"paid","amount_total":5,"currency":"eur",'
            b'"customer_details":{"email":"ada@customer.example","name":"A\\u0000d\\ud800a"}}'
        )
        event = b'{"id":"evt_1","object":"event","type":"checkout.session.completed","created":1773500966,'
        listed = b'{"object":"list","url":"/v1/events","has_more":false,"data":[%b"data":{"object":%b}}]}'
        request.answer(200, listed % (event, session), Content_Type="application/json")

    rogue.manners["GET"] = answer
    (event,) = StripeListing(stripe_payments(rogue.url).client).events(SINCE)
    assert event.checkout is not None
    assert (event.checkout.name, event.checkout.email) == ("Ada", "ada@customer.example")


def test_the_list_of_predictions_is_followed_over_its_pages(replicate: TwinProcess) -> None:
    with closing(replicate_restorer(replicate.url)) as restorer:
        replicate.turn(engine="copy")
        names = {
            restorer.start(
                io.BytesIO(small_photo()),
                media_type="image/png",
                webhook_url="http://127.0.0.1:9/",
                variant=Variant.FIRST,
                ends_within=timedelta(hours=1),
            ).prediction_id
            for _ in range(101)  # a page has a hundred
        }
        assert names <= {each.prediction_id for each in ReplicateListing(restorer).predictions(SINCE)}


def test_an_unreadable_prediction_is_skipped_alone(rogue: RogueServer) -> None:
    good = {"id": "p1", "status": "succeeded", "created_at": "2099-11-22T12:00:00Z"}
    page = json.dumps({"results": [7, {"id": "p2"}, good, {**good, "status": None}]}).encode()
    rogue.manners["GET"] = lambda request: request.answer(200, page)
    entries: list[UnreadableEntry] = []
    with closing(replicate_restorer(rogue.url)) as restorer:
        listed = list(ReplicateListing(restorer).predictions(SINCE, entries.append))
    assert [each.prediction_id for each in listed] == ["p1"]
    assert [each.entry_id for each in entries] == [None, "p2", "p1"]


def test_a_prediction_without_an_upload_has_no_address(replicate: TwinProcess) -> None:
    with closing(replicate_restorer(replicate.url)) as restorer:
        unnamed = ListedPrediction(
            prediction_id="p1", status=PredictionStatus.RUNNING, created_at=SINCE, name_tag=None
        )
        for listed in (unnamed, replace(unnamed, name_tag="NOTHINGTHERE")):
            assert ReplicateListing(restorer).address_of(listed) is None


def activity(handler: RogueHandler, minutes: list[int]) -> None:
    """Answer like SendGrid, with events at these minutes of an hour."""
    query = parse_qs(urlsplit(handler.path).query)
    until = query["query"][0].split('"')[3]
    moments = {f"mail-{number}": f"2026-11-22T12:{minute:02}:00Z" for number, minute in enumerate(minutes)}
    messages = [
        {"msg_id": name, "status": "delivered", "last_event_time": moment}
        for name, moment in moments.items()
        if moment <= until
    ]
    handler.answer(200, json.dumps({"messages": messages[: int(query["limit"][0])]}).encode())


@pytest.mark.parametrize("minutes", [[9, 8, 7, 6, 5, 4], [9, 8, 8, 8, 7, 7, 1]])
def test_the_activity_is_continued_where_a_full_page_ends(
    monkeypatch: pytest.MonkeyPatch, minutes: list[int]
) -> None:
    monkeypatch.setattr(sendgrid_ledger, "PAGE", 4)
    with rogue_server() as server:
        server.manners["GET"] = lambda handler: activity(handler, minutes)
        listed = list(SendGridListing(sendgrid_mailer(server.url), SystemClock()).messages(SINCE))
    assert [each.message_id for each in listed] == [f"mail-{number}" for number in range(len(minutes))]


def test_an_activity_that_cannot_be_continued_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sendgrid_ledger, "PAGE", 2)
    with rogue_server() as server:
        server.manners["GET"] = lambda handler: activity(handler, [9, 9, 9])
        with pytest.raises(UnavailableError, match="more e-mails in one second"):
            list(SendGridListing(sendgrid_mailer(server.url), SystemClock()).messages(SINCE))


def test_an_unreadable_message_is_skipped_alone() -> None:
    good = {"msg_id": "m1.recvd-5c9", "status": "delivered", "last_event_time": "2026-11-22T12:00:00Z"}
    foreign = [7, {}, {**good, "status": 7}, {**good, "last_event_time": None}]
    body = json.dumps({"messages": [*foreign, good, *foreign]}).encode()
    entries: list[UnreadableEntry] = []
    with rogue_server() as server:
        server.manners["GET"] = lambda handler: handler.answer(200, body)
        listed = list(
            SendGridListing(sendgrid_mailer(server.url), SystemClock()).messages(SINCE, entries.append)
        )
    assert [each.message_id for each in listed] == ["m1"]
    assert [each.entry_id for each in entries] == [None, None, "m1.recvd-5c9", "m1.recvd-5c9"] * 2


@pytest.mark.parametrize("number", ["1e999", "9" * 5000])
def test_an_unreadable_message_has_its_id_beside_a_number_of_any_size(number: str) -> None:
    body = f'{{"messages": [{{"msg_id": "m1", "opens_count": {number}}}]}}'.encode()
    entries: list[UnreadableEntry] = []
    with rogue_server() as server:
        server.manners["GET"] = lambda handler: handler.answer(200, body)
        list(SendGridListing(sendgrid_mailer(server.url), SystemClock()).messages(SINCE, entries.append))
    assert [each.entry_id for each in entries] == ["m1"]


def test_an_unreadable_matching_email_is_not_unknown() -> None:
    with rogue_server() as server:
        server.manners["GET"] = lambda handler: handler.answer(200, b'{"messages": [{"msg_id": "m1"}]}')
        with pytest.raises(UnreadableAnswerError, match="m1"):
            SendGridListing(sendgrid_mailer(server.url), SystemClock()).find(EmailId(uuid4()))


def test_an_activity_that_is_not_a_list_is_an_error() -> None:
    with rogue_server() as server:
        server.manners["GET"] = lambda handler: handler.answer(200, b"<html>")
        with pytest.raises(UnavailableError, match="cannot be read"):
            list(SendGridListing(sendgrid_mailer(server.url), SystemClock()).messages(SINCE))


@pytest.mark.parametrize(("version", "is_old"), [("2024-09-30.acacia", True), ("2024-10-28.acacia", False)])
def test_listed_events_say_whether_their_version_has_refunds_of_cards(
    stripe: TwinProcess, version: str, *, is_old: bool
) -> None:
    stripe.turn(api_version=version)
    payments = stripe_payments(stripe.url)
    checkout = payments.open_checkout(new_checkout()).checkout_session_id
    pay_at(stripe, checkout)
    (event,) = [
        each
        for each in StripeListing(payments.client).events(SINCE)
        if each.checkout is not None and each.checkout.checkout_session_id == checkout
    ]
    assert (event.api_version, event.is_of_old_version) == (version, is_old)


@pytest.mark.parametrize(
    ("version", "found"),
    [
        (None, None),
        ("2024-09-30.acacia", EndpointVersion(api_version="2024-09-30.acacia", is_old=True)),
        ("2024-10-28.acacia", EndpointVersion(api_version="2024-10-28.acacia", is_old=False)),
    ],
)
def test_the_version_of_the_shops_own_endpoint_is_found_by_its_address(
    stripe: TwinProcess, version: str | None, found: EndpointVersion | None
) -> None:
    stripe.turn(webhook_url="https://Shop.example/api/webhooks/stripe/", endpoint_api_version=version)
    client = stripe_payments(stripe.url).client
    ours, other = "https://shop.example/api/webhooks/stripe", "https://other.example/api/webhooks/stripe"
    assert StripeListing(client, webhook_urls=[other, ours]).endpoint_version() == found
    assert StripeListing(client, webhook_urls=[other]).endpoint_version() is None


OURS = "https://shop.example/api/webhooks/stripe"
OLD, NEW = "2022-11-15", "2026-10-28.endive"


@pytest.mark.parametrize(
    ("endpoints", "found"),
    [
        ([(OLD, "enabled"), (NEW, "enabled")], EndpointVersion(api_version=NEW, is_old=False)),
        ([(OLD, "enabled"), (NEW, "disabled")], EndpointVersion(api_version=OLD, is_old=True)),
        ([(OLD, "enabled"), (None, "enabled")], None),
        ([(NEW, "enabled"), (None, "enabled")], EndpointVersion(api_version=NEW, is_old=False)),
    ],
)
def test_the_newest_enabled_endpoint_at_an_address_counts(
    endpoints: list[tuple[str | None, str]], found: EndpointVersion | None
) -> None:
    entries = [
        {
            "id": f"we_{number}",
            "object": "webhook_endpoint",
            "url": OURS,
            "status": status,
            "api_version": version,
        }
        for number, (version, status) in enumerate(endpoints)
    ]
    body = json.dumps({"object": "list", "data": entries, "has_more": False}).encode()
    with rogue_server() as server:
        server.manners["GET"] = lambda handler: handler.answer(200, body)
        listing = StripeListing(stripe_payments(server.url).client, webhook_urls=[OURS])
        assert listing.endpoint_version() == found


def test_a_key_that_may_not_list_endpoints_leaves_the_version_to_the_events() -> None:
    with rogue_server() as server:
        server.manners["GET"] = lambda handler: handler.answer(
            403, b'{"error": {"message": "no permission"}}'
        )
        listing = StripeListing(stripe_payments(server.url).client, webhook_urls=[OURS])
        assert listing.endpoint_version() is None

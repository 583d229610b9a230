"""One event that cannot be read affects its own order alone."""

import json
from copy import deepcopy
from io import BytesIO
from uuid import uuid4

import pytest

from adapters.localization.attention_text import attention_text_of
from adapters.postgres.event_codec import Codec
from domain.order.email import EmailStatus
from domain.order.events import Event, OrderErased, PhotosPurged
from domain.order.states import State
from domain.order.values import EmailKind, ObjectKey, OrderId
from domain.ports.email import DeliveryStatus, EmailWebhookEvent
from domain.ports.errors import UnreadableEventError
from domain.ports.event_store import LeftOutOrder, LogCursor, UnreadableEvent
from domain.ports.log_defects import DefectKind
from domain.ports.payments import PaymentEventKind, PaymentWebhookEvent
from domain.ports.restorer import PredictionStatus
from domain.ports.unit_of_work import Database
from domain.use_cases.audit.log_verification import verify
from domain.use_cases.support.attention_items import AttentionKind
from domain.use_cases.support.attention_list import AttentionList
from domain.use_cases.support.staff_requests import StaffRequest
from tests.contracts.list_reading import read_whole_log
from tests.contracts.stored_streams import NOON, facts, take_order
from tests.contracts.unreadable_events import DAMAGES, Damage, Spoiler
from tests.domain.support.event_builders import euros
from tests.domain.support.reconciliation_runs import compare
from tests.doubles.container import InMemoryShop
from tests.doubles.unit_of_work import InMemoryUnitOfWork

BY = StaffRequest(actor="person:grace", reason="They asked for it on the phone.")
UNKNOWN, DAMAGED = DAMAGES["unknown name"], DAMAGES["damaged fields"]


@pytest.fixture
def spoil(unit_of_work: Database, request: pytest.FixtureRequest) -> Spoiler:
    if isinstance(unit_of_work, InMemoryUnitOfWork):
        return Spoiler(unit_of_work)
    return Spoiler(unit_of_work, request.getfixturevalue("own_database_url"))


@pytest.fixture
def shop(unit_of_work: Database) -> InMemoryShop:
    return InMemoryShop(unit_of_work=unit_of_work)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_an_order_with_an_event_that_cannot_be_read_is_left_out_and_reported(
    unit_of_work: Database, spoil: Spoiler, damage: Damage
) -> None:
    spoiled, whole = facts(), facts()
    number = take_order(unit_of_work, spoiled, spoiled.moved()).payment
    take_order(unit_of_work, whole, whole.moved())
    with unit_of_work.transaction() as transaction:
        first = transaction.event_store.history(spoiled.order_id)[0]
    spoil(spoiled.order_id, damage)
    asked = [spoiled.order_id, whole.order_id, OrderId(uuid4())]
    with unit_of_work.transaction() as transaction:
        assert list(transaction.reconciliation_queries.streams(asked)) == [whole.order_id]
        (found,) = transaction.reconciliation_queries.unreadable_events(asked)
        assert transaction.reconciliation_queries.all_unreadable_events() == [found]
        assert transaction.reconciliation_queries.unreadable_events([whole.order_id]) == []
        assert transaction.reconciliation_queries.unreadable_events([]) == []
    assert number is not None
    assert (found.event_id, found.order_id, found.number, found.version, found.recorded_at) == (
        first.event_id,
        spoiled.order_id,
        number.order_number,
        1,
        NOON,
    )
    assert found.stored_name == (damage.stored_name or "order.payment_received.v3")
    assert found.stored_name in found.detail
    with (
        pytest.raises(
            UnreadableEventError, match=f"Order {spoiled.order_id} is not available .its log holds"
        ),
        unit_of_work.transaction() as transaction,
    ):
        transaction.event_store.load(spoiled.order_id)


def test_of_several_unreadable_events_of_an_order_the_first_is_returned(
    unit_of_work: Database, spoil: Spoiler
) -> None:
    about = facts()
    take_order(unit_of_work, about, about.moved())
    if not isinstance(unit_of_work, InMemoryUnitOfWork):
        spoil(about.order_id, UNKNOWN, version=2)
    spoil(about.order_id, DAMAGED, version=1)
    with unit_of_work.transaction() as transaction:
        (found,) = transaction.reconciliation_queries.unreadable_events([about.order_id])
        assert transaction.reconciliation_queries.all_unreadable_events() == [found]
    assert found.version == 1


@pytest.mark.parametrize(
    "ending", [(), (PhotosPurged(),), (OrderErased(),)], ids=["kept", "purged", "erased"]
)
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_an_order_that_is_over_and_cannot_be_read_is_found(
    unit_of_work: Database, spoil: Spoiler, damage: Damage, ending: tuple[Event, ...]
) -> None:
    whole, spoiled = facts(), facts()
    for about in (whole, spoiled):
        take_order(unit_of_work, about, *about.until_completed()[1:], *ending)
    spoil(spoiled.order_id, damage)
    with unit_of_work.transaction() as transaction:
        (found,) = transaction.reconciliation_queries.all_unreadable_events()
    assert (found.order_id, found.version) == (spoiled.order_id, 1)


def test_a_wrong_value_is_found_in_an_order_that_is_over_and_has_its_photos(
    unit_of_work: Database, spoil: Spoiler
) -> None:
    about = facts()
    paid = take_order(unit_of_work, about, *about.until_completed()[1:]).payment
    assert paid is not None
    with unit_of_work.transaction() as transaction:
        stored = json.loads(Codec().encode(transaction.event_store.history(about.order_id)[0].event))
    spoil(about.order_id, Damage(data=json.dumps({**stored, "photos": 7})))
    with unit_of_work.transaction() as transaction:
        (found,) = transaction.reconciliation_queries.all_unreadable_events()
    assert (found.order_id, found.number) == (about.order_id, paid.order_number)
    assert "photos" in found.detail


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_the_log_is_verified_past_what_cannot_be_read(
    unit_of_work: Database, spoil: Spoiler, damage: Damage
) -> None:
    spoiled, whole = facts(), facts()
    take_order(unit_of_work, spoiled, spoiled.moved())
    take_order(unit_of_work, whole)
    read_whole_log(unit_of_work, expected=3)
    spoil(spoiled.order_id, damage)
    report = verify(unit_of_work.chained_events())
    (defect,) = [each for each in report.findings if each.defect is DefectKind.UNDECODABLE]
    assert (defect.order_id, defect.version, defect.last_version) == (spoiled.order_id, 1, 1)
    assert report.head.events == 3
    assert {each.order_id for each in report.findings} == {spoiled.order_id}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_the_whole_log_is_read_past_an_event_that_cannot_be(
    unit_of_work: Database, spoil: Spoiler, damage: Damage
) -> None:
    spoiled, whole = facts(), facts()
    take_order(unit_of_work, spoiled, spoiled.moved())
    take_order(unit_of_work, whole)
    before = read_whole_log(unit_of_work, expected=3)
    spoil(spoiled.order_id, damage)
    with unit_of_work.transaction() as transaction:
        after = transaction.event_store.read_all(LogCursor(), 10)
        stream = transaction.event_store.read(spoiled.order_id)
    assert stream == [read for _, read in after if read.order_id == spoiled.order_id]
    assert [cursor for cursor, _ in after] == [cursor for cursor, _ in before]
    assert [read for _, read in after[1:]] == [read for _, read in before[1:]]
    (_, first), (_, unreadable) = before[0], after[0]
    assert isinstance(unreadable, UnreadableEvent)
    for shared in ("event_id", "order_id", "version", "position", "recorded_at", "actor"):
        assert getattr(unreadable, shared) == getattr(first, shared)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_rebuild_leaves_out_the_order_that_cannot_be_read_and_keeps_its_rows(
    unit_of_work: Database, spoil: Spoiler, damage: Damage
) -> None:
    spoiled, whole = facts(), facts()
    take_order(unit_of_work, spoiled, *spoiled.until_delivered()[1:])
    take_order(unit_of_work, whole, whole.moved())
    spoil(spoiled.order_id, damage)
    rebuilt = {
        each.order_id if isinstance(each, LeftOutOrder) else each: each for each in unit_of_work.rebuild()
    }
    assert set(rebuilt) == {spoiled.order_id, whole.order_id}
    left_out = rebuilt[spoiled.order_id]
    assert isinstance(left_out, LeftOutOrder)
    assert left_out.detail.startswith("its log holds ")
    assert rebuilt[whole.order_id] == whole.order_id
    with unit_of_work.transaction() as transaction:
        kept = {line.order_id: line.state for line in transaction.order_queries.newest(10)}
    assert kept == {spoiled.order_id: State.DELIVERED, whole.order_id: State.RESTORING}


@pytest.fixture
def completed(shop: InMemoryShop) -> tuple[OrderId, OrderId]:
    """Two orders that are complete: one to spoil, and another."""
    spoiled, other = shop.pay(shop.upload(b"wedding")), shop.pay(shop.upload(b"harvest"))
    assert shop.live(spoiled).state is State.COMPLETED
    assert shop.order(other).state is State.COMPLETED
    return spoiled, other


def intent_of(shop: InMemoryShop, order_id: OrderId) -> str:
    payment = shop.order(order_id).payment
    assert payment is not None
    assert payment.payment_intent_id is not None
    return payment.payment_intent_id


def put(shop: InMemoryShop, key: str) -> ObjectKey:
    return shop.storage.put(ObjectKey(key), BytesIO(b"left"), size_bytes=4, media_type="image/jpeg").key


def disputed(shop: InMemoryShop, intent: str) -> PaymentWebhookEvent:
    return PaymentWebhookEvent(
        event_id=f"du_{intent}",
        event_type="charge.dispute.created",
        kind=PaymentEventKind.DISPUTE_OPENED,
        payment_intent_id=intent,
        dispute_id=f"du_{intent}",
        dispute_amount=euros(490),
        reason="fraudulent",
        created_at=shop.clock.now(),
    )


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_every_side_is_compared_and_nothing_of_the_spoiled_order_is_touched(
    shop: InMemoryShop, completed: tuple[OrderId, OrderId], spoil: Spoiler, damage: Damage
) -> None:
    spoiled, other = completed
    intents = {order_id: intent_of(shop, order_id) for order_id in completed}
    sessions = [key.split("/")[2] for key in shop.storage.objects if key.startswith("uploads/temp/")]
    shop.clock.advance(days=8)
    shop.upload_cleanup.tidy()
    for order_id in completed:
        put(shop, f"uploads/restored/{order_id}/stray")
        shop.payments.refund_by_hand(intents[order_id], 100)
        shop.payment_listing.disputed.append(disputed(shop, intents[order_id]))
    strays = [put(shop, f"uploads/temp/{session}/stray") for session in sessions]
    shop.clock.advance(hours=2)
    spoil(spoiled, damage)
    objects = {key for key in shop.storage.objects if str(spoiled) in key}
    report = compare(shop, repairs=True)
    assert (report.cut_off, report.defects) == ({}, ())
    (finding,) = [each for each in report.findings if each.order_id == spoiled]
    assert (finding.side, finding.what, finding.is_repaired) == ("log", "stream_broken", False)
    assert {each.what for each in report.findings if each.order_id == other} == {
        "refund_not_on_record",
        "dispute_not_on_record",
        "stray_object",
    }
    assert objects <= set(shop.storage.objects)
    assert sum(stray in shop.storage.objects for stray in strays) == 1, (
        "the stray upload of the other order went"
    )


def test_a_prediction_of_an_order_that_cannot_be_read_goes_on(shop: InMemoryShop, spoil: Spoiler) -> None:
    spoiled = shop.pay(shop.upload(b"wedding"))
    shop.work()
    (prediction_id,) = shop.restorer.works
    shop.restorer.works["orphan"] = deepcopy(shop.restorer.works[prediction_id])
    shop.clock.advance(hours=2)
    spoil(spoiled, UNKNOWN)
    report = compare(shop, repairs=True)
    assert report.cut_off == {}
    assert [each.what for each in report.findings] == ["stream_broken"]
    assert shop.restorer.works["orphan"].prediction.status is PredictionStatus.RUNNING


def test_retention_reminders_and_cleanup_go_on_with_the_other_orders(
    shop: InMemoryShop, completed: tuple[OrderId, OrderId], spoil: Spoiler
) -> None:
    spoiled, other = completed
    spoil(spoiled, DAMAGED)
    objects = {key for key in shop.storage.objects if str(spoiled) in key}
    uploads = {key for key in shop.storage.objects if key.startswith("uploads/temp/")}
    shop.clock.advance(days=8)
    assert shop.upload_cleanup.tidy() == 1
    assert len(uploads & set(shop.storage.objects)) == 1
    shop.clock.advance(days=20)
    with pytest.raises(UnreadableEventError):
        shop.link_reminders.remind()
    assert EmailKind.REMINDER in {email.kind for email in shop.order(other).emails.values()}
    shop.live(other)
    shop.clock.advance(days=100)
    with pytest.raises(UnreadableEventError):
        shop.photo_retention.purge()
    assert shop.order(other).photos_are_purged
    assert objects <= set(shop.storage.objects)


def test_another_customer_can_be_erased(shop: InMemoryShop, spoil: Spoiler) -> None:
    spoiled = shop.pay(shop.upload(b"wedding"))
    other = shop.pay(shop.upload(b"harvest"), email="grace@customer.example")
    shop.live(other)
    spoil(spoiled, UNKNOWN)
    certificate = shop.customer_erasure.erase(
        "grace@customer.example", actor="person:ada", reason="They asked."
    )
    assert len(certificate.orders) == 1
    assert shop.order(other).state is State.ERASED
    with pytest.raises(UnreadableEventError):
        shop.customer_erasure.erase("ada@customer.example", actor="person:ada", reason="They asked.")


def test_the_address_of_a_customer_with_such_an_order_can_be_corrected(
    shop: InMemoryShop, spoil: Spoiler
) -> None:
    spoiled, other = shop.pay(shop.upload(b"wedding")), shop.pay(shop.upload(b"harvest"))
    spoil(spoiled, UNKNOWN)
    done, noted = shop.email_correction.correct(other, BY, "augusta@customer.example")
    assert (done.order.order_id, noted) == (other, 1)
    with pytest.raises(UnreadableEventError):
        shop.email_correction.correct(spoiled, BY, "grace@customer.example")


def test_the_rest_of_a_batch_of_mail_events_is_recorded(
    shop: InMemoryShop, completed: tuple[OrderId, OrderId], spoil: Spoiler
) -> None:
    spoiled, other = completed
    bounces = [
        EmailWebhookEvent(
            event_id=f"sg_{order_id}",
            order_id=order_id,
            email_id=next(iter(shop.order(order_id).emails)),
            message_id="m",
            fate=DeliveryStatus.UNDELIVERABLE,
            reason="gone",
        )
        for order_id in (spoiled, other)
    ]
    spoil(spoiled, UNKNOWN)
    with pytest.raises(UnreadableEventError):
        shop.email_webhook.handle(bounces)
    assert EmailStatus.BOUNCED in {email.status for email in shop.order(other).emails.values()}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_such_an_order_needs_staff_when_it_is_over_too(
    shop: InMemoryShop, completed: tuple[OrderId, OrderId], spoil: Spoiler, damage: Damage
) -> None:
    spoil(completed[0], damage)
    (item,) = AttentionList(unit_of_work=shop.unit_of_work).items()
    assert (item.order_id, item.kind) == (completed[0], AttentionKind.STREAM_BROKEN)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_such_an_order_needs_a_person_and_hides_no_other(
    shop: InMemoryShop, spoil: Spoiler, damage: Damage
) -> None:
    spoiled, held = shop.pay(shop.upload(b"wedding")), shop.pay(shop.upload(b"harvest"))
    for order_id in (spoiled, held):
        shop.staff_actions.hold(order_id, BY)
    number = shop.order(spoiled).payment.order_number  # type: ignore[union-attr]
    spoil(spoiled, damage)
    items = {item.order_id: item for item in AttentionList(unit_of_work=shop.unit_of_work).items()}
    assert {order_id: item.kind for order_id, item in items.items()} == {
        spoiled: AttentionKind.STREAM_BROKEN,
        held: AttentionKind.ON_HOLD,
    }
    assert items[spoiled].number == number
    assert "cannot be followed past" in attention_text_of(items[spoiled])

"""Personal data is found, exported and erased."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from domain.order.values import CustomerId, NoteId, OrderId, UploadSessionId
from domain.ports.notes import Note
from domain.ports.personal_data import Erasure
from domain.ports.unit_of_work import Database
from domain.ports.upload_sessions import UploadStatus
from domain.unmatched_payment import UnmatchedPayment
from tests.contracts.stored_streams import (
    NOON,
    checkout,
    claimed,
    facts,
    photo,
    resumable,
    schedule,
    scheduled,
    session,
)
from tests.domain.support.event_builders import Facts, euros
from tests.domain.support.recording import step

GRACE = "Grace.Hopper@example.org"


def buy(unit_of_work: Database, email: str = GRACE) -> tuple[Facts, CustomerId]:
    """Complete an order with problems; return its facts and customer."""
    about = facts()
    with unit_of_work.transaction() as transaction:
        customer_id, number = transaction.customers.receive(
            CustomerId(uuid4()),
            email,
            "Grace Hopper",
            "en-US",
            NOON.date(),
            phone="+1 555 0100",
            metadata={"country": "US"},
        )
        paid = about.paid(number=number, customer_id=customer_id)
        upload = replace(session(order_id=about.order_id), session_id=paid.upload_session_id)
        transaction.upload_sessions.open(upload)
        transaction.upload_sessions.add_photo(upload.session_id, photo("grace-and-the-moth-1947.jpg"))
        transaction.resumable_uploads.add(resumable(upload.session_id, "grace-and-the-moth-1947.jpg"))
        page = "https://pay.example/grace-hopper"
        opened = replace(checkout(), checkout_session_id=f"cs_{uuid4()}", url=page)
        transaction.upload_sessions.set_checkout(upload.session_id, opened)
        transaction.upload_sessions.set_status(upload.session_id, UploadStatus.PAID)
        points = about.credited(100, customer_id=customer_id)
        transaction.event_store.append(step(about.order_id, paid, points, *about.until_completed()[1:]))
        transaction.unmatched_payments.add(second_payment(upload.session_id))
        transaction.notes.write(note(about.order_id))
    work = scheduled(about)
    schedule(unit_of_work, work)
    held = claimed(unit_of_work, work)
    with unit_of_work.transaction() as transaction:
        transaction.reactions.postpone(held, NOON, "grace-and-the-moth-1947.jpg cannot be read")
    return about, customer_id


def second_payment(session_id: UploadSessionId) -> UnmatchedPayment:
    return UnmatchedPayment(
        checkout_session_id=f"cs_{uuid4()}",
        upload_session_id=session_id,
        payment_intent_id=f"pi_{uuid4()}",
        paid=euros(980),
        reason="The order of Grace Hopper was paid before.",
        received_at=NOON,
        note="Grace Hopper called",
    )


def note(order_id: OrderId) -> Note:
    return Note(
        note_id=NoteId(uuid4()),
        order_id=order_id,
        actor="person:ada",
        text="Grace Hopper wants them for a birthday",
        written_at=NOON,
    )


def erasure(customer_id: CustomerId) -> Erasure:
    return Erasure(
        erasure_id=uuid4(),
        customer_id=customer_id,
        actor="person:ada",
        reason="asked by mail",
        erased_at=NOON,
    )


def test_a_customer_is_found_by_address_without_regard_to_case(unit_of_work: Database) -> None:
    about, customer_id = buy(unit_of_work)
    other, other_id = buy(unit_of_work, "ada@example.org")
    with unit_of_work.transaction() as transaction:
        found = transaction.personal_data.find("grace.hopper@EXAMPLE.org", lock=True)
        assert found is not None
        assert (found.customer_id, found.email, found.name) == (customer_id, GRACE, "Grace Hopper")
        assert transaction.personal_data.find("grace@example.org") is None
        assert transaction.personal_data.orders(customer_id) == [about.order_id]
        assert transaction.personal_data.sessions(customer_id) == [about.paid().upload_session_id]
        assert transaction.personal_data.orders(other_id) == [other.order_id]


def test_holdings_are_of_one_customer_only(unit_of_work: Database) -> None:
    _, customer_id = buy(unit_of_work)
    buy(unit_of_work, "ada@example.org")
    with unit_of_work.transaction() as transaction:
        held = transaction.personal_data.holdings(customer_id)
    assert {"customers", "upload_sessions", "file_uploads", "orders", "email_queue", "reactions"} <= set(held)
    assert len(held["unmatched_payments"]) == len(held["orders"]) == len(held["customers"]) == 1
    assert "+1 555 0100" in str(held["customers"])
    assert "country" in str(held["customers"])
    assert "Grace Hopper called" in str(held["unmatched_payments"])
    assert [(line["points"], line["reason"]) for line in held["points"]] in (
        [(100, "welcome")],
        [("100", "welcome")],
    )
    assert "Grace Hopper wants them for a birthday" in str(held["notes"])
    assert "grace-and-the-moth-1947.jpg" in str(held["file_uploads"])
    assert "ada@example.org" not in str(held)


def test_nothing_identifies_an_erased_customer(unit_of_work: Database) -> None:
    about, customer_id = buy(unit_of_work)
    other, other_id = buy(unit_of_work, "ada@example.org")
    with unit_of_work.transaction() as transaction:
        before = transaction.event_store.load(about.order_id)
        grace = transaction.customers.find(customer_id)
        assert grace is not None
        kept = transaction.personal_data.holdings(other_id)
        touched = transaction.personal_data.forget(erasure(customer_id))
    assert touched == {
        "customers": 1,
        "upload_sessions": 1,
        "file_uploads": 1,
        "resumable_uploads": 1,
        "reactions": 1,
        "notes": 1,
        "unmatched_payments": 1,
    }
    with unit_of_work.transaction() as transaction:
        assert transaction.personal_data.find(GRACE) is None
        assert transaction.customers.find(customer_id) is None
        assert transaction.customers.find_by_referral_code(grace.referral_code) is None, "the code goes"
        assert transaction.points_balances.balance(customer_id) == 100, "the figures stay"
        assert transaction.event_store.load(about.order_id) == before, "the log stays as it is"
        assert transaction.upload_sessions.file_names(about.order_id) == {}
        assert transaction.notes.of(about.order_id) == []
        session = transaction.upload_sessions.find(about.paid().upload_session_id)
        assert session is not None
        assert (session.status, session.checkout and session.checkout.url) == (UploadStatus.PAID, None)
        (payment,) = (
            each
            for each in transaction.unmatched_payments.unsettled()
            if each.upload_session_id == about.paid().upload_session_id
        )
        assert "Grace" not in repr(payment)
        assert transaction.personal_data.holdings(other_id) == kept, "no other customer is erased"
        assert transaction.upload_sessions.file_names(other.order_id)


def test_uploads_of_an_erased_customer_are_left_alone_by_the_cleanup(unit_of_work: Database) -> None:
    about, customer_id = buy(unit_of_work)
    later = NOON + timedelta(days=30)
    with unit_of_work.transaction() as transaction:
        transaction.personal_data.forget(erasure(customer_id))
        stale = transaction.upload_sessions.expire_stale(later, later, 10)
    assert about.paid().upload_session_id not in stale


def test_a_payment_with_an_erased_address_is_a_new_customers(unit_of_work: Database) -> None:
    _, customer_id = buy(unit_of_work)
    with unit_of_work.transaction() as transaction:
        transaction.personal_data.forget(erasure(customer_id))
    with unit_of_work.transaction() as transaction:
        fresh, _ = transaction.customers.receive(CustomerId(uuid4()), GRACE, "Grace", None, NOON.date())
        assert fresh != customer_id
        assert transaction.personal_data.orders(fresh) == []

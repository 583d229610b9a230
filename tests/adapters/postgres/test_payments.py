"""Payments on real books: many at the same time, each notice several times, in few round trips."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, event
from structlog.testing import capture_logs

from adapters.postgres import connections
from adapters.postgres import unit_of_work as postgres
from adapters.postgres.unit_of_work import PostgresBooks
from adapters.system import TimeOrderedIds
from domain.signed_tokens import Sealer, sha256_of
from domain.use_cases.checkout.referrals_and_points import Rewarding
from domain.use_cases.order_command_handler import Recorder
from domain.use_cases.payments.order_placement import Beginning
from domain.use_cases.payments.payment_ownership import PaymentOwnership
from domain.use_cases.payments.payment_webhook import Paying
from tests.doubles.clock import StoppedClock
from tests.doubles.container import POLICY, MemoryQueue, MemoryShop
from tests.doubles.payments import MemoryPayments

THREADS = 12
PAYMENTS = 36
#: What a payment asks of the database: inbox, lock of the session, session, order, customer with number, step, status.
STATEMENTS = 7


@pytest.fixture
def books(own_database_url: str) -> Iterator[PostgresBooks]:
    books = PostgresBooks(own_database_url, connections=THREADS)
    yield books
    books.close()


@pytest.fixture
def paying(books: PostgresBooks) -> Paying:
    clock, ids = StoppedClock(), TimeOrderedIds()
    recorder = Recorder(books=books, queue=MemoryQueue(), clock=clock, ids=ids, policy=POLICY)
    sealer = Sealer(b"a secret of thirty-two characters!")
    rewarding = Rewarding(sealer=sealer, clock=clock, policy=POLICY)
    beginning = Beginning(recorder=recorder, rewarding=rewarding, clock=clock, ids=ids, policy=POLICY)
    return Paying(
        books=books,
        payments=MemoryPayments(),
        recorder=recorder,
        beginning=beginning,
        ownership=PaymentOwnership(sealer),
        clock=clock,
    )


def test_many_payments_at_once_get_numbers_without_a_gap_and_each_becomes_one_order(
    books: PostgresBooks, paying: Paying
) -> None:
    shop = MemoryShop(books=books)
    notices = [shop.payment(shop.upload(b"wedding")) for _ in range(PAYMENTS)]
    with ThreadPoolExecutor(THREADS) as customers:
        # Stripe may post the same notice twice at the same moment.
        list(customers.map(lambda notice: paying.take(notice, sha256_of(b"notice")), [*notices, *notices]))
    with books.transaction() as transaction:
        numbers = sorted(order.number for order in transaction.shelf.newest(2 * PAYMENTS))
    assert numbers == [f"20260314-{count:06}" for count in range(1, PAYMENTS + 1)]


def test_a_payment_is_written_down_in_few_round_trips(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines: list[Engine] = []
    connect = connections.connect

    def remember(database_url: str, **options: Any) -> Engine:
        engines.append(connect(database_url, **options))
        return engines[-1]

    monkeypatch.setattr(postgres, "connect", remember)
    books = PostgresBooks(own_database_url, connections=1)
    shop = MemoryShop(books=books)
    notice = shop.payment(shop.upload(b"wedding", b"harvest"))
    sent: list[str] = []
    event.listen(engines[0], "before_cursor_execute", lambda *details: sent.append(str(details[2])))
    shop.paying.take(notice, sha256_of(b"notice"))
    assert len(sent) == STATEMENTS, "\n".join(sent)
    books.close()


def test_a_notice_with_other_contents_is_logged_as_an_error_once(
    books: PostgresBooks, paying: Paying
) -> None:
    shop = MemoryShop(books=books)
    notice = shop.payment(shop.upload(b"wedding"))
    with capture_logs() as logs:
        for body in (b"notice", b"notice", b"another", b"another"):
            paying.take(notice, sha256_of(body))
    assert [(line["event"], line["log_level"], line["event_id"]) for line in logs] == [
        ("webhook_conflict", "error", notice.event_id)
    ]

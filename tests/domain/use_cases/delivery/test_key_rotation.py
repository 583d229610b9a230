"""While the key is rotated, everything that the earlier key signed works."""

from uuid import uuid4

import pytest

from domain.order.states import State
from domain.ports.errors import DatabaseBehindError
from domain.signed_tokens import TokenSigner
from domain.use_cases.recovery.log_heads import KEPT
from domain.use_cases.support.staff_requests import StaffRequest
from tests.domain.use_cases.recovery.test_restored_database import Backup
from tests.doubles.container import InMemoryShop

NEW_KEY = b"another key of thirty-two characters"


def rotate(shop: InMemoryShop, *keys: bytes) -> None:
    """Wire the shop anew with these keys, as a restart does."""
    rotated = shop.with_ports(token_signer=TokenSigner(*keys))
    shop.__dict__.update({**rotated.__dict__, "token_signer": rotated.ports.token_signer})


def test_a_mail_sent_after_the_rotation_has_the_link_as_it_was_issued(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"a wedding"))
    shop.live(order_id)
    link = shop.order(order_id).newest_link
    assert link is not None
    issued = shop.token_signer.download_token(link.link_id)
    rotate(shop, NEW_KEY, InMemoryShop.secret_key)
    shop.staff_actions.resend(order_id, StaffRequest(actor="person:grace", reason="they lost it"))
    shop.work()
    *_, newest = shop.mailer.mailbox.values()
    assert issued in newest.content.text
    assert shop.downloads.open(issued)[0].order_id == order_id


def test_a_link_for_others_stays_the_same(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"a wedding"))
    shop.live(order_id)
    link = shop.order(order_id).newest_link
    assert link is not None
    token = shop.token_signer.download_token(link.link_id)
    shared = shop.shared_links.share(token, uuid4())
    rotate(shop, NEW_KEY, InMemoryShop.secret_key)
    assert shop.shared_links.share(token, uuid4()) == shared


def test_running_predictions_and_open_checkouts_end_under_the_new_key(shop: InMemoryShop) -> None:
    running = shop.pay(shop.upload(b"a wedding"))
    shop.work()
    payment = shop.payment(shop.upload(b"a christening"))
    rotate(shop, NEW_KEY, InMemoryShop.secret_key)
    shop.end_predictions()
    shop.work()
    assert shop.order(running).state is State.COMPLETED
    assert payment.checkout is not None
    assert shop.ownership.has_valid_token(payment.checkout)


def test_a_head_of_the_earlier_key_still_shows_a_restored_backup(shop: InMemoryShop) -> None:
    backup = Backup(shop)
    shop.pay(shop.upload(b"a wedding"))
    shop.log_heads.write()
    rotate(shop, NEW_KEY, InMemoryShop.secret_key)
    shop.log_heads.check()
    backup.restore(shop)
    with pytest.raises(DatabaseBehindError):
        shop.log_heads.check()


def test_heads_of_both_keys_are_one_sequence(shop: InMemoryShop) -> None:
    shop.pay(shop.upload(b"a wedding"))
    first = shop.log_heads.write()
    rotate(shop, NEW_KEY, InMemoryShop.secret_key)
    assert shop.log_heads.newest() == first
    for number in range(KEPT):
        shop.pay(shop.upload(b"another %d" % number))
        newest = shop.log_heads.write()
    assert newest == shop.log_heads.newest()
    assert newest is not None
    assert newest.sequence == 1 + KEPT
    assert len(list(shop.storage.keys("log/heads/"))) == KEPT

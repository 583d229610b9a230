"""Persons on the command line: their archive, the question before an erasure, and its certificate."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from adapters.archive_zip import ZipArchiver
from domain.order.lifecycle import State
from domain.order.values import ObjectKey, OrderId
from domain.ports.errors import ObjectMissingError, UnavailableError
from domain.use_cases.checkout.referrals_and_points import Codes
from domain.use_cases.privacy.data_export import Exporting
from domain.use_cases.privacy.erasure import UnknownCustomerError
from entrypoints.cli.commands.erase_customer import erase
from entrypoints.cli.commands.export_customer import export
from entrypoints.cli.commands.points import show_points
from entrypoints.cli.demo.save_results import UnwritableFolderError
from entrypoints.cli.support.confirmation import NobodyAgreedError, NobodyToAskError
from entrypoints.cli.support.private_file import FileTakenError
from tests.doubles.container import MemoryShop

ADA = "ada@customer.example"


@pytest.fixture
def shop() -> MemoryShop:
    return MemoryShop()


@pytest.fixture
def order_id(shop: MemoryShop) -> OrderId:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id, hours=0.2)
    return order_id


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


def asked(shop: MemoryShop, *, is_agreed: bool = False, as_json: bool = False) -> None:
    erase(
        shop.forgetting,
        ADA,
        reason="asked by mail",
        actor="person:grace",
        is_agreed=is_agreed,
        as_json=as_json,
    )


def exporting(shop: MemoryShop) -> Exporting:
    return Exporting(books=shop.books, storage=shop.storage, archiver=ZipArchiver())


def test_nobody_is_erased_by_a_script_that_did_not_say_so(
    shop: MemoryShop, order_id: OrderId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(NobodyToAskError, match="add --yes"):
        asked(shop)
    assert shop.order(order_id).state is State.COMPLETED


@pytest.mark.parametrize("typed", ["n\n", "\n"])
def test_nobody_is_erased_unless_somebody_agrees(
    shop: MemoryShop,
    order_id: OrderId,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    with pytest.raises(NobodyAgreedError):
        asked(shop)
    assert shop.order(order_id).state is State.COMPLETED
    said = capsys.readouterr().err
    assert f"{ADA} has 1 order with 1 photo." in said
    assert "1 download link can still be used" in said


def test_whoever_agrees_gets_a_certificate_to_read(
    shop: MemoryShop,
    order_id: OrderId,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    asked(shop)
    assert shop.order(order_id).state is State.ERASED
    printed = capsys.readouterr().out
    for said in (
        "by grace: asked by mail",
        "the person behind 1 order: 20260314-000001",
        "name, e-mail address, language and referral code of 1 customer",
        "the names of 1 photo",
        "4 objects of the storage, each version counted",
        "order numbers, amounts and dates: accounts have to be kept",
        "Stripe: name, address of payment and e-mail",
        "SendGrid's messages: ",
        "SHA-256 of this certificate as JSON: ",
    ):
        assert said in printed
    assert ADA not in printed


def test_a_certificate_for_programs_is_one_document(
    shop: MemoryShop, order_id: OrderId, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(shop, is_agreed=True, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert [order["number"] for order in document["orders"]] == ["20260314-000001"]
    assert document["erasure"]["reason"] == "asked by mail"
    assert shop.order(order_id).state is State.ERASED


def test_a_certificate_says_when_the_photos_are_still_to_go(
    shop: MemoryShop, order_id: OrderId, capsys: pytest.CaptureFixture[str]
) -> None:
    del order_id
    shop.storage.weather.fail("purge", UnavailableError("The double", "out for lunch"))
    asked(shop, is_agreed=True)
    assert "the worker deletes the photos as soon as it is back" in capsys.readouterr().out


def test_an_export_is_one_private_file(
    shop: MemoryShop, order_id: OrderId, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del order_id
    target = tmp_path / "ada.zip"
    export(exporting(shop), ADA, target)
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        assert "person.json" in archive.namelist()
    assert target.stat().st_mode & 0o777 == 0o600
    assert "holds 1 order with 3 files of photos" in capsys.readouterr().out


def test_an_export_overwrites_nothing(shop: MemoryShop, order_id: OrderId, tmp_path: Path) -> None:
    del order_id
    target = tmp_path / "ada.zip"
    target.write_text("of another day")
    with pytest.raises(FileTakenError, match="choose another name"):
        export(exporting(shop), ADA, target)
    assert target.read_text() == "of another day"
    with pytest.raises(UnwritableFolderError):
        export(exporting(shop), ADA, tmp_path / "nowhere" / "ada.zip")


def test_an_export_that_breaks_off_leaves_nothing_behind(
    shop: MemoryShop, order_id: OrderId, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "ada.zip"
    service = exporting(shop)
    dossier = service.export(ADA)
    for key in list(shop.storage.objects):
        if f"restored/{order_id}" in key:
            del shop.storage.objects[ObjectKey(key)]
    monkeypatch.setattr(service, "export", lambda _: dossier)
    with pytest.raises(ObjectMissingError):
        export(service, ADA, target)
    assert not target.exists()


def test_nobody_unknown_leaves_a_file(shop: MemoryShop, tmp_path: Path) -> None:
    with pytest.raises(UnknownCustomerError):
        export(exporting(shop), ADA, tmp_path / "ada.zip")
    assert not list(tmp_path.iterdir())


def test_points_are_shown_with_the_orders_that_moved_them_and_without_the_secret_code(
    shop: MemoryShop, order_id: OrderId, capsys: pytest.CaptureFixture[str]
) -> None:
    del order_id
    with shop.books.transaction() as transaction:
        ada = transaction.persons.find(ADA)
    assert ada is not None
    friends = shop.upload(b"harvest")
    shop.checking_out.open(friends, email=None, codes=Codes(referral=ada.referral_code))
    shop.pay(friends, email="grace@friends.example")
    show_points(shop.books, ADA, as_json=False)
    printed = capsys.readouterr().out
    assert f"Referral code {ada.referral_code[:4]}-{ada.referral_code[4:]}, balance +100." in printed
    assert "20260314-000002    +100  a friend's first order" in printed
    show_points(shop.books, ADA, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert document["balance"] == 100
    assert document["lines"] == [{"order_number": "20260314-000002", "points": 100, "reason": "referral"}]
    assert shop.sealer.points_proof(ada.customer_id) not in f"{printed}{document}".replace("-", "")
    with pytest.raises(UnknownCustomerError):
        show_points(shop.books, "nobody@customer.example", as_json=False)

"""Customers on the command line: data export, confirmation and certificate of erasure."""

import io
import json
import re
import zipfile
from pathlib import Path

import pytest

from adapters.archive_zip import ZipArchiver
from adapters.localization.export_text import EnglishExportText
from adapters.postgres.personal_data import ERASE
from domain.order.states import State
from domain.order.values import ObjectKey, OrderId
from domain.ports.errors import ObjectMissingError, UnavailableError
from domain.use_cases.checkout.referrals_and_points import Codes
from domain.use_cases.privacy.data_export import DataExport
from domain.use_cases.privacy.unknown_customer import UnknownCustomerError
from entrypoints.cli.commands.erase_customer import HELD, erase
from entrypoints.cli.commands.export_customer import HistoryMissingError, export
from entrypoints.cli.commands.points import show_points
from entrypoints.cli.support.confirmation import NotConfirmedError, NoTerminalError
from entrypoints.cli.support.private_file import FileTakenError, UnwritableFolderError
from tests.contracts.stored_streams import resumable
from tests.contracts.unreadable_events import DAMAGES, spoil_in_memory
from tests.doubles.container import InMemoryShop

ADA = "ada@customer.example"


@pytest.fixture
def shop() -> InMemoryShop:
    return InMemoryShop()


@pytest.fixture
def order_id(shop: InMemoryShop) -> OrderId:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id, hours=0.2)
    return order_id


class Terminal(io.StringIO):
    """A terminal whose user types."""

    def isatty(self) -> bool:
        return True


def asked(shop: InMemoryShop, *, is_agreed: bool = False, as_json: bool = False) -> None:
    erase(
        shop.customer_erasure,
        ADA,
        reason="asked by mail",
        actor="person:grace",
        is_agreed=is_agreed,
        as_json=as_json,
    )


def data_export(shop: InMemoryShop) -> DataExport:
    return DataExport(
        unit_of_work=shop.unit_of_work, storage=shop.storage, archiver=ZipArchiver(), text=EnglishExportText()
    )


def test_no_customer_is_erased_by_a_script_without_yes(
    shop: InMemoryShop, order_id: OrderId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(NoTerminalError, match="add --yes"):
        asked(shop)
    assert shop.order(order_id).state is State.COMPLETED


@pytest.mark.parametrize("typed", ["n\n", "\n"])
def test_no_customer_is_erased_without_confirmation(
    shop: InMemoryShop,
    order_id: OrderId,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    with pytest.raises(NotConfirmedError):
        asked(shop)
    assert shop.order(order_id).state is State.COMPLETED
    summary = capsys.readouterr().err
    assert f"{ADA} has 1 order with 1 photo." in summary
    assert "1 download link can still be used" in summary


def test_a_confirmed_erasure_prints_a_certificate(
    shop: InMemoryShop,
    order_id: OrderId,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    asked(shop)
    assert shop.order(order_id).state is State.ERASED
    printed = capsys.readouterr().out
    for text in (
        "by grace: asked by mail",
        "the person behind 1 order: 20260314-000001",
        "name, e-mail address, phone number, language, referral code and metadata of 1 customer",
        "the names of 1 photo",
        "4 objects of the storage, each version counted",
        "order numbers, amounts and dates: accounts have to be kept",
        "Stripe: name, address of payment and e-mail",
        "SendGrid's messages: ",
        "SHA-256 of this certificate as JSON: ",
    ):
        assert text in printed
    assert ADA not in printed


def test_a_customer_who_uploaded_in_pieces_gets_a_whole_certificate(
    shop: InMemoryShop, order_id: OrderId, capsys: pytest.CaptureFixture[str]
) -> None:
    payment = shop.order(order_id).payment
    assert payment is not None
    with shop.unit_of_work.transaction() as transaction:
        transaction.resumable_uploads.add(resumable(payment.upload_session_id))
    asked(shop, is_agreed=True)
    printed = capsys.readouterr().out
    assert "the file name and metadata of 1 resumable upload" in printed
    assert "SHA-256 of this certificate as JSON: " in printed


def test_a_certificate_has_a_sentence_for_each_table_that_is_erased() -> None:
    assert set(HELD) == set(ERASE)


def test_a_certificate_names_each_erased_column_of_the_customer() -> None:
    columns = set(re.findall(r"(\w+) = (?:NULL|DEFAULT)", ERASE["customers"]))
    words = {
        "email": "e-mail address",
        "name": "name",
        "phone": "phone number",
        "locale": "language",
        "referral_code": "referral code",
        "metadata": "metadata",
    }
    assert columns == set(words)
    assert all(word in HELD["customers"][0] for word in words.values())


def test_a_certificate_for_programs_is_one_document(
    shop: InMemoryShop, order_id: OrderId, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(shop, is_agreed=True, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert [order["number"] for order in document["orders"]] == ["20260314-000001"]
    assert document["erasure"]["reason"] == "asked by mail"
    assert shop.order(order_id).state is State.ERASED


def test_a_certificate_says_when_the_photos_are_still_to_go(
    shop: InMemoryShop, order_id: OrderId, capsys: pytest.CaptureFixture[str]
) -> None:
    del order_id
    shop.storage.fault_injector.fail("purge", UnavailableError("The double", "out for lunch"))
    asked(shop, is_agreed=True)
    assert "the worker deletes the photos as soon as it is back" in capsys.readouterr().out


def test_an_export_is_one_private_file(
    shop: InMemoryShop, order_id: OrderId, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del order_id
    target = tmp_path / "ada.zip"
    export(data_export(shop), ADA, target)
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        assert "person.json" in archive.namelist()
    assert target.stat().st_mode & 0o777 == 0o600
    assert "holds 1 order with 3 files of photos" in capsys.readouterr().out


def test_an_export_without_the_history_of_an_order_is_written_and_ends_with_an_error(
    shop: InMemoryShop, order_id: OrderId, tmp_path: Path
) -> None:
    spoil_in_memory(shop.own_unit_of_work, order_id, DAMAGES["unknown name"])
    with pytest.raises(
        HistoryMissingError, match=f"of 1 order: .* Order {order_id}: its log holds order.framed.v1; run"
    ):
        export(data_export(shop), ADA, tmp_path / "ada.zip")
    with zipfile.ZipFile(tmp_path / "ada.zip") as archive:
        assert f"{order_id}/incomplete.txt" in archive.namelist()


def test_an_export_overwrites_nothing(shop: InMemoryShop, order_id: OrderId, tmp_path: Path) -> None:
    del order_id
    target = tmp_path / "ada.zip"
    target.write_text("of another day")
    with pytest.raises(FileTakenError, match="choose another name"):
        export(data_export(shop), ADA, target)
    assert target.read_text() == "of another day"
    with pytest.raises(UnwritableFolderError):
        export(data_export(shop), ADA, tmp_path / "nowhere" / "ada.zip")


def test_an_export_that_breaks_off_leaves_nothing_behind(
    shop: InMemoryShop, order_id: OrderId, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "ada.zip"
    service = data_export(shop)
    export_archive = service.export(ADA)
    for key in list(shop.storage.objects):
        if f"restored/{order_id}" in key:
            del shop.storage.objects[ObjectKey(key)]
    monkeypatch.setattr(service, "export", lambda _: export_archive)
    with pytest.raises(ObjectMissingError):
        export(service, ADA, target)
    assert not target.exists()


def test_an_unknown_customer_leaves_no_file(shop: InMemoryShop, tmp_path: Path) -> None:
    with pytest.raises(UnknownCustomerError):
        export(data_export(shop), ADA, tmp_path / "ada.zip")
    assert not list(tmp_path.iterdir())


def test_points_are_shown_with_the_orders_that_moved_them_and_without_the_secret_code(
    shop: InMemoryShop, order_id: OrderId, capsys: pytest.CaptureFixture[str]
) -> None:
    del order_id
    with shop.unit_of_work.transaction() as transaction:
        ada = transaction.personal_data.find(ADA)
    assert ada is not None
    friends = shop.upload(b"harvest")
    shop.checkout_service.open(friends, email=None, codes=Codes(referral=ada.referral_code))
    shop.pay(friends, email="grace@friends.example")
    show_points(shop.queries.points(ADA), as_json=False)
    printed = capsys.readouterr().out
    assert f"Referral code {ada.referral_code[:4]}-{ada.referral_code[4:]}, balance +100." in printed
    assert "20260314-000002    +100  a friend's first order" in printed
    show_points(shop.queries.points(ADA), as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert document["balance"] == 100
    assert document["lines"] == [{"order_number": "20260314-000002", "points": 100, "reason": "referral"}]
    assert shop.token_signer.points_token(ada.customer_id) not in f"{printed}{document}".replace("-", "")
    with pytest.raises(UnknownCustomerError):
        shop.queries.points("nobody@customer.example")

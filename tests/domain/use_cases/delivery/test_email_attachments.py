"""Restored photos are attached while the mail stays small enough.

The link is in the mail in any case.
"""

from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from domain.ports.email import OutgoingEmail, RenderedEmail
from domain.use_cases.delivery.email_size import encoded_size_bytes
from domain.use_cases.shop_policy import ShopPolicy
from tests.doubles.container import POLICY, InMemoryShop

#: How far the estimate may exceed the truth: it leaves space for headers, and for texts wrapped at their
#: worst.
MARGIN_BYTES = 100_000


def result_mail(policy: ShopPolicy) -> OutgoingEmail:
    shop = InMemoryShop(policy)
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))
    shop.live(order_id, hours=0.1)
    return list(shop.mailer.mailbox.values())[-1]


def test_the_archive_is_attached_while_the_whole_mail_stays_under_the_limit() -> None:
    mail = result_mail(POLICY)
    assert mail.attachment is not None
    assert mail.attachment.name.endswith(".zip")
    weight = encoded_size_bytes(mail.content, len(mail.attachment.content))
    assert result_mail(replace(POLICY, delivery=replace(POLICY.delivery, max_email_bytes=weight + 1))) == mail
    too_heavy = result_mail(replace(POLICY, delivery=replace(POLICY.delivery, max_email_bytes=weight)))
    assert too_heavy.attachment is None
    assert "is_attached=False" in too_heavy.content.html
    assert "/api/download/" in too_heavy.content.text


def test_a_mail_stays_under_twenty_megabytes_and_may_come_close() -> None:
    assert POLICY.delivery.max_email_bytes == 20_000_000
    email_content = RenderedEmail(
        subject="Photos", text="Adele looks well.\n" * 100, html="<p>Adele looks well.</p>\n" * 300
    )
    heaviest = max(
        size
        for size in range(14_000_000, 15_000_000, 57)
        if encoded_size_bytes(email_content, size) < 20_000_000
    )
    assert 20_000_000 - MARGIN_BYTES < len(as_it_travels(email_content, heaviest)) < 20_000_000


@pytest.mark.parametrize(
    "text", ["Adele looks well.", "Großtante Käthe, geb. Müßiggång.", "写真が修復されました。"]
)
@pytest.mark.parametrize("size_bytes", [0, 1, 56, 57, 58, 100_000])
def test_no_mail_is_larger_than_its_computed_size(text: str, size_bytes: int) -> None:
    email_content = RenderedEmail(subject="Photos", text=f"{text}\n" * 200, html=f"<p>{text}</p>" * 200)
    assert len(as_it_travels(email_content, size_bytes)) < encoded_size_bytes(email_content, size_bytes)
    assert (
        encoded_size_bytes(email_content, size_bytes)
        < len(as_it_travels(email_content, size_bytes)) + MARGIN_BYTES
    )


def as_it_travels(email_content: RenderedEmail, attachment_bytes: int) -> bytes:
    """The mail as servers transfer it."""
    message = EmailMessage(policy=SMTP)
    message["Subject"], message["To"], message["From"] = (
        email_content.subject,
        "adele@example.com",
        "shop@example.com",
    )
    message.set_content(email_content.text, cte="quoted-printable")
    message.add_alternative(email_content.html, subtype="html", cte="quoted-printable")
    message.add_attachment(
        bytes(attachment_bytes), maintype="application", subtype="zip", filename="photos.zip"
    )
    return message.as_bytes()

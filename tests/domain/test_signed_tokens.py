"""Stored tokens stay valid, and none is valid for another purpose."""

from uuid import UUID

from domain.order.values import CustomerId, DownloadLinkId, ImageId, ObjectKey, OrderId, UploadSessionId
from domain.signed_tokens import TokenSigner, sha256_of

GOLDEN = {
    "download": "wYxasmQM3T8agfWCv-loAUFJU4CQvU3AetMO2jauPpA",
    "prediction": "I1StI3PVhA2k3mLQxiD2GrHmZ-eLmxfKDr-Ve-IMTQY",
    "payment": "5awaLAUeOQYys3C7tujz2R3J1Y7Um4M75n1MRQK9W6w",
    "object": "u0brp0SM6R0jTM9zqWCqovQsHGijmY5qxiGqEPi1_9c",
    "shop": "gmrsUe9JoNv1sB1U",
}
SIGNER = TokenSigner(b"a secret of thirty-two characters!")
ONE, OTHER = UUID(int=1), UUID(int=2)


def test_tokens_that_are_stored_never_change() -> None:
    """Metadata, objects and links keep tokens that later versions have to verify."""
    key = ObjectKey("uploads/originals/wedding")
    assert {
        "download": SIGNER.download_token(DownloadLinkId(ONE)),
        "prediction": SIGNER.prediction_token(OrderId(ONE), ImageId(OTHER), 3),
        "payment": SIGNER.payment_token(UploadSessionId(ONE), OrderId(OTHER)),
        "object": SIGNER.object_token(key, {"b": "2", "a": "1"}),
        "shop": SIGNER.shop_names()[0],
    } == GOLDEN


def test_an_object_named_like_another_purpose_gets_no_token_of_it() -> None:
    assert not SIGNER.object_token(ObjectKey("shop"), {}).startswith(SIGNER.shop_names()[0])
    link = SIGNER.object_token(ObjectKey("download"), {})
    assert not SIGNER.is_object_token(SIGNER.download_token(DownloadLinkId(ONE)), ObjectKey(str(ONE)), {})
    assert link != SIGNER.object_token(ObjectKey("download"), {"": ""})


def test_tokens_of_earlier_keys_stay_valid_while_the_key_is_rotated() -> None:
    rotated = TokenSigner(b"another key of thirty-two characters", b"a secret of thirty-two characters!")
    key, labels, customer = ObjectKey("uploads/originals/wedding"), {"a": "1"}, CustomerId(ONE)
    assert rotated.is_prediction_token(GOLDEN["prediction"], OrderId(ONE), ImageId(OTHER), 3)
    assert rotated.is_payment_token(GOLDEN["payment"], UploadSessionId(ONE), OrderId(OTHER))
    assert rotated.is_object_token(SIGNER.object_token(key, labels), key, labels)
    assert rotated.is_points_token(SIGNER.points_token(customer), customer)
    assert rotated.shop_names() == (
        TokenSigner(b"another key of thirty-two characters").shop_names()[0],
        GOLDEN["shop"],
    )


def test_a_new_key_signs_and_a_dropped_one_verifies_nothing() -> None:
    new = TokenSigner(b"another key of thirty-two characters")
    rotated = TokenSigner(b"another key of thirty-two characters", b"a secret of thirty-two characters!")
    assert rotated.payment_token(UploadSessionId(ONE), OrderId(OTHER)) != GOLDEN["payment"]
    assert new.is_payment_token(
        rotated.payment_token(UploadSessionId(ONE), OrderId(OTHER)), UploadSessionId(ONE), OrderId(OTHER)
    )
    assert not new.is_payment_token(GOLDEN["payment"], UploadSessionId(ONE), OrderId(OTHER))
    assert not new.is_prediction_token(GOLDEN["prediction"], OrderId(ONE), ImageId(OTHER), 3)


def test_an_issued_link_keeps_the_token_of_its_key() -> None:
    rotated = TokenSigner(b"another key of thirty-two characters", b"a secret of thirty-two characters!")
    link = DownloadLinkId(ONE)
    for signer in (SIGNER, rotated):
        assert rotated.issued_download_token(link, sha256_of(signer.download_token(link))) == (
            signer.download_token(link)
        )

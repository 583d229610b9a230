"""Stored tokens stay valid, and none is valid for another purpose."""

from uuid import UUID

from domain.order.values import DownloadLinkId, ImageId, ObjectKey, OrderId, UploadSessionId
from domain.signed_tokens import TokenSigner

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
        "shop": SIGNER.shop_name(),
    } == GOLDEN


def test_an_object_named_like_another_purpose_gets_no_token_of_it() -> None:
    assert not SIGNER.object_token(ObjectKey("shop"), {}).startswith(SIGNER.shop_name())
    link = SIGNER.object_token(ObjectKey("download"), {})
    assert not SIGNER.is_object_token(SIGNER.download_token(DownloadLinkId(ONE)), ObjectKey(str(ONE)), {})
    assert link != SIGNER.object_token(ObjectKey("download"), {"": ""})

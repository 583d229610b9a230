"""Ids that are derived from what they identify."""

from uuid import UUID

from domain.order.deterministic_ids import note_of_payment_by_hand, provider_refund_id_by_hand
from domain.order.reactions import CollectRestoration, reaction_id_of
from domain.order.replacement import made
from domain.order.values import ImageId, NoteId, OrderId

NOTE = NoteId(UUID("01931000-0000-7000-8000-000000000001"))


def test_a_payment_by_hand_names_its_note_and_a_providers_refund_names_none() -> None:
    assert note_of_payment_by_hand(provider_refund_id_by_hand(NOTE)) == NOTE
    assert note_of_payment_by_hand("re_1") is None


def test_the_id_of_a_reaction_does_not_change() -> None:
    reaction = CollectRestoration(image_id=ImageId(UUID(int=2)), attempt=3, prediction_id="p1")
    stored = made(CollectRestoration, prediction_id="p1", attempt=3, image_id=ImageId(UUID(int=2)))
    expected = UUID("a84f0264-b922-5a14-bc0f-f119fd360c4f")
    assert [reaction_id_of(OrderId(UUID(int=1)), each) for each in (reaction, stored)] == [expected] * 2

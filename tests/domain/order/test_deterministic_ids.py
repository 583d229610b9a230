"""Ids that are derived from what they identify."""

from uuid import UUID

from domain.order.deterministic_ids import note_of_payment_by_hand, provider_refund_id_by_hand
from domain.order.values import NoteId

NOTE = NoteId(UUID("01931000-0000-7000-8000-000000000001"))


def test_a_payment_by_hand_names_its_note_and_a_providers_refund_names_none() -> None:
    assert note_of_payment_by_hand(provider_refund_id_by_hand(NOTE)) == NOTE
    assert note_of_payment_by_hand("re_1") is None

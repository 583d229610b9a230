"""The copies of ``evolve`` equal those of the standard library."""

import dataclasses
from functools import cached_property

import pytest

from domain.order import download_link, email, image, ledger, order
from domain.order.email import Email
from domain.order.replacement import replace, with_defaults
from domain.order.values import EmailKind
from tests.domain.support.event_builders import Facts
from tests.domain.support.given_when_then import given

VALUES = [
    kind
    for module in (order, image, ledger, email, download_link)
    for kind in vars(module).values()
    if dataclasses.is_dataclass(kind) and isinstance(kind, type) and kind.__module__ == module.__name__
]


def test_a_copy_equals_that_of_the_standard_library_and_leaves_its_source_alone() -> None:
    before = given(*Facts().until_delivered()).order
    after = replace(before, version=before.version + 1, hold=None)
    assert after == dataclasses.replace(before, version=before.version + 1, hold=None)
    assert after.version == before.version + 1
    assert (before, type(after)) == (given(*Facts().until_delivered()).order, type(before))


def test_a_value_with_defaults_equals_that_of_the_constructor() -> None:
    sent = Facts().sent(EmailKind.RESULT)
    photo = Facts().paid().photos[0]
    assert with_defaults(Email, email_id=sent.email_id, kind=sent.kind) == Email(
        email_id=sent.email_id, kind=sent.kind
    )
    assert with_defaults(
        image.Image, image_id=photo.image_id, upload=photo.upload, share=photo.share
    ) == image.Image(image_id=photo.image_id, upload=photo.upload, share=photo.share)


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
def test_no_value_of_the_aggregate_has_state_that_a_copy_would_share(kind: type) -> None:
    assert not hasattr(kind, "__post_init__")
    assert not hasattr(kind, "__slots__")
    assert not any(isinstance(member, cached_property) for member in vars(kind).values())

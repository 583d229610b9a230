"""Refused files, carried from a form to the page that names them."""

from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from domain.order.values import UploadSessionId
from domain.ports.errors import UnreadableImageError
from entrypoints.bootstrap.wording import localization_of
from entrypoints.http.pages.kept_refusals import SentForm, keep, kept_by
from entrypoints.http.pages.photo_refusals import Refusal
from entrypoints.http.pages.site import Site
from tests.entrypoints.http.test_third_language import REFUSALS
from tests.entrypoints.support.http_fixtures import ApiClient


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: error.refusal)
def test_each_kind_of_refusal_arrives_as_the_same_sentence(
    api: ApiClient, error: UnreadableImageError
) -> None:
    sent = Refusal(file_name="tante „Adèle“; 1.jpg", error=error)
    header = keep(
        SentForm(refusals=[sent]),
        UploadSessionId(uuid4()),
        Site.of(api.http.app.state),
    )
    (cookie,) = SimpleCookie(header).values()
    request: Any = SimpleNamespace(cookies={cookie.key: cookie.value})
    german = localization_of("de")
    (arrived,) = kept_by(request, german).refusals
    assert (arrived.file_name, arrived.sentence(german)) == (sent.file_name, sent.sentence(german))

"""The API does what its OpenAPI document says, whatever it is sent.

schemathesis makes requests from the document, valid and invalid ones, follows its links, and compares the responses.
"""

import gc
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from entrypoints.http import create_app, event_stream
from entrypoints.http.tus_protocol import PIECE_MEDIA_TYPE
from tests.doubles.container import POLICY
from tests.entrypoints.support.http_fixtures import HttpShop

#: Quotas that no run uses up.
PLENTY = 10**9

#: Valid requests that are refused: unknown codes, bytes that are no picture, photos that cannot be tried again, files
#: that are not the expected ones, pieces that lost a race, calls without a key.
REFUSALS = ["400", "401", "404", "409", "410", "412", "413", "415", "416", "422", "429", "460", "5xx"]


@schemathesis.serializer(PIECE_MEDIA_TYPE)
def serialize_piece(context: Any, value: Any) -> Any:
    del context
    return value if isinstance(value, bytes) else str(value).encode()


def shop_without_limits() -> HttpShop:
    quotas = replace(POLICY.visitor_quotas, **dict.fromkeys(vars(POLICY.visitor_quotas), PLENTY))
    return HttpShop(replace(POLICY, visitor_quotas=quotas))


def known_values(shop: HttpShop) -> dict[str, str]:
    """Path parameters of a delivered order and of an open session."""
    order_id, session_id = shop.delivered(), shop.upload(b"portrait")
    (photo,) = shop.upload_service.find(session_id).photos
    (image_id,) = shop.order(order_id).images
    return {
        "order": str(order_id),
        "image": str(image_id),
        "token": shop.token(order_id),
        "session": str(session_id),
        "photo": str(photo.photo_id),
    }


@pytest.fixture(autouse=True)
def streams_end_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """schemathesis reads each stream to its end."""
    monkeypatch.setattr(event_stream, "STREAM_SECONDS", 0.0)


def is_id(value: Any) -> bool:
    """Whether a path parameter is valid, and may be replaced by another."""
    try:
        return bool(UUID(str(value)))
    except ValueError:
        return False


def failures(*, examples: int, steps: int, covers: bool) -> Iterator[str]:
    """Each way in which the API differs from its document."""
    shop = shop_without_limits()
    known = known_values(shop)
    config = SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "generation": {"max-examples": examples, "database": "none", "deterministic": True},
            "phases": {"coverage": {"enabled": covers}, "stateful": {"enabled": True, "max-steps": steps}},
            "checks": {
                "positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", *REFUSALS]},
                "negative_data_rejection": {"expected-statuses": ["405", *REFUSALS]},
                "missing_required_header": {"expected-statuses": REFUSALS},
            },
        }
    )
    schema = schemathesis.openapi.from_asgi("/schema/openapi.json", create_app(shop), config=config)

    @schema.hook
    def map_path_parameters(context: Any, path_parameters: Any) -> Any:
        """Let half of the requests be about what exists."""
        del context
        if not path_parameters or not all(
            is_id(value) for name, value in path_parameters.items() if name in known and name != "token"
        ):
            return path_parameters
        if zlib.crc32(repr(sorted(path_parameters.items())).encode()) % 2:
            return {**path_parameters, **{name: known[name] for name in path_parameters if name in known}}
        return path_parameters

    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            yield f"{event!r}"
        if isinstance(event, events.ScenarioFinished):
            for case_id, checks in event.recorder.checks.items():
                label = event.recorder.cases[case_id].value.operation.label
                for check in checks:
                    if check.failure_info is not None:
                        found = check.failure_info
                        yield f"{label}: {found.failure.title}: {found.failure.message}\n{found.code_sample}"


@pytest.fixture
def leaks_are_not_ours() -> Iterator[None]:
    """The client of schemathesis leaves the streams in memory open."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


@pytest.mark.usefixtures("leaks_are_not_ours")
def test_the_api_answers_as_documented() -> None:
    assert list(failures(examples=2, steps=5, covers=False)) == []


@pytest.mark.slow
@pytest.mark.usefixtures("leaks_are_not_ours")
def test_the_api_answers_as_documented_whatever_it_is_sent() -> None:
    assert list(failures(examples=15, steps=8, covers=True)) == []

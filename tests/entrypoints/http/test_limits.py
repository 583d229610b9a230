"""Limits per client, in total, and by the free storage."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import cast

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from litestar.types import ASGIApp, Receive, Scope, Send

from domain.ports.rate_limiter import Quota
from domain.use_cases.shop_policy import MEBIBYTE, VisitorQuotas
from tests.doubles.container import POLICY
from tests.entrypoints.support.http_fixtures import PORTRAIT, ApiClient, HttpShop, application, assert_problem


class Network:
    """Middleware that sets the current client's address on each request."""

    def __init__(self, app: ASGIApp) -> None:
        self.client = "198.51.100.7"
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["client"] = (self.client, 50_000)
        await self._app(scope, receive, send)


@contextmanager
def limited_api(**quotas: int) -> Iterator[tuple[ApiClient, Network]]:
    """A shop with these quotas, its HTTP API and a network."""
    shop = HttpShop(replace(POLICY, visitor_quotas=VisitorQuotas(**quotas)))
    network = Network(application(shop))
    with TestClient(cast("Litestar", network), raise_server_exceptions=False) as http:
        yield ApiClient(shop, http), network


@dataclass
class BrokenLimiter:
    """An unavailable store of counts, which allows everything."""

    def take(self, quota: Quota, client: str, amount: int = 1) -> timedelta | None:
        del quota, client, amount
        return None

    def exceeded_for(self, quota: Quota, client: str) -> timedelta | None:
        del quota, client
        return None


def test_a_client_with_too_many_sessions_receives_a_retry_time_and_others_are_served() -> None:
    with limited_api(sessions_by_client=2) as (api, network):
        assert [api.http.post("/api/uploads").status_code for _ in range(2)] == [201, 201]
        refused = api.http.post("/api/uploads")
        problem = assert_problem(refused, 429, "too-many-requests")
        assert problem["detail"] == (
            "There were too many uploads within an hour: please try again in 60 minutes."
        )
        assert refused.headers["retry-after"] == "3600"
        network.client = "198.51.100.8"
        assert api.http.post("/api/uploads").status_code == 201
        network.client = "198.51.100.7"
        api.shop.clock.advance(hours=1)
        assert api.http.post("/api/uploads").status_code == 201


def test_one_network_of_ipv6_is_one_client() -> None:
    with limited_api(sessions_by_client=1) as (api, network):
        statuses = []
        for network.client in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"):
            statuses.append(api.http.post("/api/uploads").status_code)
        assert statuses == [201, 429, 201]


def test_the_total_of_sessions_holds_while_the_count_by_client_is_unavailable() -> None:
    with limited_api(sessions_by_client=1, sessions=3) as (api, network):
        api.shop.visitor_limits._limiter = BrokenLimiter()  # noqa: SLF001 -- Valkey is unavailable
        assert [api.http.post("/api/uploads").status_code for _ in range(3)] == [201] * 3
        network.client = "198.51.100.8"
        assert_problem(api.http.post("/api/uploads"), 429, "too-many-requests")


@pytest.mark.parametrize("quota", ["mebibytes_by_client", "mebibytes"])
def test_photos_are_bounded_by_size_before_their_bytes_are_received(quota: str) -> None:
    with limited_api(**{quota: 2}) as (api, _):
        session_id = api.open_session()
        assert api.send_photo(session_id).status_code == 201
        assert api.send_photo(session_id, PORTRAIT + b"second").status_code == 201
        assert_problem(api.send_photo(session_id, PORTRAIT + b"third"), 429, "too-many-requests")
        assert len(api.shop.upload_service.find(session_id).photos) == 2


@pytest.mark.parametrize("quota", ["checkouts_by_client", "checkouts"])
def test_requests_for_a_checkout_are_bounded(quota: str) -> None:
    with limited_api(**{quota: 1}) as (api, _):
        session_id = api.open_session()
        api.send_photo(session_id)
        body = {"session_id": str(session_id)}
        assert api.http.post("/api/checkout-sessions", json=body).status_code == 201
        assert_problem(api.http.post("/api/checkout-sessions", json=body), 429, "too-many-requests")


@pytest.mark.parametrize("quota", ["code_guesses_by_client", "code_guesses"])
@pytest.mark.parametrize(
    "code", [{"referral_code": "AAAA0000"}, {"points_code": "AAAA0000-BBBB1111CCCC2222"}]
)
def test_guesses_of_codes_are_bounded_and_a_checkout_without_a_code_is_not(
    quota: str, code: dict[str, str]
) -> None:
    with limited_api(**{quota: 2}) as (api, _):
        session_id = api.open_session()
        api.send_photo(session_id)
        body = {"session_id": str(session_id), "email": "adele@customers.example"}
        guesses = [api.http.post("/api/checkout-sessions", json={**body, **code}) for _ in range(3)]
        assert [guess.status_code for guess in guesses] == [422, 422, 429]
        assert api.http.post("/api/checkout-sessions", json=body).status_code == 201


def test_a_storage_that_is_nearly_full_takes_no_photos_says_when_to_come_back_and_recovers() -> None:
    policy = replace(
        POLICY, uploads=replace(POLICY.uploads, max_stored_bytes=MEBIBYTE, max_photo_bytes=2 * MEBIBYTE)
    )
    shop = HttpShop(policy)
    with TestClient(application(shop), raise_server_exceptions=False) as http:
        api = ApiClient(shop, http)
        session_id = api.open_session()
        assert api.send_photo(session_id, PORTRAIT + bytes(MEBIBYTE)).status_code == 201
        api.shop.clock.advance(minutes=2)
        refused = api.send_photo(session_id, PORTRAIT + b"second")
        problem = assert_problem(refused, 503, "storage-nearly-full")
        assert "the photos that you have sent are safe" in problem["detail"]
        assert refused.headers["retry-after"] == "3600"
        api.shop.clock.advance(days=8)
        api.shop.upload_cleanup.tidy()
        assert api.send_photo(api.open_session()).status_code == 201


def test_counts_of_past_hours_are_deleted() -> None:
    with limited_api() as (api, _):
        api.open_session()
        api.shop.clock.advance(hours=3)
        api.open_session()
        api.shop.visitor_limits.forget_past()
        [(name, _)] = api.shop.own_unit_of_work.pages.usage
        assert name == "sessions"

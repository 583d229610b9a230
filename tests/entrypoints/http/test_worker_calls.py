"""A scheduler with the key does a worker's work over HTTP."""

from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from pydantic import SecretStr

from entrypoints.http import create_app
from entrypoints.http.api.worker_calls import WorkerAccess
from entrypoints.settings import Settings
from entrypoints.worker.worker_calls import Worker, WorkerBusyError, WorkerCalls
from tests.entrypoints.support.http_fixtures import ApiClient, HttpShop, assert_problem

KEY = "the key of a scheduler that nobody guesses"
BEARER = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def shop() -> HttpShop:
    return HttpShop()


@pytest.fixture(scope="module")
def calls(shop: HttpShop) -> WorkerCalls:
    return WorkerCalls(shop, Settings.model_construct())


@pytest.fixture(scope="module")
def http(shop: HttpShop, calls: WorkerCalls) -> Iterator[TestClient[Litestar]]:
    access = WorkerAccess(secret_key=SecretStr(KEY), calls=calls)
    with TestClient(create_app(shop, worker_access=access), raise_server_exceptions=False) as http:
        yield http


def test_a_call_answers_what_it_did(shop: HttpShop, http: TestClient[Litestar]) -> None:
    shop.pay(shop.upload(b"great-aunt Adele, 1931"))
    answer = http.post("/api/workers/restoration", headers=BEARER)
    assert answer.status_code == 200
    did = answer.json()
    assert did.pop("seconds") < 25
    assert did == {
        "worker": "restoration",
        "performed": {"MoveImages": 1, "RestoreImage": 1},
        "failed": 0,
        "tasks": {},
        "reconciliation": None,
        "is_more": False,
        "is_finished": True,
    }


@pytest.mark.parametrize("worker", Worker)
def test_each_worker_answers(http: TestClient[Litestar], worker: Worker) -> None:
    answer = http.post(f"/api/workers/{worker}", headers=BEARER, params={"reactions": 500, "seconds": 600})
    assert (answer.status_code, answer.json()["worker"]) == (200, worker)


def test_a_reconciliation_is_reported_by_codes_and_numbers(
    shop: HttpShop, http: TestClient[Litestar]
) -> None:
    shop.clock.advance(days=2)
    did = http.post("/api/workers/reconcile", headers=BEARER).json()["reconciliation"]
    assert set(did) == {"remaining", "repaired", "cut_off"}
    assert did["cut_off"] == {}


def test_a_caller_gets_its_address_as_the_api_sees_it(http: TestClient[Litestar]) -> None:
    seen = http.get("/api/workers", headers=BEARER).json()
    assert seen["client"] == "testclient"
    assert len(seen["shop"]) == 16
    assert_problem(http.get("/api/workers"), 401, "worker-key-required")


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", f"Basic {KEY}", KEY, f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", "Bearer ÿ"],
)
def test_without_the_key_nothing_is_done(
    shop: HttpShop, http: TestClient[Litestar], authorization: str | None
) -> None:
    order_id = shop.pay(shop.upload(b"the wedding, %d" % hash(authorization)))
    before = shop.events(order_id)
    headers = {} if authorization is None else {b"Authorization": authorization.encode("latin-1")}
    for worker in Worker:
        answer = http.post(f"/api/workers/{worker}", headers=headers)
        problem = assert_problem(answer, 401, "worker-key-required")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert KEY not in str(problem)
    assert shop.events(order_id) == before


@pytest.mark.parametrize(
    "path",
    [
        "restoration?seconds=0",
        "restoration?seconds=601",
        "email?reactions=0",
        "email?reactions=501",
    ],
)
def test_limits_are_checked(http: TestClient[Litestar], path: str) -> None:
    assert_problem(http.post(f"/api/workers/{path}", headers=BEARER), 400, "request-malformed")


def test_an_unknown_worker_is_answered_with_the_known_ones(http: TestClient[Litestar]) -> None:
    problem = assert_problem(http.post("/api/workers/nonsense", headers=BEARER), 404, "worker-unknown")
    assert problem["detail"] == (
        "There is no such worker: call one of restoration, email, cleanup, sweeper, reconcile."
    )


def test_a_second_call_of_a_worker_waits_for_the_first(
    http: TestClient[Litestar], calls: WorkerCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(worker: Worker, **_: object) -> None:
        raise WorkerBusyError(worker)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(calls, "call", busy)
        answer = http.post("/api/workers/email", headers=BEARER)
    assert_problem(answer, 429, "worker-busy")
    assert answer.headers["retry-after"]
    assert http.post("/api/workers/email", headers=BEARER).status_code == 200


def test_they_are_off_while_the_key_signs_links_as_well(api: ApiClient) -> None:
    """The application of a shop without LINK_SIGNING_KEY."""
    for worker in Worker:
        assert_problem(api.http.post(f"/api/workers/{worker}", headers=BEARER), 404, "worker-calls-off")
        assert_problem(api.http.post(f"/api/workers/{worker}"), 401, "worker-key-required")

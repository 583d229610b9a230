from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from domain.order.errors import IllegalMoveError
from domain.order.values import OrderId
from domain.ports.errors import UnavailableError
from domain.ports.unit_of_work import VersionConflictError
from entrypoints.build_info import version
from tests.entrypoints.support.http_fixtures import BROWSER, ApiClient, assert_problem


@pytest.mark.parametrize("path", ["/nowhere", "/api", "/api/orders", "/schema/swagger", "/schema/redoc"])
def test_an_unknown_address_is_a_problem_document(api: ApiClient, path: str) -> None:
    assert_problem(api.http.get(path), 404, "not-found")


def test_an_unsupported_method_is_refused_with_the_supported_ones(api: ApiClient) -> None:
    answer = api.http.delete("/api/uploads")
    assert_problem(answer, 405, "method-not-allowed")
    assert "POST" in answer.headers["allow"]


def test_an_internal_error_shows_nothing_but_a_number_to_ask_about(api: ApiClient) -> None:
    def broken() -> None:
        raise RuntimeError("password=s3cret at /srv/shop/books.py")

    api.shop.upload_service.open = broken  # type: ignore[method-assign, assignment]
    with capture_logs() as logs:
        answer = api.http.post("/api/uploads")
    problem = assert_problem(answer, 500, "internal")
    assert problem["request_id"] in problem["instance"]
    for secret in ("s3cret", "books.py", "RuntimeError", "Traceback"):
        assert secret not in answer.text
    (failure,) = [line for line in logs if line["event"] == "request_failed"]
    assert isinstance(failure["exc_info"], RuntimeError)


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (IllegalMoveError(event="ImagesMoved", state="new", allowed=[]), 409, "not-possible-now"),
        (VersionConflictError(OrderId(uuid4()), 3), 503, "busy"),
    ],
)
def test_each_error_of_the_shop_has_its_kind(
    api: ApiClient, error: Exception, status: int, name: str
) -> None:
    def refused() -> None:
        raise error

    api.shop.upload_service.open = refused  # type: ignore[method-assign, assignment]
    assert_problem(api.http.post("/api/uploads"), status, name)


def test_a_request_id_from_a_proxy_is_kept(api: ApiClient) -> None:
    given = uuid4()
    for spelling in (str(given), given.hex):
        answer = api.http.get("/health/live", headers={"X-Request-Id": spelling})
        assert answer.headers["x-request-id"] == str(given)


@pytest.mark.parametrize("given", ["", "1", 'x"} {"event": "paid', "a" * 9000])
def test_a_request_id_that_could_forge_the_log_is_replaced(api: ApiClient, given: str) -> None:
    answer = api.http.get("/health/live", headers={"X-Request-Id": given})
    assert str(UUID(answer.headers["x-request-id"])) == answer.headers["x-request-id"]
    assert answer.headers["x-request-id"] != given


def test_the_log_knows_a_request_by_its_template_and_never_by_its_token(api: ApiClient) -> None:
    token = api.shop.token(api.shop.delivered())
    with capture_logs() as logs:
        api.http.get(f"/api/download/{token}")
        api.http.get(f"/api/download/{token}/{uuid4()}", headers=BROWSER)
        api.http.get(f"/api/downloads/{token}")
    lines = [line for line in logs if line["event"] == "http_request"]
    assert [(line["path"], line["status"], line["problem"]) for line in lines] == [
        ("/api/download/{token}", 200, None),
        ("/api/download/{token}/{image}", 404, "link-unknown"),
        ("(unknown)", 404, "not-found"),
    ]
    assert token not in str(logs)


def test_the_description_of_the_api_is_served_and_no_page_that_loads_from_elsewhere(api: ApiClient) -> None:
    answer = api.http.get("/schema/openapi.json")
    assert answer.status_code == 200
    assert "/api/checkout-sessions" in answer.json()["paths"]
    assert api.http.get("/").json()["documentation"] == "/schema/openapi.json"


def test_a_process_that_answers_is_alive_whatever_else_is_unavailable(api: ApiClient) -> None:
    api.shop.storage.fault_injector.fail("check", UnavailableError("The storage", "no answer"))
    assert api.http.get("/health/live").json() == {"status": "ok", "version": version()}


def test_a_shop_that_can_work_is_ready(api: ApiClient) -> None:
    answer = api.http.get("/health/ready")
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "status": "ok",
            "version": version(),
            "checks": {
                "database": "ok",
                "storage": "ok",
                "queue": "ok",
                "uploads": "ok",
                "log": "ok",
                "clock": "ok",
            },
        },
    )


def test_readiness_names_what_is_unavailable_and_what_to_do(api: ApiClient) -> None:
    api.shop.storage.fault_injector.fail("check", UnavailableError("The storage", "it has no bucket photos"))
    checks = assert_problem(api.http.get("/health/ready"), 503, "not-ready")["checks"]
    assert checks["database"] == "ok"
    assert "it has no bucket photos" in checks["storage"]


def test_a_shop_without_its_queue_works_more_slowly(api: ApiClient) -> None:
    api.shop.queue.problem = UnavailableError("Redis", "no answer; check REDIS_URL")
    answer = api.http.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert "REDIS_URL" in answer.json()["checks"]["queue"]

"""Scripts of other web sites use the API if settings allow it."""

from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from entrypoints.http import create_app
from tests.entrypoints.support.http_fixtures import ApiClient, HttpShop

SITE, OTHER = "https://photos.example", "https://evil.example"
PREFLIGHT = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "tus-resumable"}


@pytest.fixture(scope="module")
def http() -> Iterator[TestClient[Litestar]]:
    """A shop whose API one other site may use."""
    with TestClient(create_app(HttpShop(), cors_origins=[SITE])) as client:
        yield client


def test_the_named_site_may_read_answers(http: TestClient[Litestar]) -> None:
    answer = http.post("/api/uploads", headers={"Origin": SITE})
    assert answer.headers["access-control-allow-origin"] == SITE
    assert "access-control-allow-credentials" not in answer.headers
    exposed = answer.headers["access-control-expose-headers"].lower()
    assert {"location", "upload-offset", "retry-after", "etag"} <= set(exposed.split(", "))


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "PATCH", "DELETE"])
def test_the_named_site_may_upload_resumably(http: TestClient[Litestar], method: str) -> None:
    session = http.post("/api/uploads").json()["session_id"]
    headers = {"Origin": SITE, **PREFLIGHT, "Access-Control-Request-Method": method}
    answer = http.options(f"/api/uploads/{session}/tus/1", headers=headers)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == SITE
    assert method in answer.headers["access-control-allow-methods"]
    assert "tus-resumable" in answer.headers["access-control-allow-headers"].lower()


@pytest.mark.parametrize("origin", [OTHER, f"{SITE}.evil.example", "null", "http://photos.example"])
def test_other_sites_may_not(http: TestClient[Litestar], origin: str) -> None:
    for answer in (
        http.post("/api/uploads", headers={"Origin": origin}),
        http.options("/api/uploads", headers={"Origin": origin, **PREFLIGHT}),
    ):
        assert "access-control-allow-origin" not in answer.headers


def test_no_other_site_may_by_default(api: ApiClient) -> None:
    answer = api.http.post("/api/uploads", headers={"Origin": SITE})
    assert not [name for name in answer.headers if name.startswith("access-control")]

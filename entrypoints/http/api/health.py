"""Liveness and readiness probes."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import anyio
from anyio import to_thread

from domain.ports.errors import UnavailableError
from entrypoints.bootstrap.wording import error_text
from entrypoints.build_info import version
from entrypoints.http.dependencies import Given
from entrypoints.http.errors import NotReadyError
from entrypoints.http.get_routes import get
from entrypoints.http.openapi.contracts import service as contracts

#: A part that does not answer within this time counts as unavailable.
CHECK_SECONDS = 5.0

OK = "ok"

#: For each part of the shop, a function that raises UnavailableError unless the part works.
Checks = Mapping[str, Callable[[], None]]


@get("/health/live", sync_to_thread=False, **contracts.LIVE)
def live() -> dict[str, str]:
    """Whether this process answers, and its version."""
    return {"status": OK, "version": version()}


@get("/health/ready", **contracts.READY)
async def ready(readiness_checks: Given[Checks]) -> dict[str, Any]:
    """Whether the shop can work.

    It requires its storage and a database that is not behind its log. Without the rest it is degraded: Redis only wakes
    the workers, and while it is unavailable or accepts no writes they run what their sweep finds; while the image
    decoder is broken or overloaded, only uploads are refused; the database's clock decides what expires, so a machine
    whose own clock is wrong works until providers refuse what it signs.
    """
    checks = await _checked(readiness_checks)
    if {checks["database"], checks["storage"], checks["log"]} != {OK}:
        raise NotReadyError(checks)
    status = OK if set(checks.values()) == {OK} else "degraded"
    return {"status": status, "version": version(), "checks": checks}


async def _checked(parts: Checks) -> dict[str, str]:
    """The result of each check; they run concurrently."""
    results = await asyncio.gather(*map(_result_of, parts.values()))
    return dict(zip(parts, results, strict=True))


async def _result_of(check: Callable[[], None]) -> str:
    try:
        with anyio.fail_after(CHECK_SECONDS):
            await to_thread.run_sync(check, abandon_on_cancel=True)
    except UnavailableError as error:
        return error_text(error)
    except TimeoutError:
        return f"No answer within {CHECK_SECONDS:.0f} seconds: look at its logs and at the network between."
    return OK

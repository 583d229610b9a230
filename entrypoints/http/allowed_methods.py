"""The header Allow of an answer to OPTIONS.

The framework's own lists only the methods whose handlers came before, where an address has several.
"""

from collections.abc import Iterable, Mapping

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import HttpMethod
from litestar.routes import BaseRoute, HTTPRoute
from litestar.types import Message, Scope


def methods_of(routes: Iterable[BaseRoute]) -> Mapping[str, str]:
    """The value of Allow for each address, by its template."""
    return {
        route.path_format: ", ".join(sorted(route.methods))
        for route in routes
        if isinstance(route, HTTPRoute)
    }


async def list_methods(message: Message, scope: Scope) -> None:
    """Complete Allow in an answer to OPTIONS."""
    if message["type"] != "http.response.start" or scope.get("method") != HttpMethod.OPTIONS:
        return
    headers = MutableScopeHeaders.from_message(message)
    methods = scope["litestar_app"].state.methods.get(scope.get("path_template"))
    if "allow" in headers and methods is not None:
        headers["allow"] = methods

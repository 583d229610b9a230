"""What a person reads whose download link opens nothing any more, and the button that has a new one sent."""

from typing import Any

from litestar import Response

from domain.services.delivering import LinkExpiredError
from entrypoints.http import pages, problems
from entrypoints.http.bodies import AnyRequest

_TOLD = """<p>Links to photos work for some weeks only, so that nobody comes upon them years later.
If you have not saved your photos yet, we can send a new link to the e-mail address that you gave when you ordered.</p>
<form method="post" action="{address}"><button>Send me a new link</button></form>
<p>Or answer the e-mail that this link came with, and a person will help you.</p>"""


def explain(request: AnyRequest, error: Exception) -> Response[Any]:
    """A link that has run out offers a new one; all else is explained as everywhere."""
    if not isinstance(error, LinkExpiredError) or not pages.is_wanted(request):
        return pages.explain(request, error)
    problem = problems.problem_of(error)
    problems.note(request, problem, error)
    return pages.explained(request, problem, _TOLD.format(address=_renewal(request)), has_forms=True)


def _renewal(request: AnyRequest) -> str:
    """Where a new link is asked for, as seen from the page: an address that holds behind any proxy.

    The token was found in the books, so it is made of letters, digits, ``-`` and ``_``.
    """
    token = str(request.path_params["token"])
    beyond = request.url.path.rpartition(token)[2].count("/")
    return f"{'../' * (beyond - 1)}renew" if beyond else f"{token}/renew"

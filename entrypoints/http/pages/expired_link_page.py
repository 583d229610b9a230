"""The page behind an expired download link, which offers a new one."""

from typing import Any

from litestar import Response

from domain.use_cases.delivery.downloads import LinkExpiredError
from entrypoints.http import problem_details
from entrypoints.http.pages import html_pages
from entrypoints.http.pages.site import visit_of
from entrypoints.http.request_bodies import AnyRequest


def explain(request: AnyRequest, error: Exception) -> Response[Any]:
    """Offer a new link for an expired one; explain other errors."""
    if not isinstance(error, LinkExpiredError) or not html_pages.is_html_preferred(request):
        return html_pages.explain(request, error)
    problem = problem_details.problem_of(error)
    problem_details.note(request, problem, error)
    return html_pages.problem_page(
        request,
        problem,
        "expired_link",
        visit_of(request),
        renewal=_renewal(request),
    )


def _renewal(request: AnyRequest) -> str:
    """The renewal address, relative so that it works behind any proxy."""
    token = str(request.path_params["token"])
    beyond = request.url.path.rpartition(token)[2].count("/")
    return f"{'../' * (beyond - 1)}renew" if beyond else f"{token}/renew"

"""The page behind a download link that has ended."""

from typing import Any

from litestar import Response

from domain.use_cases.delivery.downloads import LinkExpiredError, LinkRevokedError
from entrypoints.http import problem_details
from entrypoints.http.pages import html_pages
from entrypoints.http.pages.site import visit_of
from entrypoints.http.request_bodies import AnyRequest


def explain(request: AnyRequest, error: Exception) -> Response[Any]:
    """Offer a new link for an expired one; explain other errors.

    Deleted photos have no new link. Others than the customer have no e-mail of the shop: they have to ask the person
    who shared the link.
    """
    if not html_pages.is_html_preferred(request):
        return html_pages.explain(request, error)
    match error:
        case LinkExpiredError(is_renewable=False):
            return _explained(request, error, "expired_link.gone_title", "expired_link.gone")
        case LinkExpiredError(is_shared=True):
            return _explained(request, error, "problem.link_expired_title", "share.ended")
        case LinkRevokedError(is_shared=True):
            return _explained(request, error, "problem.link_withdrawn_title", "share.ended")
        case LinkExpiredError():
            return _renewable(request, error)
        case _:
            return html_pages.explain(request, error)


def _renewable(request: AnyRequest, error: LinkExpiredError) -> Response[Any]:
    problem = problem_details.problem_of(error)
    problem_details.note(request, problem, error)
    return html_pages.problem_page(
        request, problem, "expired_link", visit_of(request), renewal=_renewal(request)
    )


def _explained(request: AnyRequest, error: Exception, title: str, explanation: str) -> Response[Any]:
    problem, visit = problem_details.problem_of(error), visit_of(request)
    problem_details.note(request, problem, error)
    say = visit.localization.say
    return html_pages.problem_page(
        request, problem, "problem", visit, title=say(title), explanation=say(explanation)
    )


def _renewal(request: AnyRequest) -> str:
    """The renewal address, relative so that it works behind any proxy."""
    token = str(request.path_params["token"])
    beyond = request.url.path.rpartition(token)[2].count("/")
    return f"{'../' * (beyond - 1)}renew" if beyond else f"{token}/renew"

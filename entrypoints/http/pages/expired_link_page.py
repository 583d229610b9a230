"""What a person reads whose download link opens nothing any more, and the button that has a new one sent."""

from html import escape
from typing import Any

from litestar import Response

from domain.use_cases.delivery.downloads import LinkExpiredError
from entrypoints.http import problem_details
from entrypoints.http.pages import html_pages
from entrypoints.http.request_bodies import AnyRequest


def explain(request: AnyRequest, error: Exception) -> Response[Any]:
    """A link that has run out offers a new one; all else is explained as everywhere."""
    if not isinstance(error, LinkExpiredError) or not html_pages.is_wanted(request):
        return html_pages.explain(request, error)
    problem = problem_details.problem_of(error)
    problem_details.note(request, problem, error)
    speech = html_pages.speech_for(request)
    button = f"<button>{escape(speech.say('expired_link.button'))}</button>"
    parts = [
        html_pages.paragraph(speech.say("expired_link.told")),
        f'<form method="post" action="{_renewal(request)}">{button}</form>',
        html_pages.paragraph(speech.say("expired_link.help")),
    ]
    title = speech.say("problem.link_expired_title")
    return html_pages.explained(request, problem, title, "\n".join(parts), speech, has_forms=True)


def _renewal(request: AnyRequest) -> str:
    """Where a new link is asked for, as seen from the page: an address that holds behind any proxy.

    The token was found in the books, so it is made of letters, digits, ``-`` and ``_``.
    """
    token = str(request.path_params["token"])
    beyond = request.url.path.rpartition(token)[2].count("/")
    return f"{'../' * (beyond - 1)}renew" if beyond else f"{token}/renew"

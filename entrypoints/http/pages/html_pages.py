"""HTML pages for browsers; other clients receive JSON documents."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Response

from entrypoints.bootstrap.wording import Localization, localization_of
from entrypoints.http import problem_details
from entrypoints.http.request_bodies import AnyRequest
from entrypoints.http.request_logging import request_id_of

_HEADERS = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept, Accept-Language",
}

#: Problems that people meet, explained in their own language; all others are met by programs and explained in English.
_EXPLAINED = frozenset(
    {
        "link-unknown",
        "link-withdrawn",
        "order-unknown",
        "upload-session-unknown",
        "asked-too-often",
        "not-possible-now",
        "file-unavailable",
        "unavailable",
        "busy",
        "internal",
    }
)

#: A page loads and sends nothing, unless it has pictures or forms of this shop.
_CONTENT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src {pictures}; base-uri 'none'; form-action {forms}; "
    "frame-ancestors 'none'"
)

_templates = Environment(
    loader=PackageLoader("entrypoints.http.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def is_html_preferred(request: AnyRequest) -> bool:
    """Whether the client prefers HTML; one that accepts anything receives JSON."""
    offered = [problem_details.MEDIA_TYPE, MediaType.JSON, MediaType.HTML]
    return request.accept.best_match(offered) == MediaType.HTML


def localization_for(request: AnyRequest) -> Localization:
    """The localization for the browser's language, English without a catalog."""
    return localization_of(request.headers.get("accept-language", ""))


def page(
    template: str,
    localization: Localization,
    *,
    refresh_seconds: int | None = None,
    status: int = 200,
    has_pictures: bool = False,
    has_forms: bool = False,
    **facts: Any,
) -> Response[Any]:
    """Render ``templates/TEMPLATE.jinja``, reloaded after ``refresh_seconds``."""
    policy = _CONTENT_POLICY.format(
        pictures="'self'" if has_pictures else "'none'", forms="'self'" if has_forms else "'none'"
    )
    content = _templates.get_template(f"{template}.jinja").render(
        language=localization.language,
        direction=localization.direction,
        say=localization.say,
        money=localization.money,
        day=localization.day,
        size=localization.size,
        refresh_seconds=refresh_seconds,
        **facts,
    )
    return Response(
        content,
        status_code=status,
        media_type=MediaType.HTML,
        headers={**_HEADERS, "Content-Security-Policy": policy},
    )


def explain(request: AnyRequest, error: Exception) -> Response[Any]:
    """Answer an error with a page for browsers or a problem document."""
    problem = problem_details.problem_of(error)
    problem_details.note(request, problem, error)
    if not is_html_preferred(request):
        return problem_details.response(request, problem)
    if problem.kind.name in _EXPLAINED:
        name, localization = problem.kind.name.replace("-", "_"), localization_for(request)
        title, explanation = localization.say(f"problem.{name}_title"), localization.say(f"problem.{name}")
    else:
        localization = localization_of("en")
        detail = problem.detail.removeprefix(f"{problem.kind.title}: ")  # the heading says that already
        title, explanation = problem.kind.title, detail[:1].upper() + detail[1:]
    return problem_page(request, problem, "problem", localization, title=title, explanation=explanation)


def problem_page(
    request: AnyRequest,
    problem: problem_details.Problem,
    template: str,
    localization: Localization,
    **facts: Any,
) -> Response[Any]:
    """The page of a problem, with its status, headers and request id."""
    answer = page(
        template, localization, status=problem.kind.status, request_id=request_id_of(request.scope), **facts
    )
    answer.headers.update(problem.headers)
    return answer

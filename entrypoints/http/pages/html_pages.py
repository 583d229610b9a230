"""HTML pages for browsers; other clients receive JSON documents."""

import json
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Response

from entrypoints.http import problem_details
from entrypoints.http.pages.site import Visit, visit_of
from entrypoints.http.request_bodies import AnyRequest
from entrypoints.http.request_logging import request_id_of

_HEADERS = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept, Accept-Language, Cookie",
}

#: Problems that people meet, explained in their own language; all others are met by programs and explained in English.
_EXPLAINED = frozenset(
    {
        "link-unknown",
        "link-withdrawn",
        "link-shared",
        "order-unknown",
        "upload-session-unknown",
        "asked-too-often",
        "not-possible-now",
        "file-unavailable",
        "unavailable",
        "busy",
        "internal",
        "not-found",
        "too-many-requests",
        "storage-nearly-full",
        "payments-paused",
        "provider-refused",
        "body-too-large",
        "body-too-slow",
        "body-incomplete",
        "form-expected",
        "request-malformed",
        "method-not-allowed",
        "upload-session-closed",
        "checkout-opening",
        "checkout-fixed",
        "nothing-to-pay",
    }
)

#: A page loads and sends nothing but to this shop; a form that pays is redirected to the payment provider.
_CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action {forms}; frame-ancestors 'none'"
)

_templates = Environment(
    loader=PackageLoader("entrypoints.http.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,  # a process keeps the version it began with
)


def is_html_preferred(request: AnyRequest) -> bool:
    """Whether the client prefers HTML; one that accepts anything receives JSON."""
    offered = [problem_details.MEDIA_TYPE, MediaType.JSON, MediaType.HTML]
    return request.accept.best_match(offered) == MediaType.HTML


def page(
    template: str,
    visit: Visit,
    *,
    refresh_seconds: int | None = None,
    status: int = 200,
    has_payment: bool = False,
    is_public: bool = False,
    texts: Mapping[str, str] | None = None,
    **facts: Any,
) -> Response[Any]:
    """Render ``templates/TEMPLATE.jinja``, reloaded after ``refresh_seconds``.

    ``has_payment`` if a form leads to the payment provider, ``is_public`` if search engines may list the page.
    ``texts`` are the sentences of its scripts, by name.
    """
    site, localization = visit.site, visit.localization
    content = _templates.get_template(f"{template}.jinja").render(
        site=site,
        asset=site.asset,
        script=site.assets.script,
        languages=_languages(visit),
        language=localization.phrases.tag,
        direction=localization.direction,
        say=localization.say,
        money=localization.money,
        day=localization.day,
        size=localization.size,
        refresh_seconds=refresh_seconds,
        is_public=is_public,
        texts=json.dumps(texts, ensure_ascii=False) if texts else None,
        **facts,
    )
    forms = " ".join(["'self'", *(site.checkout_origins if has_payment else ())])
    headers = {**_HEADERS, "Content-Security-Policy": _CONTENT_POLICY.format(forms=forms)}
    if visit.cookie is not None:
        headers["Set-Cookie"] = visit.cookie
    return Response(content, status_code=status, media_type=MediaType.HTML, headers=headers)


#: What scripts fill in.
_SCRIPT_PLACEHOLDERS = (
    *("name", "number", "percent", "done", "total", "time", "why"),
    *("first", "last"),
)


def script_texts(visit: Visit, section: str) -> dict[str, str]:
    """The sentences of a script, with their placeholders open."""
    open_places = {name: f"{{{name}}}" for name in _SCRIPT_PLACEHOLDERS}
    return {
        name.removeprefix(f"{section}."): visit.localization.say(name, **open_places)
        for name in visit.localization.phrases.phrases
        if name.startswith(f"{section}.")
    }


def explain(request: AnyRequest, error: Exception, *, way_back: str | None = None) -> Response[Any]:
    """Answer an error with a page for browsers or a problem document.

    ``way_back`` is the phrase of a link to the page at the address that the form was sent to.
    """
    if not is_html_preferred(request):
        return problem_details.answer(request, error)
    problem = problem_details.problem_of(error)
    problem_details.note(request, problem, error)
    visit = visit_of(request)
    if problem.kind.name in _EXPLAINED:
        name, say = problem.kind.name.replace("-", "_"), visit.localization.say
        title, explanation = say(f"problem.{name}_title"), say(f"problem.{name}")
    else:
        visit = visit.in_english()
        detail = problem.detail.removeprefix(f"{problem.kind.title}: ")  # the heading says that already
        title, explanation = problem.kind.title, detail[:1].upper() + detail[1:]
    return problem_page(
        request, problem, "problem", visit, title=title, explanation=explanation, way_back=way_back
    )


def problem_page(
    request: AnyRequest,
    problem: problem_details.Problem,
    template: str,
    visit: Visit,
    *,
    way_back: str | None = None,
    **facts: Any,
) -> Response[Any]:
    """The page of a problem, with its status, headers and request id."""
    answer = page(
        template,
        visit,
        status=problem.kind.status,
        request_id=request_id_of(request.scope),
        way_back=way_back,
        **facts,
    )
    answer.headers.update(problem.headers)
    return answer


def _languages(visit: Visit) -> list[Mapping[str, Any]]:
    """The languages of the switch; none after a form."""
    catalogs = visit.site.languages.values() if visit.can_switch else ()
    current = visit.localization.phrases.tag
    return [
        {"tag": each.tag, "name": each.own_name, "is_current": each.tag == current}
        for each in sorted(catalogs, key=lambda each: each.own_name)
    ]

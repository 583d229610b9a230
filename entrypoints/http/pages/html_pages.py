"""What a person sees of this doorway: small calm pages that load nothing, in place of documents for programs."""

from html import escape
from typing import Any

from litestar import MediaType, Response

from entrypoints.bootstrap.page_languages import Localization, speech_of
from entrypoints.http import problem_details
from entrypoints.http.request_bodies import AnyRequest
from entrypoints.http.request_logging import request_id_of

_HEADERS = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept, Accept-Language",
}

#: What people meet, told in their own language; all other problems are those of programs, and told in English.
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

#: Nothing is loaded and nothing is sent, unless a page says that it shows pictures or takes wishes: of this shop only.
_CONTENT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src {pictures}; base-uri 'none'; form-action {forms}; "
    "frame-ancestors 'none'"
)

_PAGE = """<!doctype html>
<html lang="{language}" dir="{direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">{refresh}
<title>{title}</title>
<style>
:root {{ --ink: #332e28; --faint: #6b6257; --paper: #faf7f2; --line: #e3dbcf; --mark: #8f612a; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #ece5da; --faint: #aea392; --paper: #211d19; --line: #40382f; --mark: #d6a566; }}
}}
body {{ margin: clamp(1.5rem, 10vh, 7rem) auto 3rem; max-width: 34rem; padding: 0 1.5rem;
        font: 1.1rem/1.6 Georgia, serif; color: var(--ink); background: var(--paper); overflow-wrap: anywhere; }}
h1 {{ font-size: 1.6rem; font-weight: normal; line-height: 1.3; }}
a {{ color: var(--mark); }}
small, dt, li span {{ color: var(--faint); }}
progress {{ width: 100%; height: .7rem; accent-color: var(--mark); }}
ul {{ list-style: none; padding: 0; }}
li, dl div {{ display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem;
              border-top: 1px solid var(--line); padding: .5rem 0; }}
dl, dd {{ margin: 0; }}
h2 {{ font-size: 1.1rem; margin: 3rem 0 .5rem; padding-top: 1.5rem; border-top: 1px solid var(--line); }}
img {{ display: block; max-width: 100%; height: auto; background: var(--line); }}
summary {{ cursor: pointer; margin: .5rem 0; }}
button {{ font: inherit; color: var(--paper); background: var(--mark); border: 0; border-radius: .4rem;
          padding: .6rem 1.2rem; cursor: pointer; }}
button.second {{ color: var(--mark); background: none; border: 1px solid var(--mark); }}
button:disabled {{ color: var(--faint); background: none; border: 1px solid var(--line); cursor: default; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


def is_wanted(request: AnyRequest) -> bool:
    """Whether a browser asks; a program that takes anything gets the document."""
    offered = [problem_details.MEDIA_TYPE, MediaType.JSON, MediaType.HTML]
    return request.accept.best_match(offered) == MediaType.HTML


def speech_for(request: AnyRequest) -> Localization:
    """How a page speaks to who asks for it: in the browser's language, as far as the shop speaks it."""
    return speech_of(request.headers.get("accept-language", ""))


def page(
    title: str,
    body: str,
    speech: Localization,
    *,
    refresh_seconds: int | None = None,
    status: int = 200,
    has_pictures: bool = False,
    has_forms: bool = False,
) -> Response[Any]:
    """A page under a heading that is escaped here; ``body`` is HTML already. It renews itself if told to."""
    allowed = _CONTENT_POLICY.format(
        pictures="'self'" if has_pictures else "'none'", forms="'self'" if has_forms else "'none'"
    )
    refresh = f'\n<meta http-equiv="refresh" content="{refresh_seconds}">' if refresh_seconds else ""
    return Response(
        _PAGE.format(
            title=escape(title),
            body=body,
            refresh=refresh,
            language=speech.language,
            direction=speech.direction,
        ),
        status_code=status,
        media_type=MediaType.HTML,
        headers={**_HEADERS, "Content-Security-Policy": allowed},
    )


def paragraph(text: str) -> str:
    """A paragraph of a page; the text is escaped here."""
    return f"<p>{escape(text)}</p>"


def explain(request: AnyRequest, error: Exception) -> Response[Any]:
    """A person who follows a link gets a page that tells what to do; a program gets the problem document."""
    problem = problem_details.problem_of(error)
    problem_details.note(request, problem, error)
    if not is_wanted(request):
        return problem_details.response(request, problem)
    if problem.kind.name in _EXPLAINED:
        name, speech = problem.kind.name.replace("-", "_"), speech_for(request)
        title, told = speech.say(f"problem.{name}_title"), speech.say(f"problem.{name}")
    else:
        speech = speech_of("en")
        detail = problem.detail.removeprefix(f"{problem.kind.title}: ")  # the heading has said that much
        title, told = problem.kind.title, detail[:1].upper() + detail[1:]
    return explained(request, problem, title, paragraph(told), speech)


def explained(
    request: AnyRequest,
    problem: problem_details.Problem,
    title: str,
    body: str,
    speech: Localization,
    *,
    has_forms: bool = False,
) -> Response[Any]:
    """The page of a problem, in words of its own; ``body`` is HTML already."""
    number = escape(speech.say("page.number_helps", number=str(request_id_of(request.scope))))
    shown = page(
        title,
        f"{body}\n<p><small>{number}</small></p>",
        speech,
        status=problem.kind.status,
        has_forms=has_forms,
    )
    shown.headers.update(problem.headers)
    return shown

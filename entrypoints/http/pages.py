"""What a person sees of this doorway: small calm pages that load nothing, in place of documents for programs."""

from html import escape
from typing import Any

from litestar import MediaType, Response

from entrypoints.http import problems
from entrypoints.http.bodies import AnyRequest
from entrypoints.http.diary import request_id_of

_HEADERS = {"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer", "Vary": "Accept"}

#: Nothing is loaded and nothing is sent, unless a page says that it shows pictures or takes wishes: of this shop only.
_CONTENT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src {pictures}; base-uri 'none'; form-action {forms}; "
    "frame-ancestors 'none'"
)

_PAGE = """<!doctype html>
<html lang="{language}">
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
body {{ margin: 14vh auto 3rem; max-width: 34rem; padding: 0 1.5rem; font: 1.1rem/1.6 Georgia, serif;
        color: var(--ink); background: var(--paper); overflow-wrap: anywhere; }}
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
    offered = [problems.MEDIA_TYPE, MediaType.JSON, MediaType.HTML]
    return request.accept.best_match(offered) == MediaType.HTML


def page(
    title: str,
    body: str,
    *,
    refresh_seconds: int | None = None,
    status: int = 200,
    has_pictures: bool = False,
    has_forms: bool = False,
    language: str = "en",
) -> Response[Any]:
    """A page under a heading that is escaped here; ``body`` is HTML already. It renews itself if told to."""
    allowed = _CONTENT_POLICY.format(
        pictures="'self'" if has_pictures else "'none'", forms="'self'" if has_forms else "'none'"
    )
    refresh = f'\n<meta http-equiv="refresh" content="{refresh_seconds}">' if refresh_seconds else ""
    return Response(
        _PAGE.format(title=escape(title), body=body, refresh=refresh, language=language),
        status_code=status,
        media_type=MediaType.HTML,
        headers={**_HEADERS, "Content-Security-Policy": allowed},
    )


def explain(request: AnyRequest, error: Exception) -> Response[Any]:
    """A person who follows a link gets a page that tells what to do; a program gets the problem document."""
    problem = problems.problem_of(error)
    problems.note(request, problem, error)
    if not is_wanted(request):
        return problems.response(request, problem)
    detail = problem.detail.removeprefix(f"{problem.kind.title}: ")  # the heading has said that much
    return explained(request, problem, f"<p>{escape(detail[:1].upper() + detail[1:])}</p>")


def explained(
    request: AnyRequest, problem: problems.Problem, body: str, *, has_forms: bool = False
) -> Response[Any]:
    """The page of a problem, in words of its own; ``body`` is HTML already."""
    number = (
        f"<p><small>Should you write to us, this number helps: {request_id_of(request.scope)}</small></p>"
    )
    shown = page(problem.kind.title, f"{body}\n{number}", status=problem.kind.status, has_forms=has_forms)
    shown.headers.update(problem.headers)
    return shown

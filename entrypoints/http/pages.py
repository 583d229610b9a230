"""What a person sees of this doorway: small calm pages that load nothing, in place of documents for programs."""

from html import escape
from typing import Any

from litestar import MediaType, Response

from entrypoints.http import problems
from entrypoints.http.bodies import AnyRequest
from entrypoints.http.diary import request_id_of

_HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
}

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">{refresh}
<title>{title}</title>
<style>
:root {{ --ink: #332e28; --faint: #6b6257; --paper: #faf7f2; --line: #e3dbcf; --mark: #9a6b2f; }}
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


def page(title: str, body: str, *, refresh_seconds: int | None = None, status: int = 200) -> Response[Any]:
    """A page under a heading that is escaped here; ``body`` is HTML already. It renews itself if told to."""
    refresh = f'\n<meta http-equiv="refresh" content="{refresh_seconds}">' if refresh_seconds else ""
    return Response(
        _PAGE.format(title=escape(title), body=body, refresh=refresh),
        status_code=status,
        media_type=MediaType.HTML,
        headers=dict(_HEADERS),
    )


def explain(request: AnyRequest, error: Exception) -> Response[Any]:
    """A person who follows a link gets a page that tells what to do; a program gets the problem document."""
    problem = problems.problem_of(error)
    problems.note(request, problem, error)
    if not is_wanted(request):
        return problems.response(request, problem)
    title = problem.kind.title
    detail = problem.detail.removeprefix(f"{title}: ")  # the heading has said that much
    explained = page(
        title,
        f"<p>{escape(detail[:1].upper() + detail[1:])}</p>\n"
        f"<p><small>Should you write to us, this number helps: {request_id_of(request.scope)}</small></p>",
        status=problem.kind.status,
    )
    explained.headers.update(problem.headers)
    return explained

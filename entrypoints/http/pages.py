"""The one page a person ever sees of this doorway: a link that leads nowhere, explained."""

from html import escape

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>
body {{ margin: 20vh auto 0; max-width: 34rem; padding: 0 1.5rem; font: 1.1rem/1.6 Georgia, serif; color: #332e28;
        background: #faf7f2; }}
h1 {{ font-size: 1.6rem; font-weight: normal; }}
small {{ color: #756c60; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{detail}</p>
<p><small>Should you write to us, this number helps: {request_id}</small></p>
</main>
</body>
</html>
"""


def page(title: str, detail: str, request_id: str) -> str:
    """A small calm page; it loads nothing from anywhere."""
    return _PAGE.format(title=escape(title), detail=escape(detail), request_id=escape(request_id))

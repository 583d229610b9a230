"""HTML pages of the twins, without external resources."""

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Response


class Pages:
    """Render a twin's templates with the common base."""

    def __init__(self, package: str) -> None:
        loader = ChoiceLoader([PackageLoader(package), PackageLoader("sandbox.twins.common")])
        self._environment = Environment(
            loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )

    def show(self, template: str, status_code: int = 200, **content: object) -> Response[str]:
        """Return a rendered page."""
        text = self._environment.get_template(template).render(**content)
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return Response(text, media_type=MediaType.HTML, status_code=status_code, headers=headers)

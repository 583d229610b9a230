"""The few pages that people see: one look for all twins, and nothing fetched from anywhere."""

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Response


class Pages:
    """Renders the templates of one twin on the common sheet."""

    def __init__(self, package: str) -> None:
        loader = ChoiceLoader([PackageLoader(package), PackageLoader("sandbox.twins.common")])
        self._environment = Environment(
            loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )

    def show(self, template: str, status_code: int = 200, **content: object) -> Response[str]:
        """Answer with a page."""
        text = self._environment.get_template(template).render(**content)
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return Response(text, media_type=MediaType.HTML, status_code=status_code, headers=headers)

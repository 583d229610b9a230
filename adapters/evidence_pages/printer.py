"""From evidence to one page: HTML for a screen and for paper, with its pictures in it."""

from base64 import b64encode
from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from domain.ports.dispute_evidence import Evidence, Exhibit, ObjectState
from domain.use_cases.wording.labels import counted, date_text, size_text

_STATES = {
    ObjectState.VERIFIED: "verified",
    ObjectState.DIFFERS: "is not what was recorded",
    ObjectState.MISSING: "is missing",
    ObjectState.DELETED: "deleted",
}


class TemplateEvidencePrinter:
    """Prints evidence in English, in the shop's name."""

    def __init__(self, *, shop_name: str) -> None:
        environment = Environment(
            loader=PackageLoader("adapters.evidence_pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {
            "moment": _moment,
            "day": date_text,
            "sized": size_text,
            "data_url": _data_url,
        }
        environment.globals.update(counted=counted, says=_says)
        self._template = environment.get_template("evidence.jinja")
        self._shop_name = shop_name

    def page(self, evidence: Evidence) -> str:
        """The page, see the port; whatever anybody has written stands on it as text."""
        return self._template.render(evidence=evidence, shop_name=self._shop_name)


def _says(exhibit: Exhibit) -> str:
    return _STATES[exhibit.state]


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _data_url(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"

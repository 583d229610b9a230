"""The page that a banker reads, from a template."""

from adapters.evidence_pages.printer import TemplateEvidencePrinter

__all__ = ["TemplateEvidencePrinter"]

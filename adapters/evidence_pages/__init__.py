"""The evidence pack that a banker reads, from a template."""

from adapters.evidence_pages.writer import TemplateEvidenceWriter

__all__ = ["TemplateEvidenceWriter"]

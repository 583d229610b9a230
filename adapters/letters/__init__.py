"""Letters to customers, from templates: plain text and HTML out of one source, so that both say the same."""

from adapters.letters.writer import TemplateLetterWriter

__all__ = ["TemplateLetterWriter"]

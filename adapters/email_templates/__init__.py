"""E-mails from templates, plain text and HTML out of one source."""

from adapters.email_templates.renderer import TemplateEmailRenderer

__all__ = ["TemplateEmailRenderer"]

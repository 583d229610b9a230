"""What customers read: mails from templates, plain text and HTML out of one source, and the words of pages."""

from adapters.email_templates.catalog import read_languages
from adapters.email_templates.renderer import TemplateLetterWriter
from adapters.email_templates.speech import Speech, speech_for_browser

__all__ = ["Speech", "TemplateLetterWriter", "read_languages", "speech_for_browser"]

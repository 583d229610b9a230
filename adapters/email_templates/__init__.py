"""What customers read: mails from templates, plain text and HTML out of one source, and the words of pages."""

from adapters.email_templates.catalog import read_languages
from adapters.email_templates.renderer import TemplateEmailRenderer
from adapters.email_templates.speech import Localization, speech_for_browser

__all__ = ["Localization", "TemplateEmailRenderer", "read_languages", "speech_for_browser"]

"""What customers read: mails from templates, plain text and HTML out of one source, and the words of pages."""

from adapters.letters.catalog import read_languages
from adapters.letters.speech import Speech, speech_for_browser
from adapters.letters.writer import TemplateLetterWriter

__all__ = ["Speech", "TemplateLetterWriter", "read_languages", "speech_for_browser"]

"""A shop's own logo, colours and legal pages, from one folder.

The folder is the owner's and trusted: its HTML is shown as it is. It may hold ``logo.svg`` or ``logo.png``,
``colours.css``, the icons and the social preview in place of the shop's, and ``imprint``, ``privacy`` and ``contact``,
each as ``NAME.LANGUAGE.md`` or ``NAME.LANGUAGE.html``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt

#: The pages of each shop, linked from every footer.
LEGAL_PAGES = ("imprint", "privacy", "contact")

_LOGOS = ("logo.svg", "logo.png")
_COLOURS = "colours.css"
#: Files of the shop that the folder may replace.
_REPLACEABLE = ("favicon.svg", "favicon.ico", "touch-icon.png", "preview.jpg")

#: A file of a brand folder is read into memory by each process.
MAX_FILE_BYTES = 2 * 1024 * 1024


class BrandError(Exception):
    """The brand folder cannot be used; the message says what to change."""


@dataclass(frozen=True, kw_only=True)
class Brand:
    """What a folder holds; empty for a shop without one.

    ``texts`` has the HTML of a legal page by ``NAME.LANGUAGE``, ``files`` the content of assets by name.
    """

    logo: str | None = None
    colours: str | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


def read_brand(folder: Path | None) -> Brand:
    """Read a brand folder; raises BrandError if it cannot be used."""
    if folder is None:
        return Brand()
    try:
        contents = {each.name: _content(each) for each in sorted(folder.iterdir()) if each.is_file()}
    except OSError as error:
        raise BrandError(
            f"BRAND_DIRECTORY {folder} cannot be read ({error.strerror}): correct the path, or leave it out."
        ) from error
    logo = next((name for name in _LOGOS if name in contents), None)
    shown = [name for name in (logo, _COLOURS) if name is not None and name in contents]
    texts = {}
    for name, content in contents.items():
        page, _, ending = name.rpartition(".")
        if page.partition(".")[0] in LEGAL_PAGES and ending in {"md", "html"}:
            text = _text(folder / name, content)
            texts[page] = text if ending == "html" else html_of(text)
    return Brand(
        logo=f"brand/{logo}" if logo else None,
        colours=f"brand/{_COLOURS}" if _COLOURS in contents else None,
        files={
            **{f"brand/{name}": contents[name] for name in shown},
            **{name: contents[name] for name in _REPLACEABLE if name in contents},
        },
        texts=texts,
    )


def html_of(markdown: str) -> str:
    """The HTML of CommonMark; raw HTML in it is kept.

    Its first heading is of the second level, because the page has one of its own above.
    """
    parser = MarkdownIt("commonmark").enable("table")
    tokens = parser.parse(markdown)
    for token in tokens:
        if token.tag == "h1":
            token.tag = "h2"
    return str(parser.renderer.render(tokens, parser.options, {}))


def _content(file: Path) -> bytes:
    size_bytes = file.stat().st_size
    if size_bytes > MAX_FILE_BYTES:
        raise BrandError(
            f"{file} has {size_bytes} bytes: a brand folder's file has {MAX_FILE_BYTES} at most."
        )
    return file.read_bytes()


def _text(file: Path, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise BrandError(f"{file} is not UTF-8: save it as UTF-8.") from error

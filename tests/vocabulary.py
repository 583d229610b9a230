"""The private words and long docstrings that ``make check`` refuses.

``python -m tests.vocabulary PATH...`` prints each violation in these files and folders.
"""

import ast
import io
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
WORDS = Path(__file__).with_suffix(".toml")

#: The folders to check, in the order in which violations are listed.
FOLDERS = ("domain", "adapters", "entrypoints", "sandbox", "migrations", "benchmarks", "docs", "tests")
#: The endings of modules and documents in these folders.
ENDINGS = frozenset({".py", ".md", ".jinja", ".yaml"})
#: The documents beside these folders.
TOP_DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "compose.yaml",
    "pyproject.toml",
    "Makefile",
    "Dockerfile",
)

#: What is not read of Markdown: code, and texts in quotation marks, which are mostly what customers read.
_QUOTED = re.compile(r'```.*?```|^ {4}[^\n]*|`[^`]*`|"[^"\n]*"', re.DOTALL | re.MULTILINE)
#: What is not read of templates.
_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


class Violation(NamedTuple):
    """One violation, by its line."""

    line: int
    found: str
    instead: str


@dataclass(frozen=True)
class Vocabulary:
    """Refused words with their standard terms, and stored names."""

    docstring_words: int
    prose: dict[re.Pattern[str], str]
    names: dict[re.Pattern[str], str]
    contracts: frozenset[str]
    ordinary: frozenset[str]

    def violations(self, source: str) -> list[Violation]:
        """Each violation in a module's source, by line."""
        tree = ast.parse(source)
        found = [
            *self._in_docstrings(tree),
            *self._in_comments(source),
            *self._in_names(tree),
        ]
        return sorted(set(found))

    def in_texts(self, source: str) -> list[Violation]:
        """Each private word in the texts for staff.

        A single word is a key, and customers read what is called ``owner``.
        """
        tree = ast.parse(source)
        of_customers = {
            id(node.value) for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "owner"
        }
        return [
            violation
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            if " " in node.value and node.value not in self.contracts and id(node) not in of_customers
            for violation in _refused(node.value, node.lineno, self.prose)
        ]

    def in_document(self, text: str, ending: str) -> list[Violation]:
        """Each private word in a document, except in code and quotations.

        Of a changelog only the unreleased part is read.
        """
        if ending == ".md":
            prose = "\n## [".join(_QUOTED.sub(_blank, text).split("\n## [")[:2])
        else:
            prose = _EXPRESSION.sub(_blank, text)
        return sorted(
            each for each in _refused(prose, 1, self.prose) if each.found.lower() not in self.ordinary
        )

    def _in_docstrings(self, tree: ast.AST) -> Iterator[Violation]:
        for node in ast.walk(tree):
            if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            text = ast.get_docstring(node, clean=False)
            if not text or _is_command(node):
                continue
            line = node.body[0].lineno
            words = len(text.strip().splitlines()[0].split())
            if words > self.docstring_words:
                yield Violation(
                    line, f"a first line of {words} words", f"at most {self.docstring_words} words"
                )
            yield from _refused(text, line, self.prose)

    def _in_comments(self, source: str) -> Iterator[Violation]:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                yield from _refused(token.string, token.start[0], self.prose)

    def _in_names(self, tree: ast.AST) -> Iterator[Violation]:
        patterns = self.prose | self.names
        for line, name in _defined(tree):
            words = _words_of(name)
            for refused, instead in patterns.items():
                if refused.search(words) and name not in self.contracts:
                    yield Violation(line, name, instead)


@cache
def vocabulary() -> Vocabulary:
    """The project's vocabulary, from the file beside this module."""
    table = tomllib.loads(WORDS.read_text())
    prose, names = (
        {_pattern(words): term for words, term in table[kind].items()} for kind in ("prose", "names")
    )
    return Vocabulary(
        table["docstring_words"],
        prose,
        names,
        frozenset(table["contracts"]),
        frozenset(table["documents"]["ordinary"]),
    )


def modules(paths: Iterable[Path] = ()) -> list[Path]:
    """Every Python module below these paths, or in the whole project."""
    return [file for file in files(paths) if file.suffix == ".py"]


def files(paths: Iterable[Path] = ()) -> list[Path]:
    """Every module and document of ours below these paths, or in all."""
    below = list(paths) or [ROOT / name for name in (*TOP_DOCUMENTS, *FOLDERS)]
    found = (file for path in below for file in (sorted(path.rglob("*")) if path.is_dir() else [path]))
    own = (file for file in found if "node_modules" not in file.parts)
    return [file for file in own if file.suffix in ENDINGS or file.name in TOP_DOCUMENTS]


@cache
def violations_in(file: Path) -> list[Violation]:
    """Each violation in one file."""
    if file.suffix != ".py":
        return vocabulary().in_document(file.read_text(), file.suffix)
    return vocabulary().violations(file.read_text())


def main(paths: Iterable[str]) -> int:
    """Print each violation below the paths; return the status."""
    found = [
        f"{file.resolve().relative_to(ROOT)}:{each.line}: {each.found!r}: {each.instead}"
        for file in files(map(Path, paths))
        for each in violations_in(file)
    ]
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


def _pattern(words: str) -> re.Pattern[str]:
    spaced = words.replace(" ", r"[\s_]+")
    return re.compile(rf"\b(?:{spaced})\b", re.IGNORECASE)


def _blank(code: re.Match[str]) -> str:
    """Blank lines instead of code, so that lines keep their numbers."""
    return "\n" * code[0].count("\n")


def _refused(text: str, line: int, words: dict[re.Pattern[str], str]) -> Iterator[Violation]:
    for refused, instead in words.items():
        for match in refused.finditer(text):
            yield Violation(line + text[: match.start()].count("\n"), " ".join(match[0].split()), instead)


def _defined(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The names that a module defines, and its log events."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr
        elif isinstance(node, ast.Call) and ast.unparse(node.func).startswith("_log."):
            yield from (
                (node.lineno, str(each.value)) for each in node.args[:1] if isinstance(each, ast.Constant)
            )


def _is_command(node: ast.AST) -> bool:
    """Whether a docstring is the help text of a command."""
    return any(
        re.search(r"\b(?:command|group)\b", ast.unparse(decorator))
        for decorator in getattr(node, "decorator_list", [])
    )


def _words_of(name: str) -> str:
    """Split ``OrderHeld`` and ``order_held`` into "order held"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_+", " ", name).strip().lower()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

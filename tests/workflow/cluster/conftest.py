"""A SLURM cluster of one node with one pretended GPU on this machine, started for the tests and stopped at the end."""

import os
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.workflow.conftest import REPO, Run, run_snakemake

ETC = Path("/etc/slurm")  # the plugin takes SLURM_CONF away from its jobs: they look here
CONFIGS = ("slurm.conf", "gres.conf")
HOST = socket.gethostname()
# No systemd, no cgroups, no accounting. Finished jobs are remembered for an hour.
SLURM_CONF = """
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
ProctrackType=proctrack/pgid
TaskPlugin=task/affinity
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
MinJobAge=3600
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
AccountingStorageType=accounting_storage/none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=32000 Gres=gpu:1 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def install() -> None:
    """From Debian's packages, if it is not there."""
    if all(shutil.which(name) for name in ("munged", "slurmctld", "slurmd")):
        return
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "-y", "--no-install-recommends", "slurm-wlm", "munge"]):
        done = subprocess.run(["apt-get", *step], env=environment, text=True, capture_output=True)
        assert done.returncode == 0, done.stdout + done.stderr


def free_ports(n: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(n)]
        return [each.getsockname()[1] for each in sockets]


def wait_until_idle(folder: Path, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while subprocess.run(["sinfo", "-h", "-o", "%T"], text=True, capture_output=True).stdout.strip() != "idle":
        logs = "\n".join(path.read_text() for path in folder.glob("*.log"))
        assert time.monotonic() < deadline, f"the node did not come up:\n{logs}"
        time.sleep(0.5)


def write_settings(folder: Path) -> None:
    """Of SLURM and munge; the daemons' other files will lie beside them."""
    folder.chmod(0o755)  # munge refuses a socket that not everybody can reach
    for name in ("state", "spool"):
        (folder / name).mkdir()
    (folder / "gpu").touch()
    (folder / "gres.conf").write_text(f"Name=gpu File={folder / 'gpu'}\n")
    cpus = len(os.sched_getaffinity(0))
    (folder / "slurm.conf").write_text(SLURM_CONF.format(host=HOST, folder=folder, ports=free_ports(2), cpus=cpus))
    key = folder / "munge.key-file"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)


@contextmanager
def running(*command: str | Path) -> Iterator[None]:
    """A daemon in the foreground, stopped at the end whatever happens."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def slurm() -> Iterator[None]:
    """A running SLURM with as many CPUs as this machine; all its files but two links lie in a temporary folder."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        pytest.skip("a SLURM is installed and started by root, from Debian's packages")
    if any((ETC / name).exists() for name in CONFIGS):
        pytest.skip(f"this machine has a SLURM of its own, in {ETC}")
    install()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="slurm-")))
        write_settings(folder)
        for name in CONFIGS:
            (ETC / name).unlink(missing_ok=True)  # what a killed test left points nowhere
            (ETC / name).symlink_to(folder / name)
            stack.callback((ETC / name).unlink)
        munge_files = [
            f"--{kind}={folder}/munge.{kind}" for kind in ("key-file", "log-file", "pid-file", "seed-file", "socket")
        ]
        stack.enter_context(running("munged", "--foreground", *munge_files))
        stack.enter_context(running("slurmctld", "-D"))
        stack.enter_context(running("slurmd", "-D"))
        wait_until_idle(folder)
        yield
        subprocess.run(["scancel", "--partition=main"], check=True)


@pytest.fixture(scope="session")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extra `slurm` in a folder of its own: in the environment it would slow every start of Snakemake down."""
    folder = tmp_path_factory.mktemp("plugins")
    extras = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable, "--no-deps"]
    subprocess.run([*command, "--target", folder, *extras["slurm"]], check=True)
    return folder


@pytest.fixture
def submit(slurm: None, plugins: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`submit(workdir, *arguments)`: what `snakemake` does, on the cluster, by the project's profile."""
    monkeypatch.setenv("PYTHONPATH", str(plugins), prepend=os.pathsep)
    cluster = ["--workflow-profile", REPO / "profiles" / "slurm", "--slurm-status-command", "squeue"]
    soon = ["--slurm-init-seconds-before-status-checks", "5", "--seconds-between-status-checks", "2"]

    def run(workdir: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return run_snakemake(workdir, *arguments, *cluster, *soon)

    return run


def submitted(workdir: Path) -> list[dict[str, str]]:
    """What SLURM says of every job that was submitted from a folder, by its own names (Comment, TresPerJob, ...)."""
    said = subprocess.run(["scontrol", "show", "job", "--oneliner"], text=True, capture_output=True, check=True).stdout
    jobs = [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in said.splitlines()]
    return [job for job in jobs if job["WorkDir"] == str(workdir)]

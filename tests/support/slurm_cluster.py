"""A real Slurm cluster of one node, this machine, run by the current user for a test.

Controller and node daemon run in the foreground with their state in one folder, on free
ports, without accounting, and trust every local process (``auth/none``).
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

_PROGRAMS = ("slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol")
_SBIN = os.pathsep.join(["/usr/sbin", "/sbin", "/usr/local/sbin"])
_PATIENCE_S = 30.0


def missing_programs() -> list[str]:
    """Name the programs of Slurm that this machine lacks."""
    return [name for name in _PROGRAMS if _find(name) is None]


@contextlib.contextmanager
def slurm_cluster(folder: Path, cpus: int = 2) -> Iterator[dict[str, str]]:
    """Run a cluster; give the environment in which Slurm's commands reach it.

    Raises
    ------
    RuntimeError
        With the daemons' last words, if no node comes up.
    """
    folder.mkdir(parents=True)
    configuration = folder / "slurm.conf"
    configuration.write_text(_configuration(folder, cpus))
    environment = {**os.environ, "SLURM_CONF": str(configuration)}
    processes: list[subprocess.Popen] = []
    try:
        for name in ("slurmctld", "slurmd"):
            with (folder / f"{name}.out").open("w") as stream:
                command = [str(_find(name)), "-D", *(["-c"] if name == "slurmctld" else [])]
                processes.append(
                    subprocess.Popen(command, env=environment, stdout=stream, stderr=stream)
                )
        _wait_for_the_node(environment, processes, folder)
        yield environment
    finally:
        with contextlib.suppress(subprocess.SubprocessError):
            subprocess.run(["scancel", "--me"], env=environment, timeout=10, check=False)
        _stop(processes)
        _end_steps(configuration)


def _configuration(folder: Path, cpus: int) -> str:
    host, user = socket.gethostname().partition(".")[0], getpass.getuser()
    controller, node = _free_ports(2)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    return f"""\
ClusterName=tonegap
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1,batch_sched_delay=0
ReturnToService=2
KillWait=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
"""


def _find(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=_SBIN)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _wait_for_the_node(
    environment: dict[str, str], processes: list[subprocess.Popen], folder: Path
) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    command = ["sinfo", "--noheader", "--format=%T"]
    while time.monotonic() < deadline and all(p.poll() is None for p in processes):
        state = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        ).stdout.strip()
        if state == "idle":
            return
        time.sleep(0.2)
    words = [
        f"{path.name}: {path.read_text()[-1500:]}"
        for path in [*folder.glob("*.out"), *folder.glob("*.log")]
    ]
    raise RuntimeError("no Slurm node came up\n" + "\n".join(words))


def _end_steps(configuration: Path) -> None:
    """End the keepers of jobs that outlived their daemons: they would wait for them for ever."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name() == "slurmstepd" and process.environ().get("SLURM_CONF") == str(
                configuration
            ):
                for member in [*process.children(recursive=True), process]:
                    member.kill()


def _stop(processes: list[subprocess.Popen]) -> None:
    for process in reversed(processes):
        process.terminate()
    for process in reversed(processes):
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

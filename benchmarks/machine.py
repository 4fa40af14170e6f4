"""What the measuring was done on."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.systems import SYSTEMS


def field(path: str, key: str) -> str:
    """The first value of a key in one of Linux's files of facts; empty elsewhere."""
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "")


def blas() -> str:
    """The library behind NumPy's products: name, version, the kernels it chose, its threads."""
    built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    text = f"{built['name']} {built['version']}"
    if find_spec("threadpoolctl"):
        from threadpoolctl import threadpool_info  # optional

        for pool in threadpool_info():
            if pool["user_api"] == "blas":
                return f"{text}, kernels {pool.get('architecture', '?')}, {pool['num_threads']} threads"
    return text


def installed(name: str) -> str | None:
    """The version of a package, if there is one."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def describe() -> dict[str, Any]:
    """Date, processor, memory, versions."""
    kilobytes = field("/proc/meminfo", "MemTotal").split()
    packages = ["numpy", "scipy", *dict.fromkeys(s.needs for s in SYSTEMS.values()), "jaxlib", "numba"]
    versions = {name: found for name in dict.fromkeys(packages) if (found := installed(name))}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": field("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": cores,
        "memory": f"{int(kilobytes[0]) / 2**20:.0f} GiB" if kilobytes else "",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "blas": blas(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "versions": versions,
        "missing": [name for name, system in SYSTEMS.items() if not system.installed],
    }

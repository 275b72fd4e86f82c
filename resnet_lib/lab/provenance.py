"""Where and when rows were recorded, which must be known to record them again."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def provenance(device: Any = "cpu") -> dict[str, Any]:
    """Return the machine, its software and today's date (UTC), as JSON can hold them.

    - `processor` is the CPU's name, `cores` the number of its logical cores that this process may use.
    - `device` is "cpu", or the GPU's name.
    - `threads` is the number of torch's threads.
    - `torch`, `python`, `system` and `date` are what they say.

    Nothing in it names a person, a folder or a host.

    >>> list(provenance())
    ['processor', 'cores', 'device', 'threads', 'torch', 'python', 'system', 'date']
    """
    import torch

    device = torch.device(device)
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "date": datetime.now(UTC).date().isoformat(),
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():  # platform.processor() is empty on most Linux systems
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

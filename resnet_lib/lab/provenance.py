"""Where and when rows were recorded: what must be known to record them again."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def provenance(device: Any = "cpu") -> dict[str, Any]:
    """The machine, its software and today's date (UTC), as JSON can hold them.

    `processor` is the CPU's name, `cores` how many of its logical cores this process may use, `device` what computes
    ("cpu", or a GPU's name), `threads` those of torch. Nothing in it names a person, a folder or a host.
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

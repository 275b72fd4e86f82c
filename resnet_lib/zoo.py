"""The named networks. Each is a few fields of a NetworkSpec; a field that is not listed keeps its default."""

from __future__ import annotations

from typing import Any

from resnet_lib import _check
from resnet_lib.spec import BlockSpec, NetworkSpec, check_fields

# torchvision/models/resnet.py; He et al. 2015, table 1; Xie et al. 2016 (ResNeXt); Zagoruyko and Komodakis 2016 (wide).
_IMAGENET: dict[str, dict[str, Any]] = {
    "resnet18": dict(block="basic", depths=(2, 2, 2, 2)),
    "resnet34": dict(block="basic", depths=(3, 4, 6, 3)),
    "resnet50": dict(block="bottleneck", depths=(3, 4, 6, 3)),
    "resnet101": dict(block="bottleneck", depths=(3, 4, 23, 3)),
    "resnet152": dict(block="bottleneck", depths=(3, 8, 36, 3)),
    "resnext50_32x4d": dict(block="bottleneck", depths=(3, 4, 6, 3), groups=32, width_per_group=4),
    "resnext101_32x8d": dict(block="bottleneck", depths=(3, 4, 23, 3), groups=32, width_per_group=8),
    "resnext101_64x4d": dict(block="bottleneck", depths=(3, 4, 23, 3), groups=64, width_per_group=4),
    "wide_resnet50_2": dict(block="bottleneck", depths=(3, 4, 6, 3), width_per_group=128),
    "wide_resnet101_2": dict(block="bottleneck", depths=(3, 4, 23, 3), width_per_group=128),
    "plain18": dict(block="basic", depths=(2, 2, 2, 2), shortcut="none"),
    "plain34": dict(block="basic", depths=(3, 4, 6, 3), shortcut="none"),
}


def _cifar(block: str, layers: int, **fields: Any) -> dict[str, Any]:
    """He et al. 2015, section 4.2: 6n + 2 layers of basic blocks; He et al. 2016: 9n + 2 of bottlenecks."""
    n = (layers - 2) // (6 if block == "basic" else 9)
    return dict(block=block, depths=(n, n, n), widths=(16, 32, 64), classes=10) | fields


_CIFAR: dict[str, dict[str, Any]] = {
    **{f"cifar_resnet{n}": _cifar("basic", n, shortcut="A") for n in (20, 32, 44, 56, 110, 1202)},
    **{f"cifar_plain{n}": _cifar("basic", n, shortcut="none") for n in (20, 32, 44, 56, 110)},
    "cifar_preact110": _cifar("basic", 110, shortcut="A", preactivation=True),
    # KaimingHe/resnet-1k-layers, resnet-pre-act.lua: projections, the stride on the first 1×1.
    **{f"cifar_preact{n}": _cifar("bottleneck", n, stride_on="1x1", preactivation=True) for n in (164, 1001)},
    "wrn28_10": dict(block="basic", depths=(4, 4, 4), widths=(160, 320, 640), preactivation=True, classes=10),
}

# The stem's width belongs to the network: ResNet-18 with the CIFAR stem is 64 wide there, as everybody's is.
_ZOO: dict[str, dict[str, Any]] = {
    **{name: dict(stem="imagenet", stem_width=64) | fields for name, fields in _IMAGENET.items()},
    **{name: dict(stem="cifar", stem_width=16) | fields for name, fields in _CIFAR.items()},
}


def names() -> tuple[str, ...]:
    """Return every name that `network` knows.

    >>> names()[:3]
    ('resnet18', 'resnet34', 'resnet50')

    Chapter 7.
    """
    return tuple(_ZOO)


def network(name: str, **overrides: Any) -> NetworkSpec:
    """Return the description of a named network, with any field of NetworkSpec overridden.

    A field that is not overridden keeps the value that it has in the network named: `stem="cifar"` gives ResNet-18
    another stem of the same 64 channels. `names` lists the names.

    Raises ValueError for a name or a field that does not exist.
    Raises ValueError or TypeError as NetworkSpec does.

    >>> print(network("resnet18", stem="cifar", classes=10))
    stem    3 ─ 3×3 ─ 64
    layer1  64 ─ 3×3 ─ 64 ─ 3×3 ─ 64  ⊕ identity
            64 ─ 3×3 ─ 64 ─ 3×3 ─ 64  ⊕ identity   × 1
    layer2  64 ─ 3×3/2 ─ 128 ─ 3×3 ─ 128  ⊕ projection
            128 ─ 3×3 ─ 128 ─ 3×3 ─ 128  ⊕ identity   × 1
    layer3  128 ─ 3×3/2 ─ 256 ─ 3×3 ─ 256  ⊕ projection
            256 ─ 3×3 ─ 256 ─ 3×3 ─ 256  ⊕ identity   × 1
    layer4  256 ─ 3×3/2 ─ 512 ─ 3×3 ─ 512  ⊕ projection
            512 ─ 3×3 ─ 512 ─ 3×3 ─ 512  ⊕ identity   × 1
    head    512 ─ average ─ 10

    Chapter 0.
    """
    if not isinstance(name, str) or name not in _ZOO:
        raise ValueError(f"name must be one of {', '.join(_ZOO)}: {name!r}")
    check_fields(overrides)
    return NetworkSpec(**(_ZOO[name] | overrides))


def described(spec: Any, name: str = "spec") -> NetworkSpec | BlockSpec:
    """Return `spec`, or the network that it names: what every function does that takes a description.

    Raises TypeError if it is neither a description nor a name, and as `network` does.
    """
    if isinstance(spec, str):
        return network(spec)
    _check.instance(name, spec, (NetworkSpec, BlockSpec), "a NetworkSpec, a BlockSpec or a name, such as 'resnet50'")
    return spec  # type: ignore[no-any-return]

"""The named networks. Each is a few fields of a NetworkSpec; whatever is not listed keeps its default."""

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
    return dict(block=block, depths=(n, n, n), widths=(16, 32, 64), stem="cifar", classes=10) | fields


_CIFAR: dict[str, dict[str, Any]] = {
    **{f"cifar_resnet{n}": _cifar("basic", n, shortcut="A") for n in (20, 32, 44, 56, 110, 1202)},
    **{f"cifar_plain{n}": _cifar("basic", n, shortcut="none") for n in (20, 32, 44, 56, 110)},
    "cifar_preact110": _cifar("basic", 110, shortcut="A", preactivation=True),
    # KaimingHe/resnet-1k-layers, resnet-pre-act.lua: projections, the stride on the first 1×1.
    **{f"cifar_preact{n}": _cifar("bottleneck", n, stride_on="1x1", preactivation=True) for n in (164, 1001)},
    "wrn28_10": dict(
        block="basic", depths=(4, 4, 4), widths=(160, 320, 640), stem="cifar", preactivation=True, classes=10
    ),
}

_ZOO = _IMAGENET | _CIFAR


def names() -> tuple[str, ...]:
    """Every name that `network` knows."""
    return tuple(_ZOO)


def network(name: str, **overrides: Any) -> NetworkSpec:
    """The description of a named network, with any field of NetworkSpec overridden.

    `network("resnet50", shortcut="C", stride_on="1x1", classes=10)` is the paper's ResNet-50 with projections
    everywhere and ten classes. Fields that the name does not fix follow the overrides: with `stem="cifar"` the stem
    is 16 wide unless `stem_width` says otherwise.

    Raises ValueError for an unknown name (listing the known ones) or field, and as NetworkSpec does.
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

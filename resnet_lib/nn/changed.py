"""Whether a module still computes what its description says, which knows nothing of edits to the module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from resnet_lib.nn.blocks import ResidualBlock
from resnet_lib.nn.network import ResNet, made

HARMLESS = ("training", "inplace")  # settings that may differ: the outputs in evaluation mode are the same
HOOKS = ("_forward_hooks", "_forward_pre_hooks")  # those that can change an output


def change(model: ResNet | ResidualBlock) -> str | None:
    """Return the first thing in which `model` differs from a new module of its description; None if nothing does.

    Compared are the classes and settings of all modules, the names and shapes of all weights and buffers. A forward
    hook counts as a change, because it may replace an output, and so do weights or modules that are used twice.

    >>> from resnet_lib.nn import build
    >>> model = build("resnet18", device="meta")
    >>> model.maxpool.stride = 1
    >>> change(model)
    'maxpool has stride=1 instead of 2'
    """
    return next(_changes(model, made(model.spec, device="meta")), None)


def ours(model: Any) -> ResNet | ResidualBlock:
    """Return `model` if `build` could have made it; raise TypeError for any other thing."""
    if isinstance(model, ResNet | ResidualBlock):
        return model
    hint = ""
    if isinstance(model, nn.Module):
        hint = "; load its weights into one: the keys are torchvision's"
        if any(isinstance(m, nn.Conv2d) and m.dilation != (1, 1) for m in model.modules()):
            hint = ", and dilation is not a field of a description"
    raise TypeError(f"model must be a network or block as rl.build makes it, not {type(model).__name__}{hint}")


def _changes(model: nn.Module, new: nn.Module) -> Iterator[str]:
    yield from _of_module("", model, new)
    theirs = {name: tuple(tensor.shape) for name, tensor in new.state_dict().items()}
    tensors = model.state_dict(keep_vars=True)
    for name in {**theirs, **tensors}:
        if name not in tensors:
            yield f"{name} is missing"
        elif name not in theirs:
            yield f"{name} is not in the description"
        elif tuple(tensors[name].shape) != theirs[name]:
            yield f"{name} has the shape {tuple(tensors[name].shape)} instead of {theirs[name]}"
    modules = ((name, id(module)) for name, module in model.named_modules(remove_duplicate=False))
    memory = ((name, (t.device, t.data_ptr())) for name, t in tensors.items() if t.numel() and not t.is_meta)
    for pairs in (modules, memory):
        seen: dict[Any, str] = {}
        for name, key in pairs:
            if seen.setdefault(key, name) != name:
                yield f"{name} is {seen[key]}"


def _of_module(path: str, module: nn.Module, new: nn.Module) -> Iterator[str]:
    what = path or "the model"
    if type(module) is not type(new):
        yield f"{what} is {_class(module)} instead of {_class(new)}"
        return
    own = vars(module)
    for name, value in vars(new).items():
        if not name.startswith("_") and name not in HARMLESS and own.get(name) != value:
            note = "; dilation is not a field of a description" if name == "dilation" else ""
            yield f"{what} has {name}={own.get(name)!r} instead of {value!r}{note}"
    for name in own.keys() - vars(new).keys():
        if callable(getattr(type(module), name, None)):
            yield f"{what} has a {name} of its own"
    if any(own[hooks] for hooks in HOOKS):
        yield f"{what} has a forward hook, which may change what it computes"
    ours, theirs = module._modules, new._modules
    below = f"{path}." if path else ""
    for name in {**theirs, **ours}:
        if ours.get(name) is None and theirs.get(name) is None:
            continue
        if (first := ours.get(name)) is None:
            yield f"{below}{name} is missing"
        elif (second := theirs.get(name)) is None:
            yield f"{below}{name} is not in the description"
        else:
            yield from _of_module(f"{below}{name}", first, second)
    if isinstance(new, nn.Sequential) and list(ours) != list(theirs):
        yield f"{what} has its modules in another order"


def _class(module: nn.Module) -> str:
    """The class's name, with its package where torch does not define it."""
    kind = type(module)
    known = kind.__module__.startswith(("torch.nn.modules", "resnet_lib."))
    return kind.__qualname__ if known else f"{kind.__module__}.{kind.__qualname__}"

"""What an import loads. The pricing half also runs in the browser, where there is only the standard library."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import resnet_lib as rl

PACKAGE = Path(rl.__file__).parent
NEEDS_MORE = ("nn", "lab", "show")  # the sub-packages that need torch, plotly, SymPy or ipywidgets
STDLIB_ONLY = [
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.relative_to(PACKAGE).parts[0] not in NEEDS_MORE
] + ["resnet_lib.lab", "resnet_lib.lab.records"]


def run(script, *options):
    """What the script prints (JSON), in a Python of its own."""
    command = [sys.executable, *options, "-c", f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r})\n{script}"]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def test_pricing_loads_nothing_but_the_standard_library():
    loaded = run("""
import json
before = set(sys.modules)
import resnet_lib as rl
bill = rl.price(rl.network("resnet50"))
bill.macs, bill.rows, bill.by("kind")
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
""")
    assert set(loaded) - set(sys.stdlib_module_names) == {"resnet_lib"}


def test_the_list_of_modules_is_no_accident():
    assert {"resnet_lib", "resnet_lib.spec", "resnet_lib.zoo", "resnet_lib.cost.bill"} <= set(STDLIB_ONLY)


@pytest.mark.parametrize("module", STDLIB_ONLY)
def test_the_torch_free_half_needs_no_package(module):
    """`-I -S`: a Python without site-packages, as bare as the browser's."""
    assert run(f"import json, {module}; print(json.dumps('site' in sys.modules))", "-I", "-S") is False


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'resnet_lib' has no attribute 'nonsense'"):
        rl.nonsense  # noqa: B018
    assert not hasattr(rl, "nonsense")


@pytest.mark.parametrize("name", rl.__all__)
def test_public_names_exist(name):
    assert callable(getattr(rl, name))
    assert getattr(rl, name).__doc__


def test_public_names_are_listed_before_their_first_use():
    """For completion in a notebook (`rl.` and a tab), which must not load torch."""
    listed, loaded = run("import json, resnet_lib; print(json.dumps([dir(resnet_lib), list(sys.modules)]))")
    assert set(rl.__all__) <= set(listed)
    assert "torch" not in loaded

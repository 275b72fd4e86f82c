"""What an import loads. The pricing half also runs in the browser, where there is only the standard library."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import resnet_lib as rl

PACKAGE = Path(rl.__file__).parent
BLOCKED = ("accelerate", "anywidget", "ipywidgets", "numpy", "pandas", "plotly", "sympy", "torch")
NEEDS_MORE = ("nn", "lab", "explore", "figures", "plot", "cli", "__main__")  # need torch, SymPy, plotly or tyro
STDLIB_ONLY = [
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted(PACKAGE.rglob("*.py"))
    if not set(path.relative_to(PACKAGE).with_suffix("").parts) & set(NEEDS_MORE)
] + ["resnet_lib.lab"]


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
    assert {"resnet_lib.spec", "resnet_lib.cost.bill", "resnet_lib.drawing", "resnet_lib.book.ask"} <= set(STDLIB_ONLY)


def test_the_stdlib_rooms_need_no_package():
    """Each module alone, in a Python without site-packages (`-I -S`), as bare as the browser's."""
    script = f"""
import json
from importlib import import_module
failed = {{}}
for name in {STDLIB_ONLY}:
    for loaded in [loaded for loaded in sys.modules if loaded.startswith("resnet_lib")]:
        del sys.modules[loaded]
    try:
        import_module(name)
    except ImportError as error:
        failed[name] = str(error)
print(json.dumps([failed, "site" in sys.modules]))
"""
    assert run(script, "-I", "-S") == [{}, False]


def test_what_the_stdlib_rooms_promise_holds_without_packages():
    """Not only importing: drawings, questions, exercises and their HTML work where SymPy and the rest are blocked."""
    script = f"""
import json
for name in {BLOCKED}:
    sys.modules[name] = None  # importing it raises ImportError
import resnet_lib as rl
bill = rl.price(rl.network("resnet50"))
shown = [
    rl.draw("resnet18", "resnet34")._repr_mimebundle_()["text/html"],
    rl.quiz("q", "Which?", {{"a": "Yes.", "b": "No."}}, right="a")._repr_html_(),
    rl.predict("p", "How many?", truth=3)._repr_html_(),
    *(rl.check(name)._repr_html_() for name in sorted(__import__("resnet_lib.book.ask").book.ask.exercises())),
    rl.check("bottleneck.1", 280_064)._repr_html_(),
    str(rl.explain(bill, "fvcore", "thop")),
    repr(rl.memory(bill)), repr(rl.roofline(bill, 1e12, 1e11).by("bound")), repr(rl.twin("resnet50")),
    repr(rl.records.machines().keys()), repr(rl.records.columns()),
]
print(json.dumps(min(map(len, shown))))
"""
    assert run(script, "-I", "-S") > 10


def test_training_on_digits_does_not_wait_for_torchvision():
    """Whose import takes a second, in each process of an experiment."""
    assert run("import json, resnet_lib.lab._train; print(json.dumps('torchvision' in sys.modules))") is False


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'resnet_lib' has no attribute 'nonsense'"):
        rl.nonsense  # noqa: B018
    assert not hasattr(rl, "nonsense")


@pytest.mark.parametrize("name", rl.__all__)
def test_public_names_exist(name):
    assert getattr(rl, name).__doc__


def test_public_names_are_listed_before_their_first_use():
    """For completion in a notebook (`rl.` and a tab), which must not load torch."""
    listed, loaded = run("import json, resnet_lib; print(json.dumps([dir(resnet_lib), list(sys.modules)]))")
    assert set(rl.__all__) <= set(listed)
    assert "torch" not in loaded

"""Networks, blocks and bills side by side."""

import pytest
import sympy

import resnet_lib as rl
from resnet_lib.nn.vision import torchvision


def test_numbers_are_torchvisions():
    names = [f"resnet{n}" for n in (18, 34, 50, 101, 152)]
    comparison = rl.compare(*names, columns=("params", "macs"), ratios=False)
    metas = [torchvision.models.get_model_weights(name)["IMAGENET1K_V1"].meta for name in names]
    assert [row[:2] for row in comparison.table().rows] == [
        (name, meta["num_params"]) for name, meta in zip(names, metas, strict=True)
    ]
    assert [round(bill.macs / 1e9, 3) for bill in comparison.values()] == [meta["_ops"] for meta in metas]


def test_ratios_are_to_the_first():
    comparison = rl.compare("resnet34", "resnet50", image=192, batch=2)
    a, b = (rl.price(name, 192, batch=2) for name in ("resnet34", "resnet50"))
    assert comparison["resnet50"] == b
    assert comparison.ratio("activations") == {"resnet34": 1, "resnet50": b.activations / a.activations}
    assert list(comparison.table().forms) == [
        *("", "layers", "parameters", "MACs", "activations"),
        *("× parameters", "× MACs", "× activations"),
    ]
    assert comparison.table().rows[1][1:] == (
        *(50, b.params, b.macs, b.activations),
        *(b.params / a.params, b.macs / a.macs, b.activations / a.activations),
    )
    assert comparison.table().title == "2 images of 192 × 192, ratios to resnet34"
    assert rl.compare("resnet34", "resnet50", ratios=False).table().title == "1 image of 224 × 224"


def test_whatever_has_a_bill():
    wide = rl.network("resnet50", stem_width=256)
    bill = rl.price("resnet18")
    comparison = rl.compare("resnet50", wide, bill, {"mine": wide, "34": "resnet34"})
    assert list(comparison) == ["resnet50", "bottleneck (3, 4, 6, 3)", "bill 3", "mine", "34"]
    assert comparison["bill 3"] is bill
    assert [row[1] for row in comparison.table().rows] == [50, 50, None, 50, 34]
    assert next(iter(rl.compare(rl.network("resnet101")))) == "resnet101"


def test_columns():
    table = rl.compare("resnet34", "resnet50", columns=("block", "depths", "receptive_field", "bytes"), ratios=False)
    assert table.table().cells()[1][:4] == ("resnet34", "basic", "3, 4, 6, 3", "899")
    table = rl.compare("resnet34", "resnet50", columns={"macs": "G 2"}).table()
    assert table.cells()[2] == ("resnet50", "4.09 G", "1.116")


def test_different_images_are_said():
    table = rl.compare("cifar_resnet20", "resnet18").table()
    assert [row[1] for row in table.rows] == ["1 image of 32 × 32", "1 image of 224 × 224"]
    assert table.title == "ratios to cifar_resnet20"


def test_blocks_and_symbols():
    """Figure 5 of He et al.: 18c² and 17c² weights at any width."""
    c = sympy.Symbol("c", integer=True, positive=True)
    blocks = {"basic": rl.BlockSpec("basic", c), "bottleneck": rl.BlockSpec("bottleneck", 4 * c, width=c)}
    bills = {name: rl.price(block).by("kind")["conv"] for name, block in blocks.items()}
    assert rl.compare(bills, columns=["params"]).table().cells()[1:] == [
        ("basic", "18·c²", "1.000"),
        ("bottleneck", "17·c²", "0.944"),
    ]
    two = rl.compare(rl.BlockSpec("basic", 64), rl.BlockSpec("bottleneck", 256)).table()
    assert [row[0] for row in two.rows] == [
        "64 ─ 3×3 ─ 64 ─ 3×3 ─ 64  ⊕ identity",
        "256 ─ 1×1 ─ 64 ─ 3×3 ─ 64 ─ 1×1 ─ 256  ⊕ identity",
    ]
    assert [row[2] for row in two.rows] == [2, 3]  # layers


def test_a_ratio_to_nothing_is_empty():
    relu = rl.price("resnet18").by("kind")["relu"]
    assert rl.compare({"relu": relu, "all": rl.price("resnet18")}).ratio("params") == {"relu": None, "all": None}


def test_errors():
    with pytest.raises(ValueError, match="networks must be at least one"):
        rl.compare()
    with pytest.raises(ValueError, match=r"networks must have different names; .*: 'resnet18' is there twice"):
        rl.compare("resnet18", "resnet18")
    with pytest.raises(ValueError, match=r"columns must be one of 'params', .*: 'cost'"):
        rl.compare("resnet18", columns=["cost"])
    with pytest.raises(ValueError, match=r"name must be one of resnet18, .*: 'resnet'"):
        rl.compare("resnet")
    with pytest.raises(TypeError, match=r"networks must be a NetworkSpec, a BlockSpec or a name, .*: 50"):
        rl.compare(50)
    with pytest.raises(ValueError, match=r"field must be one of 'params', .*: 'layers'"):
        rl.compare("resnet18").ratio("layers")
    with pytest.raises(TypeError, match="ratios must be True or False: 1"):
        rl.compare("resnet18", ratios=1)


def test_a_column_that_nobody_knows_is_not_shown():
    """A bill does not know its network's layers; beside a network that does, the cell is empty."""
    bills = {"a": rl.price("resnet18"), "b": rl.price("resnet34")}
    assert "layers" not in str(rl.compare(bills)) and "layers" in str(rl.compare(bills, "resnet50"))

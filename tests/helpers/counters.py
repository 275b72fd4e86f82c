"""The tools that count, as functions of a model and images: what we say that they print is compared with them."""

import io
import warnings
from contextlib import contextmanager, redirect_stdout

import torch
from torch.utils.flop_counter import FlopCounterMode

import resnet_lib as rl
from resnet_lib.cost.conventions import report
from resnet_lib.nn.vision import torchvision


@contextmanager
def quiet():
    """The tools' own warnings (deprecated distutils, LooseVersion and jit.trace, sizes in a trace) and prints."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


with quiet():
    import fvcore.nn
    import ptflops
    import thop
    import torchinfo

TORCHVISION = rl.names()[:10]
PUBLISHED = (224, 224)
SIZES = ((65, 33), (33, 33), (64, 97))  # others: odd and not square among them


def flop_counter(model, images):
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.eval()(images)
    return counter.get_total_flops()


def analysis(count, model, images):
    counted = count(model, images)
    counted.unsupported_ops_warnings(False)
    counted.uncalled_modules_warnings(False)
    return counted.total()


def ptflops_count(backend):
    def count(model, images):
        result, _ = ptflops.get_model_complexity_info(
            model,
            tuple(images.shape[1:]),
            as_strings=False,
            print_per_layer_stat=False,
            backend=backend,
            input_constructor=lambda _: images,
        )
        return result

    return count


ON_META = {  # these need shapes only
    "flop_counter": flop_counter,
    "thop": lambda model, images: thop.profile(model, (images,), verbose=False)[0],
    "torchinfo": lambda model, images: (
        torchinfo.summary(model, input_data=images, device=images.device, verbose=0).total_mult_adds
    ),
    "ptflops": ptflops_count("aten"),
}
ON_CPU = {
    # ptflops patches torch.addmm, which only the meta device calls for a linear layer: it would count twice there.
    "ptflops_pytorch": ptflops_count("pytorch"),
    # fvcore traces, which the meta device does not allow.
    "fvcore": lambda model, images: analysis(fvcore.nn.FlopCountAnalysis, model.eval(), images),
    "fvcore_training": lambda model, images: analysis(fvcore.nn.FlopCountAnalysis, model.train(), images),
}


def assert_equal(tools, model, bill, images):
    with quiet():
        assert {tool: count(model, images) for tool, count in tools.items()} == {
            tool: report(bill, tool) for tool in tools
        }


def torchvision_model(name):
    with torch.device("meta"):
        return getattr(torchvision.models, name)()


def with_two_blocks_a_stage(model):
    """The first block, which may project, and another: all further ones are equal to the second."""
    for stage in ("layer1", "layer2", "layer3", "layer4"):
        setattr(model, stage, getattr(model, stage)[:2])
    return model


def on_cpu(model):
    """With zeros for weights: what they are does not matter here, and drawing them takes longer than counting."""
    model = model.to_empty(device="cpu")
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            tensor.zero_()
    return model

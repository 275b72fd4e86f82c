"""Train a network: `python -m resnet_lib.lab.train --network cifar_resnet20 --data digits`.

On several GPUs or processes: `torchrun --nproc-per-node 2 -m resnet_lib.lab.train …`, or `accelerate launch -m …`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import fields

from resnet_lib.cli import Parser, pixels, whole


def _parser() -> argparse.ArgumentParser:
    from resnet_lib.lab.settings import Settings

    parser = Parser(
        prog="python -m resnet_lib.lab.train",
        description="Train a network on real pictures.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--network", default="cifar_resnet20", help="a name of the zoo: python -m resnet_lib names")
    parser.add_argument(
        "--data", default="digits", help="digits, cifar10, or a folder with train/<class>/ and test/<class>/"
    )
    parser.add_argument("--data-folder", default="data", help="where CIFAR-10 is, or goes")
    parser.add_argument("--download", action="store_true", help="fetch CIFAR-10 (170 MB) if it is not there")
    parser.add_argument(
        "--image", type=pixels, default=224, help="pixels, such as 224 or 192x256, to which a folder's pictures are cut"
    )
    parser.add_argument("--out", metavar="FOLDER", help="for metrics, checkpoints and the network; left out: none")
    parser.add_argument("--resume", action="store_true", help="go on with the run in that folder")
    parser.add_argument("--checkpoint-every", type=whole, metavar="STEPS", help="also within an epoch")
    parser.add_argument("--cpu", action="store_true", help="leave GPUs alone")
    parser.add_argument("--workers", type=whole, default=0, help="processes that load pictures")
    settings = parser.add_argument_group("settings")
    for field in fields(Settings):
        flag, help = f"--{field.name.replace('_', '-')}", field.name
        if field.default is False:
            settings.add_argument(flag, action="store_true", help=help)
        else:
            kind = whole if isinstance(field.default, int) else type(field.default)
            settings.add_argument(flag, type=kind, default=field.default, help=help)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Train; the exit code is 0, or 2 (by SystemExit) after one line about what was wrong, from each machine."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    try:
        _run(chosen, first=int(os.environ.get("RANK", 0)) == 0)
    except (ValueError, TypeError, OSError, ImportError) as error:
        if int(os.environ.get("LOCAL_RANK", 0)) != 0:
            parser.exit(2)
        *_, last = str(error).splitlines() or [repr(error)]  # of an error in a worker, the rest is its traceback
        parser.error(last)
    return 0


def _run(chosen: argparse.Namespace, first: bool) -> None:
    from resnet_lib.lab._train import processes, train
    from resnet_lib.lab.data import cifar10, digits, image_folder
    from resnet_lib.lab.settings import Settings

    if chosen.data == "digits":
        data = digits()
    elif chosen.data == "cifar10":
        with processes(chosen.cpu).local_main_process_first():  # one downloads, the others wait
            data = cifar10(chosen.data_folder, download=chosen.download)
    else:
        data = image_folder(chosen.data, image=chosen.image)
    if first:
        print(f"{chosen.network} on {data}")
    trained = train(
        chosen.network,
        data,
        Settings(**{field.name: getattr(chosen, field.name) for field in fields(Settings)}),
        out=chosen.out,
        resume=chosen.resume,
        checkpoint_every=chosen.checkpoint_every,
        cpu=chosen.cpu,
        workers=chosen.workers,
    )
    processes(chosen.cpu).destroy_process_group()
    if first:
        print(f"errors: {trained.train_error:.2%} of the training pictures, {trained.test_error:.2%} of the others")
        print(f"accuracy on pictures that it has not seen: {1 - trained.test_error:.2%}")
        if chosen.out is not None:
            print(f"written to {chosen.out}")


if __name__ == "__main__":
    sys.exit(main())

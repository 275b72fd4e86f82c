"""`python -m resnet_lib`, and the installed script `resnet-lib`: see `resnet_lib.cli`."""

import sys


def main() -> int:
    """Run the command line, or say in one line that cyclopts, which reads it, is not installed."""
    try:
        from resnet_lib import cli
    except ModuleNotFoundError as error:
        print(f"resnet-lib: {error.name} is not installed; `pip install cyclopts` brings it", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())

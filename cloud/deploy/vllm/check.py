#!/usr/bin/env python3
"""Holds the settings against the vLLM that is installed: run it with the Python that has vLLM.

Every launch of settings.json goes through vLLM's own argument parser, which knows names, kinds and choices; its engine arguments are made of
the result. No GPU is needed and no weights are read. Prints what vLLM says against each, and how many there were.
"""

import contextlib
import dataclasses
import io
import json
import sys

sys.dont_write_bytecode = True

import serve
import vllm
from vllm import envs
from vllm.config.speculative import SpeculativeConfig
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
from vllm.utils.argparse_utils import FlexibleArgumentParser


def said_against(command, environment):
    """What vLLM says against a launch; None where it takes it."""
    parser = make_arg_parser(FlexibleArgumentParser())
    words = io.StringIO()
    try:
        with contextlib.redirect_stderr(words):
            arguments = parser.parse_args(command[2:])
        validate_parsed_serve_args(arguments)
        AsyncEngineArgs.from_cli_args(arguments)
    except SystemExit:
        return words.getvalue().strip().splitlines()[-1]
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    unknown = set(arguments.speculative_config or {}) - {field.name for field in dataclasses.fields(SpeculativeConfig)}
    unknown |= set(environment) - set(envs.environment_variables)
    return f"vLLM knows no {', '.join(sorted(unknown))}" if unknown else None


def main():
    launches = [json.loads(line) for line in sys.stdin] if "-" in sys.argv else list(serve.every())
    wrong = 0
    for launch in launches:
        against = said_against(launch["command"], launch["environment"])
        if against is not None:
            wrong += 1
            print(f"{launch['model']} on {launch['gpu']}: {against}")
    print(f"{len(launches)} launches held against vLLM {vllm.__version__}: {wrong} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

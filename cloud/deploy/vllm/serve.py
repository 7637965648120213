#!/usr/bin/env python3
"""Starts vLLM with Fusion's settings: `python3 serve.py MODEL GPU`, where GPU is a card of settings.json or several (`2xl4`).

Nothing but Python's own library, since it runs where vLLM runs. The key comes from VLLM_API_KEY in the environment.
"""

import argparse
import json
import os
import pathlib
import re
import shlex
import sys

SETTINGS = json.loads((pathlib.Path(__file__).parent / "settings.json").read_text(encoding="utf-8"))
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Problem(Exception):
    """Told in one line."""


def choose(model, gpu, *, shared=False, sleep=False, speculative=None, host=None, port=8000):
    """The command, what it has in its environment, and what the cloud is told of it. Raises Problem."""
    about = SETTINGS["models"].get(model)
    if about is None:
        raise Problem(f"There is no model '{model}'. There are: {', '.join(SETTINGS['models'])}.")
    count, card_name, card = card_of(gpu)
    size = card["gpu"] if count == 1 else f"{count}x{card['gpu']}"
    if shared and count > 1:
        raise Problem("A server that takes several GPUs shares none of them.")
    sized = about["shared" if shared else "on"].get(size)
    if sized is None:
        others = ", ".join(about["shared" if shared else "on"])
        raise Problem(f"There are no settings for {model}{' sharing' if shared else ''} on {size}. There are: {others}.")
    weights = about["weights"].get(card["generation"], about["weights"]["any"])

    arguments = {**SETTINGS["always"], "port": port, "served-model-name": model}
    if host is not None:
        arguments["host"] = host
    if "revision" in weights:
        arguments["revision"] = weights["revision"]
    arguments["gpu-memory-utilization"] = sized.get("gpu-memory-utilization", SETTINGS["memory"]["aloneUtilization"])
    arguments["max-model-len"] = sized["max-model-len"]
    arguments["max-num-seqs"] = sized["max-num-seqs"]
    if count > 1:
        arguments["tensor-parallel-size"] = count
    fp8 = sized.get("fp8KvCache", False) and card["generation"] != "ampere"
    if fp8:
        arguments.update(SETTINGS["withFp8KvCache"])
    if speculative is not None:
        if speculative not in about["speculative"]:
            raise Problem(f"{model} has no '{speculative}'. It has: {', '.join(about['speculative'])}.")
        arguments["speculative-config"] = json.dumps(about["speculative"][speculative])
    environment = dict(SETTINGS["environment"])
    if sleep:
        arguments.update(SETTINGS["withSleep"]["arguments"])
        environment.update(SETTINGS["withSleep"]["environment"])
        if arguments["host"] not in LOOPBACK:
            raise Problem("A server that can sleep answers anybody who reaches it at /sleep: it listens on 127.0.0.1 alone, behind the gate.")

    command = ["vllm", "serve", weights["repository"]]
    for name, value in arguments.items():
        command += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    # Servers with the same words here go on with each other's answers.
    same = [weights["repository"], weights.get("revision"), "fp8 kv cache" if fp8 else None, speculative]
    told = {"weights": " ".join(word for word in same if word), "slots": sized["max-num-seqs"]}
    return command, environment, told


def card_of(gpu):
    count, name = re.fullmatch(r"(?:([2-8])x)?(.+)", gpu).groups()
    card = SETTINGS["cards"].get(name)
    if card is None:
        raise Problem(f"There is no GPU '{name}'. There are: {', '.join(SETTINGS['cards'])}; several as 2xl4.")
    return int(count or 1), name, card


def every():
    """All launches that the settings describe."""
    for model, about in SETTINGS["models"].items():
        for shared in (False, True):
            for size in about["shared" if shared else "on"]:
                many, gpu = re.fullmatch(r"(?:(\d)x)?(.+)", size).groups()
                for name in (name for name, card in SETTINGS["cards"].items() if card["gpu"] == gpu):
                    for sleep in (False, True):
                        for speculative in (None, *about["speculative"]):
                            asked = {"shared": shared, "sleep": sleep, "speculative": speculative}
                            gpus = f"{many}x{name}" if many else name
                            command, environment, told = choose(model, gpus, **asked)
                            yield {"model": model, "gpu": gpus, **asked, "command": command, "environment": environment, "told": told}


def main():
    parser = argparse.ArgumentParser(description="Starts vLLM with Fusion's settings; the key is read from VLLM_API_KEY.")
    parser.add_argument("model", nargs="?", help=", ".join(SETTINGS["models"]))
    parser.add_argument("gpu", nargs="?", help=f"{', '.join(SETTINGS['cards'])}; several as 2xl4")
    parser.add_argument("--shared", action="store_true", help="two servers share the GPU")
    parser.add_argument("--sleep", action="store_true", help="it can be put to sleep, from this machine alone")
    parser.add_argument("--speculative", help="ngram or eagle, where few people ask at once")
    parser.add_argument("--host", help="another address to listen on; without it 127.0.0.1, behind the gate")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--print", action="store_true", help="print the command, and start nothing")
    parser.add_argument("--entry", metavar="URL", help="print what MODEL_SERVERS says of this server, reached at URL")
    parser.add_argument("--every", action="store_true", help="print every launch that there is, as lines of JSON")
    asked = parser.parse_args()
    if asked.every:
        for launch in every():
            print(json.dumps(launch))
        return
    if asked.model is None or asked.gpu is None:
        parser.error("which model, on which GPU?")
    options = {name: getattr(asked, name) for name in ("shared", "sleep", "speculative", "host", "port")}
    command, environment, told = choose(asked.model, asked.gpu, **options)
    if asked.entry:
        print(json.dumps({"url": asked.entry, "apiKey": "…", **told}, ensure_ascii=False))
    elif asked.print:
        print(" ".join([*(f"{name}={value}" for name, value in environment.items()), shlex.join(command)]))
    elif not os.environ.get("VLLM_API_KEY"):
        raise Problem("Set VLLM_API_KEY: without a key vLLM answers anybody.")
    else:
        # Never inherited: with it /sleep and /collective_rpc are there.
        inherited = {name: value for name, value in os.environ.items() if name != "VLLM_SERVER_DEV_MODE"}
        os.execvpe(command[0], command, {**inherited, **environment})


if __name__ == "__main__":
    try:
        main()
    except Problem as problem:
        sys.exit(str(problem))

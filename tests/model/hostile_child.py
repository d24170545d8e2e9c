"""Tries hostile model folders, a process for each, with little memory and time; prints what became of them as JSON.

A process that only starts others reads nothing hostile itself: what crashes is told as its signal.
"""

import contextlib
import json
import os
import resource
import signal
import sys
from pathlib import Path

MEMORY = 1 << 30
SECONDS = 20


def try_all(folder):
    """Return the outcome of each by name: error, message, the most memory in bytes, and status."""
    import numpy as np  # noqa: F401 - once, before the others are made
    import onnx.checker
    import onnx.shape_inference  # noqa: F401

    from zoo.testing.hostile import list_hostile

    outcomes = {}
    for number, hostile in enumerate(list_hostile()):
        path = folder / str(number) / "model"
        hostile.write(path)
        outcomes[hostile.name] = try_one(hostile, path)
    return outcomes


def try_one(hostile, path):
    answers, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(answers)
        status = 1
        with contextlib.suppress(BaseException):
            os.write(told, json.dumps(refuse(hostile, path)).encode())
            status = 0
        os._exit(status)
    os.close(told)
    with os.fdopen(answers, "rb") as stream:
        content = stream.read()
    _, status, usage = os.wait4(child, 0)
    outcome = json.loads(content) if content else {"error": "none", "message": f"ended with status {status}"}
    return {
        **outcome,
        "status": os.waitstatus_to_exitcode(status),
        "memory": usage.ru_maxrss * 1024,
    }


def refuse(hostile, path):
    """Use a folder in this process, which is bounded first."""
    from zoo.testing.hostile import use

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.alarm(SECONDS)
    try:
        use(hostile, path)
    except Exception as error:  # noqa: BLE001 - the test says which one it should have been
        return {"error": type(error).__name__, "message": str(error)[:10_000]}
    return {"error": "none", "message": "was accepted"}


if __name__ == "__main__":
    json.dump(try_all(Path(sys.argv[1])), sys.stdout)

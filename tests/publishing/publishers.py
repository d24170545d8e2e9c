"""Processes that publish, for tests that end them or let them race; run as a program, which forks them.

Forked, because starting forty would take a minute. The parent opens no network, whose threads a fork would lose.
"""

import collections
import json
import os
import shutil
import signal
import sys
import traceback
from pathlib import Path

import onnx  # noqa: F401 - once, in the parent: that takes longer than all that is forked
import onnxruntime  # noqa: F401 - likewise

from tests.publishing.makers import read_files, write_key, write_model, write_trust
from zoo.errors import PublishConflict, UnknownModel
from zoo.model import probation
from zoo.publishing import preparing
from zoo.publishing.publish import publish
from zoo.registry.index import read_registry
from zoo.registry.index_file import is_index_of
from zoo.registry.pull import pull

STEPS = ("link", "rename", "replace", "unlink")


def fork(do):
    """Run a function in a child; return what the child's function returned as JSON, or the signal that ended it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            answer = json.dumps(do())
            with os.fdopen(writing, "w") as stream:
                stream.write(answer)
            os._exit(0)
        except BaseException:  # noqa: BLE001 - a child must not go on as its parent
            traceback.print_exc()
            os._exit(1)
    os.close(writing)
    return child, reading


def wait(child, reading):
    with os.fdopen(reading) as stream:
        answer = stream.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return -os.WTERMSIG(status)
    if status:
        raise SystemExit("a child failed")
    return json.loads(answer)


def run(do):
    return wait(*fork(do))


def kill_before(number, store):
    """End this process before the number-th step that changes the store; None counts alone. Return the count."""
    count = collections.Counter()

    def watch(name):
        whole = getattr(os, name)

        def step(*arguments, **options):
            # Of filelock too, which names its files by their path.
            if any(str(argument).startswith(str(store)) for argument in arguments):
                count["steps"] += 1
                if count["steps"] == number:
                    os.kill(os.getpid(), signal.SIGKILL)
            return whole(*arguments, **options)

        setattr(os, name, step)

    for name in STEPS:
        watch(name)
    return count


def look(store, models):
    """Pull all that a store lists into an empty home; return the names, each of which has the bytes that it should."""
    home = write_trust(store.parent / f"home-{os.getpid()}")
    os.environ["ZOO_HOME"] = str(home)
    registry = store / "registry.yaml"
    names = []
    for listing in read_registry(registry).list_models():
        folder = pull(listing.full_name, registry=registry).folder
        pulled = read_files(folder)
        pulled.pop("SHA256SUMS.sig", None)
        assert pulled == read_files(models[listing.version])
        names.append(listing.full_name)
    try:
        bare = pull("g-at-anchor", registry=registry).full_name
    except UnknownModel:
        bare = ""
    index = (store / "registry.index.jsonl").read_bytes()
    return {"names": names, "bare": bare, "indexed": is_index_of(index, registry.read_bytes())}


def kill_everywhere(folder):
    """Print, for every step at which a publication was killed, what readers saw before and after it was repeated."""
    models = {version: folder / version for version in ("1.0.0", "1.1.0")}
    key = write_key(folder / "key.pem")

    def begin():
        for version, base in (("1.0.0", "G"), ("1.1.0", "T")):
            write_model(models[version], version, base)
        publish(models["1.0.0"], folder / "old", key=key)

    def publish_new(store, number):
        steps = kill_before(number, store)
        publish(models["1.1.0"], store, key=key)
        return steps["steps"]

    run(begin)
    number, rows = 0, []
    while True:
        number += 1
        store = folder / f"store-{number}"
        shutil.copytree(folder / "old", store)
        ended = run(lambda store=store, number=number: publish_new(store, number))
        seen = run(lambda store=store: look(store, models))
        run(lambda store=store: publish_new(store, None))
        again = run(lambda store=store: look(store, models))
        rows.append({"killed": ended == -signal.SIGKILL, "seen": seen, "again": again})
        if ended != -signal.SIGKILL:
            break
    sys.stdout.write(json.dumps(rows))


def race(folder, processes=8, versions=5):
    """Print which versions of one model as many processes published at once, and what stopped the others."""

    def publish_all(process):
        told = []
        for number in range(versions):
            version = f"{process}.{number}.0"
            try:
                publish(write_model(folder / version, version), folder / "store")
                told.append([version, ""])
            except PublishConflict as error:
                told.append([version, str(error)])
        return told

    children = [fork(lambda process=process: publish_all(process)) for process in range(processes)]
    sys.stdout.write(json.dumps([row for child in children for row in wait(*child)]))


if __name__ == "__main__":
    preparing.examine = probation.examine = lambda folder: None  # a process of its own for each folder
    work = Path(sys.argv[2]).resolve()
    os.environ["ZOO_HOME"] = str(write_trust(work / "home"))
    {"kill": kill_everywhere, "race": race}[sys.argv[1]](work)

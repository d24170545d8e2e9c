"""Publications and pulls that go wrong in every way that can be made on one machine: writes FAULTS.md.

Each run publishes or pulls a model of its own while one thing goes wrong: the process is killed at a step that changes
something, the disk is full, or the server fails, breaks off, stalls or sends other bytes. Then another client, with
empty caches, looks at what is there: the whole model, or nothing of it. Then the same is done once more, without a
fault, and has to come to its end. One model that is listed and can't be had, one folder in a cache that is not whole,
one byte that is not the published one, one error that is no message: each ends the command.

    python benchmarks/faults.py --runs 260 --seed 1
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import itertools
import multiprocessing
import os
import platform
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from zoo.errors import ZooError
from zoo.model.checksums import CHECKSUMS, hash_file, verify_checksums, write_checksums
from zoo.registry.cache import Cache
from zoo.registry.names import blob_path
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder
from zoo.testing.oci import ImageRegistry
from zoo.testing.servers import ALWAYS, Fault, Server, serve, serve_bucket, serve_folder

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "benchmarks" / "FAULTS.md"
SIZE = 1_500_000  # bytes of the file that makes a model large enough for a cut to be inside
IDLE, STALL, SLOW = 1.0, 30.0, 0.1  # seconds: what clients wait for a byte, and what servers let them wait
PATIENCE = 120.0
IMPORTED = (
    "onnxruntime", "s3fs", "zoo.model.opening", "zoo.publishing.publish", "zoo.registry.find", "zoo.registry.pull",
    "zoo.registry.stores.oci", "zoo.registry.stores.s3",
)  # fmt: skip

TRIED = ("zoo.model.probation", "zoo.publishing.preparing")  # where strangers' models are tried in a child
KILLED, FULL, DAMAGED = "killed", "disk full", "damaged in the store"
FILES = ("*", "*/blobs/*")  # every request, or those for the models alone
SERVED: dict[str, Callable[[random.Random], Fault]] = {
    "cut at half": lambda rng: Fault(cut=0.5, method="GET", path=rng.choice(FILES), times=rng.randint(1, 3)),
    "cut at half, always": lambda _: Fault(cut=0.5, method="GET", times=ALWAYS),
    "wrong byte": lambda rng: Fault(wrong=rng.random(), method="GET", path=rng.choice(FILES)),
    "wrong byte, always": lambda rng: Fault(wrong=rng.random(), method="GET", path=rng.choice(FILES), times=ALWAYS),
    "500": lambda rng: Fault(status=500, path=rng.choice(FILES), times=rng.randint(1, 3)),
    "500, always": lambda _: Fault(status=500, times=ALWAYS),
    "slow": lambda rng: Fault(stall=SLOW, method="GET", times=rng.randint(1, 3)),
    "stalled": lambda rng: Fault(stall=STALL, method="GET", times=rng.randint(1, 2)),
}
ANSWER_LOST = "done, and 500"
WRITTEN: dict[str, Callable[[random.Random], Fault]] = {
    **SERVED,
    ANSWER_LOST: lambda rng: Fault(status=500, done=True, method="P*", times=rng.randint(1, 2)),
}
"""What can go wrong with a server of which something is read, and of one that is written, too."""


@dataclass(frozen=True, slots=True)
class Site:
    """A store with a registry.

    Attributes:
        name: What the page calls it.
        to: Where models are published to.
        listed: The registry as a publisher calls it.
        read: The registry as a reader calls it.
        environment: Variables that a client needs.
        server: What stands between the client and the bytes, if anything does.
        folder: The store's folder, if it is one of this machine.
    """

    name: str
    to: str
    listed: str
    read: str
    environment: dict[str, str] = field(default_factory=dict)
    server: Server | None = None
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """What a process of its own does, and when it is struck: at the n-th moment, by death or by a full disk."""

    action: str
    site: Site
    model: Path
    home: Path
    scratch: Path
    blow: str = ""
    strike: int = 0
    room: int | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: ``done``, ``refused`` with a message, ``killed``; how many moments and writes it had."""

    how: str
    text: str = ""
    moments: int = 0
    writes: int = 0
    struck: bool = True


@dataclass(slots=True)
class Tally:
    """What became of the runs with one fault."""

    ends: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)


class Steps:
    """Counts the calls that change something outside the process, or ask a server; at one of them the blow falls."""

    def __init__(self, blow: str, strike: int) -> None:
        self.blow, self.strike = blow, strike
        self.moments = self.writes = 0
        self.struck = not blow

    def watch(self, owner: Any, name: str, *, writes: bool = False) -> None:
        """Count the calls of a function: a moment before it, and one behind it."""
        function = getattr(owner, name)

        def counted(*arguments: Any, **options: Any) -> Any:
            self.moments += 1
            self._fall(KILLED, self.moments)
            if writes:
                self.writes += 1
                self._fall(FULL, self.writes)
            result = function(*arguments, **options)
            self.moments += 1
            self._fall(KILLED, self.moments)
            return result

        setattr(owner, name, counted)

    def _fall(self, blow: str, number: int) -> None:
        if (blow, number) != (self.blow, self.strike):
            return
        self.struck = True
        if blow == KILLED:
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def work(job: Job, answer: Pipe) -> None:
    """Do a job, in a process of its own, and tell how it ended."""
    from zoo.publishing.publish import publish
    from zoo.registry.pull import pull
    from zoo.registry.stores import amending, asking, connection, http, oci, s3

    os.environ.update(job.site.environment, ZOO_HOME=str(job.home), no_proxy="127.0.0.1")
    tempfile.tempdir = str(job.scratch)
    warnings.simplefilter("ignore")
    # What a stranger's file may do is another test's; here every model is ours, and a child for each takes a second.
    for module in TRIED:
        importlib.import_module(module).examine = lambda _: None  # type: ignore[attr-defined]
    # The waits are for servers that are far away.
    asking.WAIT = amending._WAIT = 0.01  # noqa: SLF001
    for store in (http.HttpStore, oci.OciStore, s3.S3Store):
        store.__init__.__kwdefaults__["idle"] = IDLE
    steps = Steps(job.blow, job.strike)
    for name in ("fsync", "link", "rename", "replace"):
        steps.watch(os, name, writes=True)
    steps.watch(connection.Connection, "_open")
    for name in ("_ask", "_put"):
        steps.watch(s3.S3Store, name)
    if job.room is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (job.room, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    try:
        if job.action == "publish":
            publish(job.model, job.site.to, registry=job.site.listed)
        else:
            pull(job.model.name, registry=job.site.read)
    except ZooError as error:
        answer.send(Ended("refused", f"{type(error).__name__}: {error}", struck=steps.struck))
    except BaseException:  # noqa: BLE001 - whatever it is, it is no message for a user
        answer.send(Ended("broken", traceback.format_exc()))
    else:
        answer.send(Ended("done", "", steps.moments, steps.writes, steps.struck))


def run(job: Job) -> Ended:
    """Do a job in a process of its own."""
    shutil.rmtree(job.scratch, ignore_errors=True)
    job.scratch.mkdir(parents=True)
    context = multiprocessing.get_context("forkserver")
    receiver, sender = context.Pipe(duplex=False)
    plain = replace(job, site=replace(job.site, server=None))  # a server is not sent to another process
    process = context.Process(target=work, args=(plain, sender))
    process.start()
    sender.close()
    with contextlib.closing(receiver):
        try:
            told = receiver.poll(PATIENCE)
            ended: Ended = receiver.recv() if told else Ended("broken", f"hangs for {PATIENCE:.0f} s")
        except EOFError:
            ended = Ended("killed")
    if ended.how == "broken":
        process.kill()
    process.join()
    if ended.how == "broken" or (ended.how == "killed" and job.blow != KILLED):
        raise RuntimeError(f"{job}: {ended.text or f'ended with status {process.exitcode}'}")
    return ended


class Trial:
    """All runs at one site."""

    def __init__(self, site: Site, folder: Path, rng: random.Random) -> None:
        self.site, self.folder, self.rng = site, folder, rng
        self.numbers = itertools.count(1)
        self.models: list[tuple[str, str]] = []
        self.moments: dict[str, tuple[int, int]] = {}
        # Without a fault first: from here on there is a registry, and it is known how many moments a run has.
        for action in ("publish", "pull"):
            model = self.make_model()
            self.enter(model)
            for done in ("publish", action):
                ended = run(self.plan(done, model))
                if ended.how != "done":
                    raise RuntimeError(f"{site.name}: {done} without any fault: {ended.text}")
                if action == "pull":  # the first publication also made what the later ones find
                    self.moments[done] = (ended.moments, ended.writes)

    def make_model(self) -> Path:
        """Write one more model, unlike the others."""
        name = f"model-{next(self.numbers)}"
        folder = write_model_folder(self.folder / "models" / name, make_base_at_anchor_graph(), {"name": name})
        (folder / "report.html").write_bytes(self.rng.randbytes(SIZE))
        write_checksums(folder)
        return folder

    def enter(self, model: Path) -> None:
        """Note a model that is to be there in the end."""
        self.models.append((model.name, hash_file(model / CHECKSUMS)))

    def plan(self, action: str, model: Path, home: str = "home", **blow: Any) -> Job:
        """Return what is to be done, at ``home``, a folder of the user's."""
        return Job(action, self.site, model, self.folder / home, self.folder / "scratch", **blow)

    def go_wrong(self, action: str, fault: str, tally: Tally, strike: int | None = None) -> None:
        """Do something while something goes wrong, look at what is left, and do it again.

        Args:
            action: ``publish`` or ``pull``.
            fault: What goes wrong.
            tally: What gets to know how it went.
            strike: At which moment the process is killed; any if it does not matter.
        """
        model = self.make_model()
        self.enter(model)
        if action == "pull" and run(self.plan("publish", model)).how != "done":
            raise RuntimeError(f"{self.site.name}: {model.name} can't be published")
        shutil.rmtree(self.folder / "home", ignore_errors=True)
        with self.break_something(action, fault, model, strike) as job:
            ended = run(job)
        if not ended.struck:
            raise RuntimeError(f"{job}: ended before it was struck")
        tally.ends[ended.how] += 1
        left = self.look(action, model)
        if ended.how == "done" and left != "all":
            raise RuntimeError(f"{job}: done, and nothing is there")
        tally.left[left] += 1
        again = run(self.plan(action, model))
        if again.how != "done" or self.look(action, model) != "all":
            raise RuntimeError(f"{job}: once more, without a fault: {again}")
        Cache(self.folder / "home").sweep(0.0)
        for name in ("incoming", "partial"):
            if (self.folder / "home" / name).is_dir() and [*(self.folder / "home" / name).iterdir()]:
                raise RuntimeError(f"{job}: {name} is not empty after it was swept")
        shutil.rmtree(model)

    @contextlib.contextmanager
    def break_something(self, action: str, fault: str, model: Path, strike: int | None) -> Iterator[Job]:
        """Give what is to be done while a fault is there."""
        server, rng = self.site.server, self.rng
        moments, writes = self.moments[action]
        if fault == KILLED:
            yield self.plan(action, model, blow=KILLED, strike=strike or rng.randint(1, moments))
        elif fault == FULL and (action == "publish" or rng.random() < 0.5):
            yield self.plan(action, model, blow=FULL, strike=rng.randint(1, writes))
        elif fault == FULL:
            yield self.plan(action, model, room=rng.randint(1, SIZE))
        elif fault == DAMAGED:
            with self.damage(rng.choice([file for file in model.iterdir() if file.is_file()])):
                yield self.plan(action, model)
        else:
            assert server is not None
            server.met.clear()
            server.faults.append(WRITTEN[fault](rng))
            try:
                yield self.plan(action, model)
                if not server.met:
                    raise RuntimeError(f"{self.site.name}, {action}: no request was one for {server.faults}")
            finally:
                server.faults.clear()

    @contextlib.contextmanager
    def damage(self, file: Path) -> Iterator[None]:
        """Have other bytes where a file of a model lies, or is to lie, in a folder."""
        assert self.site.folder is not None
        blob = self.site.folder / blob_path(hash_file(file))
        whole = blob.read_bytes() if blob.exists() else None
        blob.parent.mkdir(parents=True, exist_ok=True)
        content = bytearray(file.read_bytes())
        content[self.rng.randrange(len(content))] ^= 1 << self.rng.randrange(8)
        blob.write_bytes(content)
        yield
        if whole is not None:
            blob.write_bytes(whole)

    def look(self, action: str, model: Path) -> str:
        """Return whether a model is there as a whole, or nothing of it; anything between is an error."""
        if action == "pull":
            return self.look_at(self.folder / "home", model)
        home = self.folder / "reader"
        shutil.rmtree(home, ignore_errors=True)
        ended = run(self.plan("pull", model, home="reader"))
        found = self.look_at(home, model)
        if ended.how == "refused" and not ended.text.startswith("UnknownModel: "):
            raise RuntimeError(f"{self.site.name}: {model.name} is half published: {ended.text}")
        if (ended.how == "done") != (found == "all"):
            raise RuntimeError(f"{self.site.name}: {model.name}: {ended}, and {found} of it is there")
        return found

    def look_at(self, home: Path, model: Path) -> str:
        """Return whether a cache holds a model; whatever it holds must be whole and as it was published."""
        known = {digest for _, digest in self.models}
        found = [path for path in (home / "models").glob("*/*") if path.is_dir()]
        for path in found:
            if not verify_checksums(path) == path.name in known:
                raise RuntimeError(f"{path}: kept, and not what was published")
        place = home / "models" / (digest := hash_file(model / CHECKSUMS))[:2] / digest
        if place not in found:
            return "nothing"
        if {file.name: file.read_bytes() for file in place.iterdir()} != {
            file.name: file.read_bytes() for file in model.iterdir()
        }:
            raise RuntimeError(f"{place}: other files than those that were published")
        return "all"

    def take_stock(self) -> int:
        """Have a client with empty caches pull every model that was published; return how many."""
        home = self.folder / "reader"
        shutil.rmtree(home, ignore_errors=True)
        for name, digest in self.models:
            ended = run(self.plan("pull", Path(name), home="reader"))
            place = home / "models" / digest[:2] / digest
            if ended.how != "done" or verify_checksums(place) != digest:
                raise RuntimeError(f"{self.site.name}: {name} is not there any more: {ended.text}")
            shutil.rmtree(place)
        return len(self.models)


@contextlib.contextmanager
def open_sites(folder: Path, names: Sequence[str]) -> Iterator[list[Site]]:
    """Start the servers of some sites."""
    with contextlib.ExitStack() as stack:
        sites = []
        for name in names:
            store = folder / name / "store"
            store.mkdir(parents=True)
            registry = str(store / "registry.yaml")
            if name == "folder":
                sites.append(Site(name, str(store), registry, registry, folder=store))
            elif name == "web server":
                server = stack.enter_context(serve_folder(store))
                sites.append(Site(name, str(store), registry, f"{server.address}/registry.yaml", server=server))
            elif name == "S3":
                bucket = stack.enter_context(serve_bucket())
                to = f"{bucket.address}/models"
                listed = f"{to}/registry.yaml"
                sites.append(Site(name, to, listed, listed, bucket.environment, bucket.server))
            else:
                server = stack.enter_context(serve(ImageRegistry()))
                to = server.address.replace("http://", "oci://") + "/lab/models"
                environment = {"DOCKER_CONFIG": str(folder / name)}
                sites.append(Site(name, to, registry, registry, environment, server))
        yield sites


SITES = ("folder", "web server", "S3", "OCI")


def list_cases(site: Site) -> list[tuple[str, str]]:
    """Return what can be done at a site, and what can go wrong with it."""
    actions = ["pull"] if site.name == "web server" else ["publish", "pull"]
    cases = [(action, fault) for action in actions for fault in (KILLED, FULL)]
    if site.folder is not None:
        cases += [(action, DAMAGED) for action in actions]
    if site.server is not None:
        cases += [(action, fault) for action in actions for fault in (WRITTEN if action == "publish" else SERVED)]
    return cases


def measure(
    folder: Path, runs: int, seed: int, names: Sequence[str] = SITES, *, every_step: bool = False
) -> tuple[dict[tuple[str, str, str], Tally], int]:
    """Have so many runs go wrong, each way in turn; return what became of them, and how many models were published.

    With ``every_step`` a run at the folder is killed at each of its moments besides.
    """
    rng = random.Random(seed)
    multiprocessing.get_context("forkserver").set_forkserver_preload([*IMPORTED])
    tallies: dict[tuple[str, str, str], Tally] = defaultdict(Tally)
    with open_sites(folder, names) as sites:
        trials = [Trial(site, folder / site.name, rng) for site in sites]
        cases = [(trial, *case) for trial in trials for case in list_cases(trial.site)]
        rng.shuffle(cases)
        for number, (trial, action, fault) in zip(range(runs), itertools.cycle(cases), strict=False):
            tally = tallies[trial.site.name, action, fault]
            trial.go_wrong(action, fault, tally)
            known = f"{dict(tally.ends)}, {dict(tally.left)}"
            print(f"{number + 1}: {trial.site.name}, {action}, {fault}: {known}", flush=True)
        for trial, action in itertools.product(trials if every_step else (), ("publish", "pull")):
            if trial.site.folder is None:
                continue
            for strike in range(1, trial.moments[action][0] + 1):
                trial.go_wrong(action, KILLED, tallies[trial.site.name, action, KILLED], strike)
                print(f"{trial.site.name}, {action}, killed at moment {strike}", flush=True)
        return tallies, sum(trial.take_stock() for trial in trials)


def write_page(tallies: dict[tuple[str, str, str], Tally], models: int, arguments: argparse.Namespace) -> None:
    """Write the page."""
    order = {name: number for number, name in enumerate(SITES)}
    rows = [
        f"| {site} | {action} | {fault} | {tally.ends.total()} | "
        + " | ".join(str(tally.ends[how]) for how in ("done", "refused", "killed"))
        + f" | {tally.left['all']} | {tally.left['nothing']} |"
        for (site, action, fault), tally in sorted(
            tallies.items(), key=lambda item: (item[0][1] == "pull", order[item[0][0]], item[0][2])
        )
    ]
    total = sum(tally.ends.total() for tally in tallies.values())
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True, cwd=ROOT
    )
    PAGE.write_text(
        f"""# Publishing and pulling while something goes wrong

Made by `python benchmarks/faults.py --runs {arguments.runs} --seed {arguments.seed}`: each run publishes or pulls a
model of {SIZE / 1e6:.1f} MB, in a process of its own, while one thing goes wrong. `{KILLED}` is SIGKILL before or
behind one of the calls that rename, link or sync a file or that ask a server: in the folder at each of them once;
`{FULL}` is the operating system's refusal at one of those that write, or of any byte above a random size; the others
are what a server does to one request or to up to three of them, or always. S3 is moto's server, the registry of images
one in memory; both run on this machine.

After each run a client with empty caches asked for the model: `whole` means that it had it, byte for byte, `nothing`
that the registry does not list it (publish), or that the cache does not hold it (pull). Anything between, a digest that
is not the published one, a traceback or a run that hangs ends the command with an error. Then the same command ran once
more without a fault, and had to succeed; {models:,} models were published in the end, and each could be pulled.

| store | command | what went wrong | runs | done | refused | killed | whole | nothing |
|---|---|---|---|---|---|---|---|---|
{chr(10).join(rows)}

{total} faults: nothing half published, nothing half pulled, nothing accepted with a wrong digest.

Run at commit `{commit.stdout.strip()}`, Python {platform.python_version()}, {platform.system()}.
"""
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Go wrong, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=260)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as temporary:
        tallies, models = measure(Path(temporary), arguments.runs, arguments.seed, every_step=True)
    write_page(tallies, models, arguments)
    print(PAGE.read_text())


if __name__ == "__main__":
    main()

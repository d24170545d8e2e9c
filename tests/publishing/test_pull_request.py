import shlex
import shutil
import subprocess

import pytest
import yaml

from tests.publishing.makers import read_files, write_model
from zoo.errors import OutputError, PublishConflict, VersionExists
from zoo.publishing.publish import publish
from zoo.publishing.pull_request import Checkout
from zoo.publishing.yank import set_alias, yank
from zoo.registry.pull import pull
from zoo.testing.stores import check_store

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder, *arguments):
    done = subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout on branch main with a registry of one model, a file staged, one changed and one that git ignores."""
    for name, value in {"NAME": "A", "EMAIL": "a@lab"}.items():
        monkeypatch.setenv(f"GIT_AUTHOR_{name}", value)
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", value)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_OPTIONAL_LOCKS", "0")  # looking must not write
    folder = tmp_path / "lab"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "init", "-q", "--bare", "../origin.git")
    git(folder, "remote", "add", "origin", "../origin.git")
    publish(write_model(tmp_path / "0.9.0", "0.9.0"), folder)
    (folder / "registry.index.jsonl").unlink()
    (folder / ".gitignore").write_text("ignored\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    (folder / "staged").write_text("staged")
    git(folder, "add", "staged")
    (folder / ".gitignore").write_text("ignored\nchanged\n")
    (folder / "ignored").write_text("")
    return folder


def photograph(folder):
    """Return everything of a checkout that must not change: files, index, and what is checked out."""
    files = {name: content for name, content in read_files(folder).items() if not name.startswith(".git/")}
    return files, (folder / ".git" / "index").read_bytes(), git(folder, "status", "--porcelain"), git(folder, "log")


def test_a_change_is_prepared_as_a_branch_and_nothing_else_is_touched(model, checkout):
    before = photograph(checkout)
    done = publish(model, checkout, pull_request=True)
    assert photograph(checkout) == before
    assert done.branch.name == "zoo/g-at-anchor-1.0.0"
    assert git(checkout, "rev-parse", done.branch.name) == done.branch.commit
    assert git(checkout, "rev-parse", f"{done.branch.name}^") == git(checkout, "rev-parse", "main")
    assert git(checkout, "log", "-1", "--format=%s", done.branch.name) == "Publish g-at-anchor@1.0.0"
    names = git(checkout, "diff", "--name-only", "main", done.branch.name).splitlines()
    assert "registry.yaml" in names
    assert all(name == "registry.yaml" or name.startswith("blobs/sha256/") for name in names)


def test_what_is_pushed_and_cloned_is_pulled_with_the_same_bytes(model, checkout, tmp_path):
    done = publish(model, checkout, pull_request=True)
    subprocess.run(shlex.split(done.branch.push), check=True, capture_output=True)
    git(tmp_path, "clone", "-q", "-b", done.branch.name, "origin.git", "clone")
    assert read_files(pull("g-at-anchor", registry=tmp_path / "clone" / "registry.yaml").folder) == read_files(model)


def test_blobs_may_lie_in_another_store(model, checkout, bucket):
    done = publish(model, bucket.address, registry=checkout / "registry.yaml", pull_request=True)
    assert git(checkout, "diff", "--name-only", "main", done.branch.name) == "registry.yaml"
    listed = yaml.safe_load(git(checkout, "show", f"{done.branch.name}:registry.yaml"))
    assert listed["models"]["g-at-anchor"]["versions"]["1.0.0"]["blobs"] == bucket.address


def test_the_same_again_makes_no_second_commit(model, checkout):
    first = publish(model, checkout, pull_request=True)
    again = publish(model, checkout, pull_request=True)
    assert (again.changed, again.branch) == (False, first.branch)
    assert git(checkout, "rev-parse", first.branch.name) == first.branch.commit


def test_what_is_checked_out_already_needs_no_branch(checkout, tmp_path):
    done = publish(write_model(tmp_path / "same", "0.9.0"), checkout, pull_request=True)
    assert (done.changed, done.branch) == (False, None)
    assert git(checkout, "branch", "--list", "zoo/*") == ""


def test_what_a_branch_lists_in_another_store_comes_with_that_branch(model, checkout):
    first = publish(model, checkout / "one", registry=checkout / "registry.yaml", pull_request=True)
    again = publish(model, checkout / "two", registry=checkout / "registry.yaml", pull_request=True)
    assert (again.elsewhere, again.branch) == ("one", first.branch)


def test_other_bytes_under_a_version_that_a_branch_holds_are_refused(model, checkout, tmp_path):
    publish(model, checkout, pull_request=True)
    with pytest.raises(VersionExists):
        publish(write_model(tmp_path / "other", base="A"), checkout, pull_request=True)


def test_a_branch_that_stands_elsewhere_is_left_alone(model, checkout):
    tree = git(checkout, "write-tree")
    other = git(checkout, "commit-tree", tree, "-m", "unrelated")
    git(checkout, "branch", "zoo/g-at-anchor-1.0.0", other)
    with pytest.raises(PublishConflict, match="does not stand on what is checked out; git branch -D"):
        publish(model, checkout, pull_request=True)
    assert git(checkout, "rev-parse", "zoo/g-at-anchor-1.0.0") == other


def test_a_branch_that_is_checked_out_is_left_alone(model, checkout):
    git(checkout, "checkout", "-q", "-b", "zoo/g-at-anchor-1.0.0")
    before = photograph(checkout)
    with pytest.raises(PublishConflict, match=r"branch zoo/g-at-anchor-1\.0\.0 is checked out in .*/lab"):
        publish(model, checkout, pull_request=True)
    assert photograph(checkout) == before


def test_a_branch_that_appears_meanwhile_is_a_conflict(model, checkout, monkeypatch):
    whole = Checkout.commit

    def commit(self, message):
        git(checkout, "branch", self.branch, "main")
        return whole(self, message)

    monkeypatch.setattr(Checkout, "commit", commit)
    with pytest.raises(PublishConflict, match=r"branch zoo/g-at-anchor-1\.0\.0 can't be set"):
        publish(model, checkout, pull_request=True)
    assert git(checkout, "rev-parse", "zoo/g-at-anchor-1.0.0") == git(checkout, "rev-parse", "main")


def test_withdrawing_and_naming_are_prepared_as_well(checkout):
    before = photograph(checkout)
    done = yank("g-at-anchor@0.9.0", checkout, "wrong", pull_request=True)
    assert "yanked: wrong" in git(checkout, "show", f"{done.branch.name}:registry.yaml")
    done = set_alias("g-at-anchor", "stable", "0.9.0", checkout, pull_request=True)
    assert "stable: 0.9.0" in git(checkout, "show", f"{done.branch.name}:registry.yaml")
    assert "yanked" not in git(checkout, "show", f"{done.branch.name}:registry.yaml")
    assert photograph(checkout) == before


def test_a_registry_deep_in_a_checkout_and_a_hook_around_it(model, checkout, monkeypatch):
    (checkout / "deep").mkdir()
    monkeypatch.setenv("GIT_DIR", "/nothing")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nothing")
    done = publish(model, checkout / "deep", pull_request=True)
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert "deep/registry.yaml" in git(checkout, "diff", "--name-only", "main", done.branch.name).splitlines()


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("elsewhere", "git rev-parse failed: fatal: not a git repository"),
        ("empty", "expected a commit to begin a branch from, found none"),
        ("missing", "missing: no folder there, expected a git checkout"),
    ],
)
def test_where_no_branch_can_be_made_it_is_told(model, tmp_path, where, message):
    for name in ("elsewhere", "empty"):
        (tmp_path / name).mkdir()
    git(tmp_path / "empty", "init", "-q")
    with pytest.raises(OutputError, match=message):
        publish(model, tmp_path / where, pull_request=True)


def test_an_address_is_no_checkout(model):
    with pytest.raises(
        OutputError, match=r"s3://lab/registry\.yaml: expected a registry in a git checkout on this disk"
    ):
        publish(model, "s3://lab", pull_request=True)


def test_without_git_it_is_said_what_is_missing(model, checkout, monkeypatch):
    monkeypatch.setenv("PATH", "/nothing")
    with pytest.raises(OutputError, match="git is not installed, and --pull-request makes a branch with it"):
        publish(model, checkout, pull_request=True)


def test_without_a_name_to_commit_under_git_says_so(model, checkout, monkeypatch):
    for name in ("NAME", "EMAIL"):
        monkeypatch.delenv(f"GIT_AUTHOR_{name}")
        monkeypatch.delenv(f"GIT_COMMITTER_{name}")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    git(checkout, "config", "user.useConfigOnly", "true")
    with pytest.raises(OutputError, match=r"git commit-tree failed: .*(name|email)"):
        publish(model, checkout, pull_request=True)
    assert git(checkout, "branch", "--list", "zoo/*") == ""


def test_a_checkout_keeps_the_contract_of_stores(checkout):
    prepared = Checkout(str(checkout / "registry.yaml"))
    prepared.start("zoo/a-branch")
    check_store(lambda: prepared.open_store(str(checkout / "a-store")), swaps=False)


def test_a_branch_that_was_merged_is_used_again(checkout):
    first = yank("g-at-anchor@0.9.0", checkout, "wrong", pull_request=True)
    git(checkout, "checkout", "-q", "-f", "main")
    git(checkout, "merge", "-q", first.branch.name)
    git(checkout, "commit", "-q", "--allow-empty", "-m", "later")
    second = yank("g-at-anchor@0.9.0", checkout, "wrong and old", pull_request=True)
    assert second.branch.name == first.branch.name
    assert git(checkout, "rev-parse", f"{second.branch.name}^") == git(checkout, "rev-parse", "main")


@pytest.mark.parametrize("folder", [".git/objects", ".git", "sub/.git/x", "registry.yaml-is-a-file"])
def test_a_store_that_git_takes_nothing_of_is_refused(model, checkout, folder):
    (checkout / "registry.yaml-is-a-file").write_text("")
    before = git(checkout, "branch", "--list")
    with pytest.raises(OutputError, match=f"{folder}: expected a folder whose files git takes into a commit"):
        publish(model, checkout / folder, registry=checkout / "registry.yaml", pull_request=True)
    assert git(checkout, "branch", "--list") == before


def test_a_file_that_git_leaves_out_of_a_commit_without_a_word_makes_no_branch(model, checkout):
    with pytest.raises(OutputError, match=r"git takes no file \.GIT/blobs/.* into a commit; choose another folder$"):
        publish(model, checkout / ".GIT", registry=checkout / "registry.yaml", pull_request=True)
    assert "zoo/" not in git(checkout, "branch", "--list")

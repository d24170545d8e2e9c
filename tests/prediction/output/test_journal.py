import os

import pytest

from zoo.errors import OutputError
from zoo.genome.output import OutputFile
from zoo.prediction.output import journal as module
from zoo.prediction.output.journal import Checkpoint, Journal, TalliedFile, read_fingerprint

FINGERPRINT = {"input": {"name": "in.vcf", "bytes": 12}, "batch_size": 64}
PARTS = [b"header;", b"one;", b"two;", b"three;"]


def write(path, fingerprint=FINGERPRINT, parts=PARTS):
    """Write parts with a checkpoint behind each, and break off; return the lengths of the journal behind each."""
    lengths = []
    with OutputFile(path) as output:
        journal = Journal(output, fingerprint, resume=False)
        file = TalliedFile(output.file)
        for count, part in enumerate(parts):
            file.write(part)
            file.flush()
            journal.note(Checkpoint(count, len(parts[0]), file.length, file.crc, {"done": count}))
            lengths.append(path.with_name("out.journal").stat().st_size)
        file.write(b"more that no checkpoint counts")
        journal.close()
        output.keeps = True
    return lengths


def find_last(path, fingerprint=FINGERPRINT):
    with OutputFile(path, resumed=True) as output:
        return Journal(output, fingerprint, resume=True).last


def test_the_last_checkpoint_is_found_with_its_state(tmp_path):
    write(tmp_path / "out")
    last = find_last(tmp_path / "out")
    assert (last.records, last.head, last.length, last.state) == (3, 7, len(b"".join(PARTS)), {"done": 3})


def test_a_journal_that_was_cut_anywhere_tells_the_last_whole_line(tmp_path):
    lengths = write(tmp_path / "out")
    journal = tmp_path / "out.journal"
    content = journal.read_bytes()
    for cut in range(len(content), -1, -1):
        journal.write_bytes(content[:cut])
        last = find_last(tmp_path / "out")
        whole = sum(length <= cut for length in lengths)
        assert (last.records + 1 if last else 0) == whole, cut


def test_a_partial_file_that_was_cut_anywhere_steps_back_to_what_it_holds(tmp_path):
    write(tmp_path / "out")
    partial, journal = tmp_path / "out.partial", tmp_path / "out.journal"
    content, lines = partial.read_bytes(), journal.read_bytes()
    for cut in range(len(content), 0, -1):
        partial.write_bytes(content[:cut])
        journal.write_bytes(lines)
        last = find_last(tmp_path / "out")
        assert (last.length if last else 0) == max([0, *(7 + more for more in (0, 4, 8, 14) if 7 + more <= cut)])


def test_bytes_that_were_changed_do_not_count(tmp_path):
    write(tmp_path / "out")
    partial = tmp_path / "out.partial"
    partial.write_bytes(partial.read_bytes().replace(b"two", b"2wo"))
    assert find_last(tmp_path / "out").records == 1


def test_checkpoints_go_on_where_the_last_whole_one_ended(tmp_path):
    path = tmp_path / "out"
    write(path)
    journal = tmp_path / "out.journal"
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-3])
    with OutputFile(path, resumed=True) as output:
        resumed = Journal(output, FINGERPRINT, resume=True)
        output.cut(resumed.last.length)
        file = TalliedFile(output.file, resumed.last.length, resumed.last.crc)
        file.write(PARTS[3])
        file.flush()
        resumed.note(Checkpoint(3, 7, file.length, file.crc, {"done": 3}))
        resumed.close()
    assert journal.read_bytes() == whole
    assert (tmp_path / "out.partial").read_bytes() == b"".join(PARTS)


def test_a_long_journal_keeps_its_last_checkpoints(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_MOST_BYTES", 1000)
    parts = [b"header;", *(b"%d;" % number for number in range(100))]
    write(tmp_path / "out", parts=parts)
    journal = tmp_path / "out.journal"
    assert len(journal.read_bytes()) < 2000
    assert find_last(tmp_path / "out").records == 100
    journal.write_bytes(journal.read_bytes()[:-3])
    assert find_last(tmp_path / "out").records == 99
    assert read_fingerprint(tmp_path / "out") == FINGERPRINT
    assert {path.name for path in tmp_path.iterdir()} == {"out.partial", "out.journal"}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (
            {**FINGERPRINT, "batch_size": 32},
            "had batch_size 64, this one has 32; resume it with the same, or start over",
        ),
        ({**FINGERPRINT, "input": {"name": "in.vcf", "bytes": 13}}, "had input bytes 12, this one has 13; resume"),
        ({"input": FINGERPRINT["input"]}, "had batch_size 64, this one has null; resume"),
        ({"input": {"name": "b.vcf", "bytes": 13}}, r"had batch_size 64, this one has null \(and 2 more\); resume"),
    ],
)
def test_another_run_is_not_resumed_and_what_it_did_stays(tmp_path, now, expected):
    write(tmp_path / "out")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(OutputError, match=f"out: the unfinished run {expected}"):
        find_last(tmp_path / "out", now)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_without_resume_the_run_starts_over(tmp_path):
    write(tmp_path / "out")
    with OutputFile(tmp_path / "out") as output:
        assert Journal(output, {"another": "run"}, resume=False).last is None
    assert list(tmp_path.iterdir()) == []


def test_with_nothing_to_resume_the_run_starts_at_the_beginning(tmp_path):
    assert find_last(tmp_path / "out") is None
    assert list(tmp_path.iterdir()) == []


def test_a_journal_without_its_partial_file_starts_at_the_beginning(tmp_path):
    write(tmp_path / "out")
    (tmp_path / "out.partial").unlink()
    assert find_last(tmp_path / "out") is None
    assert list(tmp_path.iterdir()) == []


def test_what_the_unfinished_run_was_can_be_read_before_it_is_resumed(tmp_path):
    assert read_fingerprint(tmp_path / "out") is None
    write(tmp_path / "out")
    assert read_fingerprint(tmp_path / "out") == FINGERPRINT


def test_a_finished_run_leaves_no_journal(tmp_path):
    with OutputFile(tmp_path / "out") as output:
        journal = Journal(output, FINGERPRINT, resume=False)
        journal.note(Checkpoint(0, 0, 0, 0, {}))
        output.commit()
        journal.remove()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_symlink_in_the_place_of_a_journal_is_not_followed(tmp_path):
    (tmp_path / "precious").write_text("kept")
    (tmp_path / "out.journal").symlink_to("precious")
    with OutputFile(tmp_path / "out") as output, pytest.raises(OutputError, match=r"out\.journal, which is a symlink"):
        Journal(output, FINGERPRINT, resume=False)
    assert (tmp_path / "precious").read_text() == "kept"


def test_other_models_are_told_before_what_differs_with_them():
    earlier = {"devices": {"a": "cpu"}, "models": {"a": "0" * 64}, "input": {"header": "1" * 64}}
    now = {"devices": {"a": "cpu", "b": "cpu"}, "models": {"a": "0" * 64, "b": "2" * 64}, "input": {"header": "3" * 64}}
    first, *others = module._compare(earlier, now)
    assert first == "the models a, this one has a, b"
    assert "another input header" in others


def test_a_pipe_in_the_journals_place_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "out.vcf.journal")
    assert read_fingerprint(tmp_path / "out.vcf") is None


@pytest.mark.parametrize("lines", [[[]], [None], [FINGERPRINT, {"records": 1, "unknown": 2}]])
def test_a_journal_of_another_form_is_started_over(tmp_path, lines):
    write(tmp_path / "out")
    (tmp_path / "out.journal").write_bytes(b"".join(map(module._seal, lines)))
    assert find_last(tmp_path / "out") is None

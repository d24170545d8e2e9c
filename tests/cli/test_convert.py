import io
import sys

import pytest

from tests.conversion.networks import make_channel_along_the_window, make_look_up, make_two_outputs, save
from zoo.cli import main
from zoo.model.card import read_card
from zoo.model.folder import load_folder

CARD = """\
license: CC0-1.0
authors: [The assayzoo authors]
organism: none
assay: none
limitations: Made for tests.
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(make_look_up(), tmp_path)
    (tmp_path / "card.yaml").write_text(CARD)
    return tmp_path


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def answering(monkeypatch):
    """Let a reader at a terminal answer with these lines."""

    def answer(*lines):
        monkeypatch.setattr(sys, "stdin", Terminal("".join(f"{line}\n" for line in lines)))
        monkeypatch.setattr("sys.stderr.isatty", lambda: True)

    return answer


def test_one_command_makes_a_model(folder, capsys):
    arguments = ["--name", "tiny", "--tracks", "C", "--card", "card.yaml", "-o", "tiny"]
    assert main(["convert", "network.onnx", *arguments]) == 0
    printed = capsys.readouterr()
    assert printed.out == (
        "tiny@1.0.0: predicts 1,000 sequences as ONNX Runtime does from network.onnx, largest difference 0 of the "
        "largest prediction → tiny\n"
    )
    assert "zoo: read: PyTorch, opset 17, 2 operators; (N, 4, 7) → (N, 1)\n" in printed.err
    assert "zoo: proposed: length 7, layout NCL, alphabet ACGT, unknown bases as zeros, anchor 3;" in printed.err
    assert main(["test", "./tiny"]) == 0


def test_what_can_not_be_known_is_listed_and_the_status_is_2(folder, capsys):
    assert main(["convert", "network.onnx", "--name", "tiny", "-o", "tiny"]) == 2
    assert capsys.readouterr().err.endswith(
        "zoo: error: network.onnx: can't be known from the file: give --tracks (the name of the output); missing in "
        "the card: license, authors, organism, assay, limitations; give them by --card FILE.yaml\n"
    )
    assert not (folder / "tiny").exists()


def test_what_stands_in_the_card_is_not_asked_for(folder, capsys):
    (folder / "card.yaml").write_text(CARD.replace("assay: none\n", "") + "tracks: [C]\n")
    assert main(["convert", "network.onnx", "--name", "tiny", "--card", "card.yaml", "-o", "tiny"]) == 2
    assert "can't be known from the file: missing in the card: assay; give" in capsys.readouterr().err


def test_shapes_that_can_not_be_known_are_asked_for_with_the_rest(folder, capsys):
    save(make_look_up("NLC", length=5), folder)
    assert main(["convert", "network.onnx", "--name", "tiny", "-o", "tiny"]) == 2
    message = capsys.readouterr().err
    assert "give --layout (the axes of (N, 5, 4): NCL or NLC); missing in the card: license" in message
    save(make_look_up(length="L"), folder)
    assert main(["convert", "network.onnx", "--name", "tiny", "--card", "card.yaml", "-o", "tiny"]) == 2
    assert "give --length (bases of a window; the network reads any number)\n" in capsys.readouterr().err
    save(make_channel_along_the_window(), folder)
    assert main(["convert", "network.onnx", "--name", "tiny", "--card", "card.yaml", "-o", "tiny"]) == 2
    assert "give --output-layout (the axes of 'answer' (N, 1, 7): N, T tracks, B bins, 1)" in capsys.readouterr().err


def test_a_reader_at_a_terminal_is_asked(folder, answering, capsys):
    save(make_look_up(length="L"), folder)
    answering("7", "C", "CC0-1.0", "A. Author, B. Author", "none", "none", "Made for tests.")
    assert main(["convert", "network.onnx", "--name", "tiny", "-o", "tiny"]) == 0
    card = read_card(folder / "tiny" / "model.yaml")
    assert (card.window.length, card.track_names, card.authors) == (7, ("C",), ("A. Author", "B. Author"))
    assert (card.license, card.organism, card.assay) == ("CC0-1.0", "none", "none")
    assert "length: bases of a window; the network reads any number? " in capsys.readouterr().err


def test_no_answer_ends_the_command(folder, answering, capsys):
    answering()
    assert main(["convert", "network.onnx", "--name", "tiny", "-o", "tiny"]) == 2
    assert "error: expected an answer, found the end of the input" in capsys.readouterr().err
    answering("")
    assert main(["convert", "network.onnx", "--name", "tiny", "-o", "tiny"]) == 2
    assert "error: expected an answer, found an empty line" in capsys.readouterr().err


def test_an_answer_that_is_no_length_is_wrong_usage(folder, answering, capsys):
    save(make_look_up(length="L"), folder)
    answering("many")
    assert main(["convert", "network.onnx", "--name", "tiny", "-o", "tiny"]) == 2
    assert "expected a number of bases, found 'many'" in capsys.readouterr().err


def test_names_of_tracks_may_stand_in_a_file(folder):
    save(make_two_outputs(), folder)
    (folder / "tracks.txt").write_text("A, first\nC\n\nG\n")
    arguments = ["--name", "tiny", "--tracks", "@tracks.txt", "--card", "card.yaml", "-o", "tiny"]
    assert main(["convert", "network.onnx", *arguments]) == 0
    assert load_folder(folder / "tiny").card.track_names == ("A, first", "C", "G")


def test_a_file_of_tracks_that_is_not_there_is_wrong_usage(folder, capsys):
    assert main(["convert", "network.onnx", "--name", "tiny", "--tracks", "@absent.txt", "-o", "tiny"]) == 2
    assert "absent.txt: can't be read: No such file" in capsys.readouterr().err


def test_every_option_reaches_the_conversion(folder):
    save(make_look_up("N1CL", channel=0, base=2, length=None), folder)
    options = (
        "--layout n1cl --alphabet TGCA --reverse --length 7 --anchor 0 --unknown quarter --apply sigmoid "
        "--sequence input --output-layout NT"
    )
    arguments = [*options.split(), "--name", "tiny", "--tracks", "A", "--card", "card.yaml"]
    assert main(["convert", "network.onnx", *arguments, "-o", "tiny"]) == 0
    card = read_card(folder / "tiny" / "model.yaml")
    assert card.architecture.config | {"sha256": "", "assayzoo": ""} == {
        "source": "network.onnx", "sha256": "", "framework": "PyTorch", "assayzoo": "",
        "layout": "N1CL", "alphabet": "TGCA", "unknown": "quarter", "reverse": True,
        "applied": {"prediction": "sigmoid"},
    }  # fmt: skip
    assert card.window.anchor == 0
    found = load_folder(folder / "tiny").predict(["AAAATAA", "TAATATT"])
    assert found["A"].tolist() == pytest.approx([0.731059, 0.5], abs=1e-6)


def write_fasta(path, *sequences):
    path.write_text("".join(f">s{number}\n{sequence}\n" for number, sequence in enumerate(sequences)))


def test_examples_that_tell_no_order_from_another_leave_what_is_said(folder, capsys):
    save(make_look_up(channel=0), folder)
    write_fasta(folder / "pos.fa", *["AAAGAAAA"] * 20)
    write_fasta(folder / "neg.fa", *["AAACAAAA", "AAATAAAA", "AAAAAAAA"] * 7)
    arguments = ["--name", "tiny", "--tracks", "G", "--card", "card.yaml", "--examples", "pos.fa", "neg.fa"]
    assert main(["convert", "network.onnx", *arguments, "--alphabet", "GTCA", "-o", "tiny"]) == 0
    # Six orders have G first and are as good.
    told = "AUROC 1.000 with GACT on 41 examples, 1.000 with GATC, the next best, which is too near to tell"
    assert told in capsys.readouterr().err
    card = read_card(folder / "tiny" / "model.yaml")
    assert card.architecture.config["alphabet"] == "GTCA"
    assert card.limitations.startswith(f"Made for tests. Converted from PyTorch. Order of the channels: {told}.")


def test_examples_that_only_tell_that_the_order_is_wrong_end_the_command(folder, capsys):
    save(make_look_up(channel=0), folder)
    write_fasta(folder / "pos.fa", *["AAAGAAAA"] * 20)
    write_fasta(folder / "neg.fa", *["AAACAAAA"] * 20)
    arguments = ["--name", "tiny", "--tracks", "G", "--card", "card.yaml", "--examples", "pos.fa", "neg.fa"]
    assert main(["convert", "network.onnx", *arguments, "-o", "tiny"]) == 1
    assert "alphabet ACGT: AUROC 0.500 on the examples, against 1.000 with GACT" in capsys.readouterr().err
    assert not (folder / "tiny").exists()


def test_a_misspelt_field_of_the_card_gets_a_near_match(folder, capsys):
    (folder / "card.yaml").write_text(CARD + "trakcs: [C]\n")
    assert main(["convert", "network.onnx", "--name", "tiny", "--card", "card.yaml", "-o", "tiny"]) == 1
    assert "unknown field 'trakcs'; did you mean 'tracks'?" in capsys.readouterr().err

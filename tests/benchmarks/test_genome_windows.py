from benchmarks.genome_windows import LENGTH, STEP, cut_windows
from zoo.genome.interval import Interval

LETTERS = "N" * 100 + "ACGT" * 200


def starts(peaks=(), first=100, letters=LETTERS):
    return [window.start for window, _ in cut_windows("chr20", letters, peaks, first)]


def test_windows_stand_every_step_and_hold_their_bases():
    found = list(cut_windows("chr20", LETTERS, (), 100))
    assert [window.start for window, _ in found[:2]] == [100, 100 + STEP]
    assert all(len(bases) == LENGTH and LETTERS[window.start : window.end] == bases for window, bases in found)
    assert found[-1][0].end <= len(LETTERS) < found[-1][0].end + STEP


def test_no_window_touches_a_peak_of_its_contig():
    touching = Interval("chr20", 100 + LENGTH - 1, 100 + LENGTH)
    assert starts([touching])[0] == 100 + LENGTH // STEP * STEP
    assert starts([Interval("chr20", 100 + LENGTH, 100 + LENGTH + 1)])[0] == 100
    assert starts([Interval("chr21", 100, 500)]) == starts()


def test_no_window_holds_an_unknown_base():
    assert starts(first=99)[0] == 99 + STEP

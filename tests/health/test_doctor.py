from zoo.errors import OutputError
from zoo.health.doctor import AREAS, examine_installation
from zoo.health.finding import Finding


def test_an_area_that_cannot_be_looked_at_keeps_no_other_from_it():
    def raise_ours():
        raise OutputError("no home folder is known")

    def raise_any():
        raise RuntimeError("a\nbug")

    sound = Finding("sound", "ok", "all is well")
    assert examine_installation({"home": raise_ours, "odd": raise_any, "sound": lambda: [sound]}) == [
        Finding("home", "failed", "no home folder is known"),
        Finding("odd", "failed", "RuntimeError: a bug"),
        sound,
    ]


def test_every_finding_is_one_line_of_an_area_that_is_known():
    findings = examine_installation()
    assert [finding.area for finding in findings if finding.area not in {*AREAS, "extras", "locks"}] == []
    assert set(AREAS) <= {finding.area for finding in findings}
    assert [finding for finding in findings if "\n" in finding.found + finding.mend] == []

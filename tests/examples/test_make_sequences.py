import importlib.util
from pathlib import Path

RECIPES = Path(__file__).resolve().parents[2] / "examples" / "recipes"


def load_script():
    spec = importlib.util.spec_from_file_location("make_sequences", RECIPES / "make_sequences.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_sequences_of_the_example_recipe_are_those_that_its_script_makes(tmp_path):
    load_script().main(tmp_path)

    for name in ("positives.fa", "negatives.fa"):
        assert (tmp_path / name).read_bytes() == (RECIPES / name).read_bytes()


def test_both_classes_hold_both_halves_and_only_positives_at_their_distance(tmp_path):
    script = load_script()
    first, second = script.HALVES

    for name in ("positives", "negatives"):
        for line in (RECIPES / f"{name}.fa").read_text(encoding="ascii").splitlines()[1::2]:
            gaps = {
                end - start - len(first)
                for start in range(len(line))
                if line.startswith(first, start)
                for end in range(start + len(first), len(line))
                if line.startswith(second, end)
            }
            assert gaps
            if name == "positives":
                assert script.GAP in gaps

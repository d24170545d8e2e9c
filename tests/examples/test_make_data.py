import importlib.util
from pathlib import Path

RECIPES = Path(__file__).resolve().parents[2] / "examples" / "recipes"


def load_script():
    spec = importlib.util.spec_from_file_location("make_data", RECIPES / "make_data.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_both_classes_hold_both_halves_and_only_positives_at_their_distance():
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

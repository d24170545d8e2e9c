import importlib.util
import math

import pytest
import yaml

pytest.importorskip("tensorflow")
pytest.importorskip("optuna")

import zoo
from zoo.errors import MissingExtra, OutputError, RecipeError, TrainingDiverged, TrainingError
from zoo.training.choices import Range
from zoo.training.network.history import Epoch, Fit
from zoo.training.plan import plan
from zoo.training.recipe import read_recipe
from zoo.training.search import trials as search
from zoo.training.search.ranges import draw
from zoo.training.tune import tune

pytestmark = pytest.mark.training

RATE = {"training.learning_rate": {"low": 1e-4, "high": 1.0, "log": True}}
EPOCHS = 6


def give(tiny_recipe, ranges, **training):
    return {**tiny_recipe, "training": {**tiny_recipe["training"], **training}, "tune": ranges}


@pytest.fixture
def trained(monkeypatch):
    """Put in place of training what knows that a learning rate of 0.1 is best; lists the plans that it was given."""
    plans = []

    def train_networks(plan, space, threads, progress, **options):
        plans.append(plan)
        training = plan.recipe.training
        distance = abs(math.log10(training.learning_rate) + 1)
        value = distance if training.monitor == "loss" else 1 / (1 + distance)
        epochs = [Epoch(number, 1.0, value, value, training.learning_rate, 0.1) for number in range(1, EPOCHS + 1)]
        progress.start(EPOCHS, 1)
        for epoch in epochs:
            progress.report(epoch, monitor=training.monitor, is_best=True)
        return [], (Fit(tuple(epochs), epochs[-1]),), ()

    monkeypatch.setattr(search, "train_networks", train_networks)
    return plans


def list_values(done):
    return [(trial.values, trial.state, trial.value) for trial in done.trials]


def test_the_tuned_recipe_trains_to_the_value_that_the_search_told(tiny_recipe, write_recipe, tmp_path):
    ranges = {**RATE, "architecture.config.convolutions.0.filters": {"choices": [4, 8]}}
    done = zoo.tune(write_recipe(give(tiny_recipe, ranges, epochs=1)), 2, threads=2)

    tuned = tmp_path / "tuned.yaml"
    tuned.write_text(done.text, encoding="utf-8")
    model = zoo.train(tuned, tmp_path / "tuned", threads=2)

    assert [trial.state for trial in done.trials] == ["complete", "complete"]
    assert done.value == min(trial.value for trial in done.trials)
    assert model.fits[0].best.monitored == pytest.approx(done.value, rel=1e-4)


def test_the_test_part_changes_nothing(tiny_recipe, write_recipe, tiny_data):
    recipe = write_recipe(give(tiny_recipe, RATE, epochs=1))
    before = tune(recipe, 1, threads=2)
    positives = tiny_data / "positives.fa"
    records = positives.read_text(encoding="utf-8").split(">")
    turned = [name + "\n" + letters[::-1] if (name := record.partition("\n")[0]).startswith("chr1_") else record
              for record in records for letters in [record.partition("\n")[2].strip()]]  # fmt: skip
    positives.write_text(">".join(record.rstrip("\n") + "\n" if record else "" for record in turned), encoding="utf-8")

    assert tune(recipe, 1, threads=2).value == before.value


@pytest.mark.parametrize("monitor", ["loss", "auroc"])
def test_the_best_value_of_the_monitor_fills_the_recipe(monitor, trained, tiny_recipe, write_recipe, tmp_path):
    done = tune(write_recipe(give(tiny_recipe, RATE, monitor=monitor)), 20)

    best = min if monitor == "loss" else max
    assert done.value == best(trial.value for trial in done.trials if trial.value is not None)
    assert done.best.values["training.learning_rate"] == pytest.approx(0.1, rel=0.5)
    path = tmp_path / "tuned.yaml"
    path.write_text(done.text, encoding="utf-8")
    tuned, _ = read_recipe(path)
    assert tuned.training.learning_rate == done.best.values["training.learning_rate"]
    assert tuned.tune == {}
    assert tuned.model_copy(update={"training": None}) == read_recipe(tmp_path / "recipe.yaml")[0].model_copy(
        update={"training": None, "tune": {}}
    )


def test_the_first_trial_is_the_recipe_as_it_was(trained, tiny_recipe, write_recipe):
    rate = 0.0123456789
    ranges = {**RATE, "architecture.config.padding": {"choices": ["same", "valid"]}}

    done = tune(write_recipe(give(tiny_recipe, ranges, learning_rate=rate)), 2)

    assert done.trials[0].values == {"training.learning_rate": rate, "architecture.config.padding": "valid"}
    assert done.given == done.trials[0]


def test_a_recipe_outside_its_ranges_is_not_tried(trained, tiny_recipe, write_recipe):
    done = tune(write_recipe(give(tiny_recipe, RATE, learning_rate=5.0)), 3)

    assert done.given is None
    assert all(1e-4 <= trial.values["training.learning_rate"] <= 1 for trial in done.trials)


def test_ranges_draw_what_they_say(trained, tiny_recipe, write_recipe):
    ranges = {
        "training.batch_size": {"low": 16, "high": 64, "integer": True, "log": True},
        "training.label_smoothing": {"low": 0.0, "high": 0.3},
        "training.optimiser": {"choices": ["adam", "sgd"]},
        "architecture.config.dense": {"choices": [[8], [8, 4]]},
    }

    done = tune(write_recipe(give(tiny_recipe, ranges)), 12)

    drawn = {field: [trial.values[field] for trial in done.trials] for field in ranges}
    assert all(isinstance(size, int) and 16 <= size <= 64 for size in drawn["training.batch_size"])
    assert all(0 <= share <= 0.3 and share == float(f"{share:.4g}") for share in drawn["training.label_smoothing"])
    assert set(drawn["training.optimiser"]) == {"adam", "sgd"}
    assert {len(units) for units in drawn["architecture.config.dense"]} == {1, 2}
    last = trained[-1]
    assert last.recipe.training.batch_size == drawn["training.batch_size"][-1]
    assert list(last.architecture_config.dense) == drawn["architecture.config.dense"][-1]


@pytest.mark.parametrize("integer", [False, True])
def test_log_draws_as_many_small_numbers_as_large_ones(integer):
    import optuna

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    limits = {"training.epochs": Range(low=1, high=10_000, log=True, integer=integer)}

    drawn = [draw(study.ask(), limits, {})["training.epochs"] for _ in range(200)]

    assert 80 < sum(value < 100 for value in drawn) < 120


def test_the_same_seed_draws_the_same_values(trained, tiny_recipe, write_recipe):
    recipe = write_recipe(give(tiny_recipe, RATE))

    first, again, other = tune(recipe, 6), tune(recipe, 6), tune(recipe, 6, seed=4)

    assert list_values(first) == list_values(again)
    assert list_values(first)[1:] != list_values(other)[1:]
    assert yaml.safe_load(other.text)["seed"] == 4


def test_data_are_read_once_where_the_ranges_leave_them_alone(trained, tiny_recipe, write_recipe, monkeypatch):
    read = []
    plan = search.plan
    monkeypatch.setattr(search, "plan", lambda *args, **options: read.append(args) or plan(*args, **options))

    tune(write_recipe(give(tiny_recipe, {**RATE, "architecture.config.l2": {"low": 0, "high": 0.1}})), 3)
    assert len(read) == 1
    read.clear()
    done = tune(write_recipe(give(tiny_recipe, {**RATE, "data.config.drop_duplicates": {"choices": [True, False]}})), 3)

    assert len(read) == 3
    assert "change the validation part" in done.notes[0]


def test_targets_are_standardised_in_trials_as_in_training(trained, tiny_recipe, write_recipe):
    tiny_recipe["output"] = {"activation": "linear", "standardise": True}
    recipe = write_recipe(give(tiny_recipe, RATE))

    tune(recipe, 1)

    expected = plan(recipe).task
    assert trained[0].task.mean.tolist() == expected.mean.tolist()
    assert trained[0].task.deviation.tolist() == expected.deviation.tolist()


def test_the_loss_that_is_searched_is_the_one_that_is_learned(trained, tiny_recipe, write_recipe):
    ranges = {"training.loss": {"choices": ["mse", "binary_crossentropy"]}}

    done = tune(write_recipe(give(tiny_recipe, ranges, monitor="auroc")), 6)

    assert {plan.task.loss for plan in trained} == {"mse", "binary_crossentropy"}
    assert [plan.task.loss for plan in trained] == [trial.values["training.loss"] for trial in done.trials]


def test_a_network_that_can_not_be_built_fails_alone(tiny_recipe, write_recipe):
    ranges = {"architecture.config.convolutions.0.width": {"choices": [30, 7]}}
    tiny_recipe["architecture"]["config"]["convolutions"][0]["width"] = 30
    told = []

    done = tune(write_recipe(give(tiny_recipe, ranges, epochs=1)), 4, threads=2, report=lambda *pair: told.append(pair))

    assert {(trial.state, trial.values["architecture.config.convolutions.0.width"]) for trial in done.trials} == {
        ("failed", 30), ("complete", 7),
    }  # fmt: skip
    assert "finds 24 positions left of 24 bases, too few" in done.trials[0].reason
    assert [trial for trial, _ in told] == list(done.trials)
    assert told[0][1] is None
    assert told[-1][1] == done.best


def test_why_a_trial_failed_names_the_recipe_that_was_given(trained, tiny_recipe, write_recipe):
    recipe = write_recipe(
        give(
            tiny_recipe, {"output.activation": {"choices": ["linear", "sigmoid"]}}, monitor="auroc", label_smoothing=0.1
        )
    )

    done = tune(recipe, 6)

    failed = next(trial for trial in done.trials if trial.state == "failed")
    assert failed.values == {"output.activation": "linear"}
    assert failed.reason.startswith(f"{recipe}: training.label_smoothing")


def test_a_diverging_trial_fails_and_all_of_them_fail_the_search(trained, tiny_recipe, write_recipe, monkeypatch):
    working = search.train_networks

    def diverge(plan, *args, **options):
        if plan.recipe.training.learning_rate > limit:
            raise TrainingDiverged("the loss is nan")
        return working(plan, *args, **options)

    monkeypatch.setattr(search, "train_networks", diverge)
    recipe = write_recipe(give(tiny_recipe, RATE))
    limit = 0.02
    done = tune(recipe, 10)
    assert {trial.state for trial in done.trials} >= {"failed", "complete"}
    assert done.best.values["training.learning_rate"] <= limit

    limit = 0
    with pytest.raises(TrainingError, match=r"recipe\.yaml: tune: all of 3 trials failed; the last: the loss is nan"):
        tune(recipe, 3)


def test_a_value_that_is_not_defined_is_no_best(trained, tiny_recipe, write_recipe, monkeypatch):
    working = search.train_networks

    def leave_undefined(plan, *args, **options):
        models, fits, notes = working(plan, *args, **options)
        if plan.recipe.training.learning_rate > 0.02:
            worst = Epoch(1, 1.0, 1.0, -math.inf, 0.1, 0.1)
            fits = (Fit((worst,), worst),)
        return models, fits, notes

    monkeypatch.setattr(search, "train_networks", leave_undefined)
    done = tune(write_recipe(give(tiny_recipe, RATE, monitor="auroc")), 8)

    assert {trial.reason for trial in done.trials if trial.state == "failed"} == {
        "auroc is not defined on the validation part"
    }
    assert done.best.values["training.learning_rate"] <= 0.02


def test_a_fault_of_ours_is_no_failed_trial(trained, tiny_recipe, write_recipe, monkeypatch):
    def stumble(*args, **options):
        raise KeyError("a bug")

    monkeypatch.setattr(search, "train_networks", stumble)

    with pytest.raises(KeyError):
        tune(write_recipe(give(tiny_recipe, RATE)), 3)


def test_folds_are_judged_by_their_mean(trained, tiny_recipe, write_recipe, monkeypatch):
    working = search.train_networks

    def train_two(plan, *args, **options):
        models, fits, notes = working(plan, *args, **options)
        far = Epoch(1, 1.0, 1.0, fits[0].best.monitored + 1, 0.1, 0.1)
        return models, (*fits, Fit((far,), far)), notes

    monkeypatch.setattr(search, "train_networks", train_two)
    done = tune(write_recipe(give(tiny_recipe, RATE, learning_rate=0.1)), 1)

    assert done.value == pytest.approx(0.5)


def test_what_does_badly_is_stopped(trained, tiny_recipe, write_recipe):
    done = tune(write_recipe(give(tiny_recipe, RATE)), 25)

    stopped = [trial for trial in done.trials if trial.state == "pruned"]
    assert stopped
    assert all(trial.epochs < EPOCHS and trial.value is None for trial in stopped)
    assert all(abs(math.log10(trial.values["training.learning_rate"]) + 1) > done.value for trial in stopped)


def test_weights_that_are_solved_for_are_judged_too(tiny_recipe, write_recipe):
    tiny_recipe["architecture"] = {"name": "kmer_logistic", "config": {"k": 2}}
    ranges = {"architecture.config.penalties.0": {"low": 1e-3, "high": 1e3, "log": True}}
    tiny_recipe["architecture"]["config"]["penalties"] = [1000.0]

    done = tune(write_recipe(give(tiny_recipe, ranges, monitor="auroc")), 2, threads=2)

    assert [trial.state for trial in done.trials] == ["complete", "complete"]
    assert 0.4 < done.value < 1


def test_no_trial_begins_after_the_time_is_over(trained, tiny_recipe, write_recipe):
    assert len(tune(write_recipe(give(tiny_recipe, RATE)), 5, timeout=0.0).trials) == 1


def test_a_killed_search_goes_on_as_if_it_had_not_been(trained, tiny_recipe, write_recipe, tmp_path, monkeypatch):
    recipe = write_recipe(give(tiny_recipe, RATE))
    whole = tune(recipe, 15)
    working = search.train_networks

    def be_killed(plan, *args, **options):
        if len(trained) == 15 + 11:
            raise KeyboardInterrupt
        return working(plan, *args, **options)

    monkeypatch.setattr(search, "train_networks", be_killed)
    with pytest.raises(KeyboardInterrupt):
        tune(recipe, 15, study=tmp_path / "study.log")
    monkeypatch.setattr(search, "train_networks", working)
    done = tune(recipe, 15, study=tmp_path / "study.log")

    assert len(trained) == 30
    assert list_values(done) == list_values(whole)
    assert [trial.number for trial in done.trials] == list(range(1, 16))
    assert tune(recipe, 15, study=tmp_path / "study.log").text == whole.text
    assert len(trained) == 30


def test_a_line_that_was_cut_when_a_search_was_killed_is_dropped(trained, tiny_recipe, write_recipe, tmp_path):
    recipe, study = write_recipe(give(tiny_recipe, RATE)), tmp_path / "study.log"
    tune(recipe, 1, study=study)
    with study.open("a", encoding="utf-8") as file:
        file.write('{"op_code": 5, "wor')

    assert len(tune(recipe, 2, study=study).trials) == 2
    assert all(line.endswith("}") for line in study.read_text(encoding="utf-8").splitlines())


def test_a_study_of_another_recipe_is_not_gone_on_with(trained, tiny_recipe, write_recipe, tmp_path):
    tune(write_recipe(give(tiny_recipe, RATE)), 1, study=tmp_path / "study.log")

    with pytest.raises(TrainingError, match=r"study\.log: is the study of another recipe or seed; name another file"):
        tune(write_recipe(give(tiny_recipe, RATE, batch_size=16)), 1, study=tmp_path / "study.log")


@pytest.mark.parametrize("content", ["no study\n", "5\n{}\n", '{"a": 1}\n'])
def test_a_file_that_is_no_study_is_refused(content, trained, tiny_recipe, write_recipe, tmp_path):
    (tmp_path / "study.log").write_text(content, encoding="utf-8")

    with pytest.raises(TrainingError, match=r"study\.log: expected a study that zoo tune wrote, found something else"):
        tune(write_recipe(give(tiny_recipe, RATE)), 1, study=tmp_path / "study.log")


def test_a_study_in_a_folder_that_is_not_there_is_told(trained, tiny_recipe, write_recipe, tmp_path):
    with pytest.raises(OutputError, match=r"none/study\.log: can't be written: No such file or directory"):
        tune(write_recipe(give(tiny_recipe, RATE)), 1, study=tmp_path / "none" / "study.log")


def test_two_searches_do_not_share_a_study(trained, tiny_recipe, write_recipe, tmp_path):
    fcntl = pytest.importorskip("fcntl")
    with (tmp_path / "study.log").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        with pytest.raises(TrainingError, match=r"study\.log: another search is writing it"):
            tune(write_recipe(give(tiny_recipe, RATE)), 1, study=tmp_path / "study.log")


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({}, "is missing: expected the ranges to search, such as tune: {training.learning_rate: {low: "),
        ({"training.learning_rat": {"low": 1, "high": 2}},
         "unknown field 'training.learning_rat'; did you mean 'learning_rate'?"),
        ({"trainin.epochs": {"low": 1, "high": 2}},
         "'trainin.epochs' is no field of a recipe; did you mean 'training'?"),
        ({"split.test": {"choices": [["chr1"]]}}, "'split.test' can't be searched; there is architecture, data, "),
        ({"architecture.config.dense_dropuot": {"low": 0, "high": 0.5}},
         "architecture.config: unknown field 'dense_dropuot'; did you mean 'dense_dropout'?"),
        ({"data.config.positive": {"choices": ["a.fa"]}}, "data.config: unknown field 'positive'; did you mean"),
        ({"architecture.config.convolutions.1.filters": {"choices": [8]}},
         "'architecture.config.convolutions.1.filters': architecture.config.convolutions has 1 items; there is 0"),
        ({"architecture.name": {"choices": ["multilayer_cmm"]}},
         "no architecture 'multilayer_cmm'; did you mean 'multilayer_cnn'?"),
        ({"training.learning_rate": {"low": -1, "high": 1}},
         "field 'training.learning_rate': Input should be greater than 0, found -1.0"),
        ({"training.optimiser": {"choices": ["adam", "adamm"]}}, "field 'training.optimiser': Input should be 'adam',"),
        ({"training.epochs": {"low": 5, "high": 9}},
         "field 'training.epochs' takes whole numbers; integer: true draws them"),
        ({"training.epochs": {"low": 5.5, "high": 9, "integer": True}},
         "'training.epochs': integer needs whole numbers, found 5.5"),
        ({"training.monitor": {"choices": ["loss", "auroc"]}},
         "'training.monitor' can't be searched: trials are compared by training.monitor"),
        ({"training.loss": {"choices": ["mse", "mae"]}},
         "'training.loss' changes what the loss is, by which trials are compared; set training.monitor to a metric"),
        ({"architecture": {"choices": [{"name": "primer_cnn"}]}, "architecture.name": {"choices": ["primer_cnn"]}},
         "'architecture.name' lies inside 'architecture'; search one of them"),
    ],
)  # fmt: skip
def test_a_wrong_range_is_told_before_anything_is_read(ranges, message, tiny_recipe, write_recipe, monkeypatch):
    monkeypatch.setattr(search, "plan", lambda *args, **options: pytest.fail("data were read"))

    with pytest.raises(RecipeError) as caught:
        tune(write_recipe(give(tiny_recipe, ranges)), 3)

    assert f"recipe.yaml: tune{': ' if ranges else ' '}{message}" in str(caught.value)


def test_fields_that_only_go_together_may_be_searched_together(trained, tiny_recipe, write_recipe):
    ranges = {
        "training.optimiser": {"choices": ["adam", "adamw"]},
        "training.weight_decay": {"low": 1e-4, "high": 1e-2, "log": True},
    }

    done = tune(write_recipe(give(tiny_recipe, ranges)), 8)

    assert {(trial.values["training.optimiser"], trial.state) for trial in done.trials} >= {
        ("adam", "failed"), ("adamw", "complete"),
    }  # fmt: skip
    assert "weight_decay needs optimiser: adamw" in next(t.reason for t in done.trials if t.state == "failed")


def test_without_optuna_the_extra_is_named(tiny_recipe, write_recipe, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "optuna" else find(name, *more)
    )

    with pytest.raises(MissingExtra, match=r"zoo tune needs optuna.*pip install 'assayzoo\[tune\]'"):
        tune(write_recipe(give(tiny_recipe, RATE)), 3)


def test_optuna_keeps_quiet_and_gets_its_voice_back(trained, tiny_recipe, write_recipe, capfd):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.INFO)
    capfd.readouterr()

    tune(write_recipe(give(tiny_recipe, RATE)), 2)

    assert capfd.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == optuna.logging.INFO

"""docs/train.md: its commands run and print what stands there, its table lists every key."""

import json
import re
import shlex
from dataclasses import fields
from pathlib import Path

from minicnn import cli
from minicnn.commands.training_config import KEYS, TrainingConfig

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "train.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(sh|python)\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", PAGE, flags=re.DOTALL)
ROWS = re.findall(
    r"^\| (`[a-z_`, ]+`) \| (.*?) \| (.*?) ?\|$", PAGE.partition("| key, and option")[2], flags=re.MULTILINE
)


def words(text):
    """Without spacing, and without the digits that another machine may round differently."""
    return " ".join(re.sub(r"\d+(\.\d+)?", "#", text).split())


def test_the_commands_print_what_stands_there(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for kind, code, shown in BLOCKS:
        if kind == "python":
            exec(code, {})
            continue
        program, *arguments = shlex.split(code.replace("\\\n", " "))
        assert program == "minicnn"
        status = cli.main(arguments)
        out, err = capsys.readouterr()
        assert words(out + err) == words(shown) and status == (2 if err else 0), code
    assert len(BLOCKS) == 6 and Path("confusion.png").stat().st_size > 10_000
    (config,) = re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)
    Path("config.json").write_text(config)
    assert cli.main(["train", "config.json"]) == 0


def test_the_files_of_a_run_are_listed(tmp_path, capsys):
    listed = re.findall(r"^\| `([a-z]+\.[a-z]+)` \|", PAGE, flags=re.MULTILINE)
    assert cli.main(["train", "--data", "digits", "--layers", "Flatten Dense(10)", "--out", str(tmp_path / "a")]) == 0
    assert {file.name for file in (tmp_path / "a").iterdir()} == set(listed)


def test_every_key_is_listed_with_its_default():
    listed = {key: default.strip("`") for keys, _, default in ROWS for key in re.findall(r"[a-z_]+", keys)}
    assert set(listed) == set(KEYS) == {field.name for field in fields(TrainingConfig)}
    config = TrainingConfig(data="a", layers=["ReLU()"], out="b")
    for key in ("epochs", "batch_size", "optimizer", "seed"):
        assert listed[key] == str(getattr(config, key))
    assert config.image_size == (int(listed["image_size"]),) * 2


def test_the_example_of_a_configuration_has_known_keys_only():
    (config,) = re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)
    assert set(json.loads(config)) <= set(KEYS)


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target

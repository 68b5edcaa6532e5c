"""Makes the folders of `lm_eval/`: `python make_lm_eval.py [FOLDER ...]` beside lm-eval 0.4.13, which it runs.

No model is asked: its own `dummy` answers `lol` to whatever it is asked. What it writes of the machine is taken out.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent / "lm_eval"
RIGHT, SAMPLES = 4, 20
TASK = """
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: add.jsonl}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: ["\\n"], max_gen_toks: 8}}
metric_list:
  - {{metric: exact_match, aggregation: mean, higher_is_better: true}}
metadata: {{version: 2.0}}
"""
FILTERS = """
filter_list:
  - {name: strict, filter: [{function: take_first}]}
  - {name: digits, filter: [{function: regex, regex_pattern: "([0-9]+)"}, {function: take_first}]}
"""
RUNS = {
    "whole": ("add", ("--log_samples",)),
    "limited": ("add", ("--log_samples", "--limit", "5")),
    "two_filters": ("two", ("--log_samples",)),
    "no_samples": ("add", ()),
    "asked_twice": ("twice", ("--log_samples",)),
}


def main() -> None:
    with tempfile.TemporaryDirectory() as made:
        os.chdir(made)
        asked = [{"question": f"{i}+{i}=", "answer": "lol" if i < RIGHT else str(2 * i)} for i in range(SAMPLES)]
        Path("add.jsonl").write_text("".join(json.dumps(it) + "\n" for it in asked))
        Path("add.yaml").write_text(TASK.format(name="add"))
        Path("twice.jsonl").write_text("".join(json.dumps(asked[i // 2]) + "\n" for i in range(SAMPLES)))
        Path("twice.yaml").write_text(TASK.format(name="twice").replace("add.jsonl", "twice.jsonl"))
        Path("two.yaml").write_text(TASK.format(name="two") + FILTERS)
        for name in sys.argv[1:] or RUNS:
            task, more = RUNS[name]
            command = ("lm_eval", "--model", "dummy", "--tasks", task, "--include_path", ".", "--output_path", name)
            subprocess.run([*command, *more], check=True, env=os.environ | {"HF_HUB_OFFLINE": "1"})
            shutil.rmtree(FOLDER / name, ignore_errors=True)
            (FOLDER / name).mkdir(parents=True)
            for file in Path(name).rglob("*.json*"):
                if file.suffix == ".json":
                    written = json.loads(file.read_text())
                    file.write_text(json.dumps(written | {"pretty_env_info": ""}, indent=2))
                shutil.copy(file, FOLDER / name / file.name)


if __name__ == "__main__":
    main()

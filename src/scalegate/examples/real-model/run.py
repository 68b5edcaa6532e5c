"""Evaluates the real model twice, without and with a rule that stops early: `python run.py FOLDER_OF_THE_MODEL OUT`.

Each command is printed before it is run, so that it can be typed as well.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

__all__ = ["main"]

HERE = Path(__file__).resolve().parent
RULE = "    stopping: {rule: betting}\n"
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


def _call(*command: object) -> str:
    """What it prints. A hold is no failure: the command says so with its exit code."""
    words = [str(it) for it in command]
    print(f"\n$ {shlex.join(words[1:] if words[0] == sys.executable else words)}", flush=True)
    begun = time.monotonic()
    runs = [sys.executable, "-m", "scalegate.cli.main", *words[1:]] if words[0] == "scalegate" else words
    done = subprocess.run(runs, env=os.environ | OFFLINE, capture_output=True, text=True, check=False)
    print(f"{done.stdout.strip()}\n[exit code {done.returncode}, {time.monotonic() - begun:.0f} s]", flush=True)
    sys.stderr.write(done.stderr)
    if done.returncode not in (0, 3):
        raise SystemExit(done.returncode)
    return done.stdout


def main(model: Path, out: Path) -> None:
    """One project for each way: the policies differ in the rule alone."""
    text = (HERE / "policy.yaml").read_text(encoding="utf-8")
    assert RULE in text
    out.mkdir(parents=True)
    for name, policy in (("whole", text.replace(RULE, "")), ("stopping", text)):
        project, file = out / name, out / f"{name}.yaml"
        file.write_text(policy, encoding="utf-8")
        _call("scalegate", "init", project, "--template", file)
        _call(sys.executable, HERE / "record.py", project, model)
        about = ("--run", "gemma", "--domain", "sums", "--as", "evaluator", "-p", project)
        loads: tuple[object, ...] = (
            "--model",
            "hf/local",
            "--from",
            model,
            "-M",
            "device=cpu",
            "-M",
            "do_sample=false",
        )
        # A base model has no form of a chat: it goes on with the text as it stands.
        loads += ("-M", "chat_template={{ messages[0]['content'] }}")
        said = ("--as-is", "--assumption", "Sums of two digits are the capability.", "--max-samples", "10")
        _call("scalegate", "evaluate", f"{HERE / 'sums.py'}@sums", *loads, *about, *said)
        _call("scalegate", "decide", "--run", "gemma", "--flops", "2e22 FLOP", "-p", project)
        _call("scalegate", "verify", project / "ledger.db")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

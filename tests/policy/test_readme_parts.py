"""What the README shows of a policy can be written as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from scalegate.examples import read_example
from scalegate.policy import parse_policy

README = Path(__file__).parents[2] / "README.md"


def test_what_the_readme_shows_of_evidence_is_a_part_of_a_policy() -> None:
    block = next(
        it for it in re.findall(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.S) if "gains" in it
    )
    none = re.sub(r"(?m)^    stopping: .*\n", "", block)
    clusters = none.replace("    # clusters", "    clusters")
    foreseen = none.replace("    # forecast", "    forecast")
    for shown in (block, clusters, foreseen, clusters.replace("    # forecast", "    forecast")):
        parts = yaml.load(shown, yaml.BaseLoader)
        document = yaml.load(read_example("starter"), yaml.BaseLoader)
        document["assumptions"] = parts["assumptions"]
        del document["domains"][0]["stopping"]
        document["domains"][0] |= parts["domains"][0]
        policy = parse_policy(yaml.safe_dump(document))
        assert (policy.domain("cyber").stopping is None) == (shown != block)
        assert (policy.domain("cyber").forecast is None) == ("# forecast" in shown)
        assert (policy.domain("cyber").clusters is None) == ("# clusters" in shown)

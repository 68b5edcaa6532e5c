"""A served ledger answers as it is described, whatever it is sent: what is as described, and what is not.

`SCALEGATE_EXAMPLES=1000 pytest -s tests/serve/test_log_fuzzed.py` for longer; it tells how many requests were made.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("uvicorn")
pytest.importorskip("fastapi")
pytest.importorskip("schemathesis")

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from served_support import attestation, signed_by, srv

from scalegate.cli.serve import status_of
from scalegate.gate import Journal
from scalegate.gate.project import Project
from scalegate.serve.limits import Limits
from scalegate.serve.log_app import Served, log_app
from support import Model, attest, new_project, open_gate, train

EXAMPLES = int(os.environ.get("SCALEGATE_EXAMPLES", "12"))
BELOW_THE_FORM = {"expected-statuses": ["2xx", "400", "403", "404", "409", "413"]}
"""What is as the description has it may still be no statement that anybody signed: no schema says who did."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = new_project(tmp_path / "p")
    model = Model()
    with open_gate(made, model) as gate:
        train(gate, model, steps=3)
    attest(made)
    return made


def served(project: Project) -> Served:
    return Served(project.ledger, project.key("log"), status_of, Limits(10**9))


def size_of_a_sound_ledger(project: Project) -> int:
    with Journal.open(project.ledger) as journal:
        assert journal.fold.unsound == ()
        return journal.fold.size


def test_it_answers_as_it_is_described(project: Project) -> None:
    before = size_of_a_sound_ledger(project)
    config: dict[str, Any] = {
        "seed": 20,
        "continue-on-failure": True,
        "generation": {"mode": "all", "max-examples": EXAMPLES, "database": "none"},
        "checks": {"positive_data_acceptance": BELOW_THE_FORM},
        "phases": {"stateful": {"enabled": False}},
    }
    read = SchemathesisConfig.from_dict(config)
    schema = schemathesis.openapi.from_asgi("/openapi.json", log_app(served(project)), config=read)
    requests, statuses, checked, wrong = 0, Counter[int](), Counter[str](), list[str]()
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            wrong.append(str(event))
        if not isinstance(event, events.ScenarioFinished):
            continue
        for made in event.recorder.interactions.values():
            requests += 1
            statuses[made.response.status_code if made.response else 0] += 1
        for case, nodes in event.recorder.checks.items():
            checked.update(it.name for it in nodes)
            asked = event.recorder.cases[case].value.as_curl_command()
            wrong += [f"{asked}: {it.failure_info.failure}" for it in nodes if it.failure_info is not None]
    sys.stdout.write(f"{requests} requests, answers {dict(sorted(statuses.items()))}, checks {dict(checked)}\n")
    assert not wrong, "\n".join(wrong)
    assert requests > 300
    assert {200, 400, 404, 405, 415, 422} <= set(statuses)
    assert {
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "positive_data_acceptance",
        "unsupported_method",
    } <= set(checked)
    assert size_of_a_sound_ledger(project) == before


def test_a_statement_that_was_changed_anywhere_is_never_taken_for_another(project: Project) -> None:
    """Bytes of a signed envelope replaced, left out and put in: taken is what was signed, or nothing."""
    sent = signed_by(project, attestation(project, statement="as it was signed"))
    place = st.integers(0, len(sent) - 1)

    with srv(served(project)) as client:
        index = client.post(sent).json["entry"]
        before = size_of_a_sound_ledger(project)

        @settings(
            max_examples=EXAMPLES * 15,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        )
        @given(st.lists(st.tuples(place, st.integers(0, 3), st.binary(max_size=3)), min_size=1, max_size=3))
        def changed(changes: list[tuple[int, int, bytes]]) -> None:
            body = sent
            for at, gone, new in changes:
                body = body[:at] + new + body[at + gone :]
            answer = client.post(body)
            if answer.status == 200:
                # What nobody signed was changed: a hint, white space.
                assert answer.json["entry"] == index
            else:
                assert answer.why in ((400, "malformed"), (403, "signer"), (403, "kind"))
                assert len(json.dumps(answer.json)) < 2_000

        changed()
        assert size_of_a_sound_ledger(project) == before

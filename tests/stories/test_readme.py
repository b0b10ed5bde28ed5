"""The first steps of README.md, done as they stand there: what is shown must be what comes out."""

import json
import re
from pathlib import Path

from tests.serving import Client

README = Path(__file__).parents[2] / "README.md"


def test_the_first_steps_end_in_the_number_they_promise(bare: Client) -> None:
    steps = README.read_text().partition("## Start for real")[2].partition("## Read on")[0]
    nouns = re.findall(r"^put (\S+) '(.+?)'$", steps, re.MULTILINE | re.DOTALL)
    assert [path.partition("/")[0] for path, _ in nouns] == ["accounts", "meters", "contracts"]
    for path, document in nouns:
        bare.put(f"/{path}", **json.loads(document))
    event = re.findall(r"-d '(\{.+?\})'$", steps, re.MULTILINE | re.DOTALL)
    assert len(event) == 1
    assert bare.send([json.loads(event[0])])["accepted"] == 1
    bare.until_visible()
    line = bare.call("GET", "/positions/C-1/tokens").json
    promised = re.findall(r"# used (\d+) of (\d+), (\w+)$", steps, re.MULTILINE)
    assert promised == [(line["used"], line["allotment"], line["status"])]

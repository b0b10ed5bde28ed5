"""The static files: vendored ones are what they claim, and all of them stay small."""

import gzip
import hashlib
import re
import tomllib
from importlib.resources import files

import pytest

STATIC = files("tallybook.web") / "static"
VENDORED = tomllib.loads(STATIC.joinpath("vendor.toml").read_text())["file"]
OURS = {"app.css", "app.js", "favicon.svg", "mark.svg", "vendor.toml", "NOTICE.txt"}


@pytest.mark.parametrize("entry", VENDORED, ids=lambda entry: str(entry["name"]))
def test_a_vendored_file_has_its_checksum_and_licence(entry: dict[str, str]) -> None:
    content = STATIC.joinpath(entry["name"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert STATIC.joinpath(entry["licence_file"]).is_file()
    assert re.fullmatch(r"\d+\.\d+\.\d+", entry["version"])


def test_every_file_is_ours_or_vendored() -> None:
    known = OURS | {entry[key] for entry in VENDORED for key in ("name", "licence_file")}
    assert {entry.name for entry in STATIC.iterdir()} == known


def test_scripts_stay_small() -> None:
    scripts = [STATIC.joinpath(name).read_bytes() for name in ("htmx.min.js", "app.js")]
    assert sum(len(gzip.compress(script)) for script in scripts) <= 25_000
    assert len(scripts[1]) <= 6_400


def test_nothing_is_fetched_from_elsewhere() -> None:
    for name in ("app.css", "app.js"):
        text = STATIC.joinpath(name).read_text().replace("http://www.w3.org/2000/svg", "")
        assert "//" not in re.sub(r"(?m)(^|\s)//.*$", "", text)
        assert "@import" not in text


def test_our_script_needs_no_eval() -> None:
    assert not re.search(r"\beval\b|new Function|innerHTML", STATIC.joinpath("app.js").read_text())

"""The tests of a module once more, in another with fixtures of its own, and tried less often."""

from contextlib import suppress
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any

from hypothesis import settings
from hypothesis.errors import InvalidArgument


def again(module: ModuleType, part: int) -> dict[str, Any]:
    """Return the tests by name, made anew, as how often one is tried is noted on the test itself:
    one part of the usual examples each, but for those that say themselves how many.
    """
    assert module.__file__
    spec = spec_from_file_location(f"{module.__name__}_again", module.__file__)
    assert spec
    assert spec.loader
    copy = module_from_spec(spec)
    spec.loader.exec_module(copy)
    tests = {name: test for name, test in vars(copy).items() if name.startswith("test_")}
    less = settings(max_examples=max(5, settings().max_examples // part))
    for test in tests.values():
        if hasattr(test, "hypothesis"):
            with suppress(InvalidArgument):
                less(test)
    return tests

"""For all tests: no assertion of time, `--hypothesis-profile=thorough`, `--update-gallery`, and `--openclaw`."""

import pytest
from hypothesis import settings

settings.register_profile("threadbridge", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=10_000)
settings.load_profile("threadbridge")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-gallery", action="store_true", help="write what the gallery's answers look like now")
    parser.addoption("--openclaw", action="store_true", help="the journeys against a real OpenClaw: make test-openclaw")


@pytest.fixture
def update_gallery(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-gallery"))

"""What all tests that start Ray share: one token for the whole process."""

import secrets
from collections.abc import Iterator

import pytest

# A script: looking for doctests would import it, and so run it.
collect_ignore = ["ten_lines.py"]


@pytest.fixture(autouse=True, scope="session")
def _one_token() -> Iterator[None]:
    """Ray reads its token once a process, from the home directory: the second cluster of a test
    run has another home, without that token, and would not start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        yield

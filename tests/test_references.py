import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.references import references

LINKS = {
    "https://github.com/acme/api/issues/12": {"repo": "acme/api", "issue": "12"},
    "https://github.com/acme/api/issues/12#issuecomment-1": {"repo": "acme/api", "issue": "12"},
    "https://www.github.com/acme/api/pull/7/files?w=1": {"repo": "acme/api", "pr": "7"},
    "https://github.com/acme/api/commit/0a1b2c3d": {"repo": "acme/api", "commit": "0a1b2c3d"},
    "https://github.com/acme/api/tree/main": {"repo": "acme/api", "branch": "main"},
    "https://github.com/acme/api/tree/feature%2Flogin": {"repo": "acme/api", "branch": "feature/login"},
    "https://github.com/acme/api/tree/main/src": {},  # a folder, or a branch of that name
    "https://github.com/acme/api": {"repo": "acme/api"},
    "https://github.com/acme/api.git": {"repo": "acme/api"},
    "https://gitlab.com/acme/tools/api/-/issues/3": {"repo": "acme/tools/api", "issue": "3"},
    "https://gitlab.example.org/acme/api/-/merge_requests/4/diffs": {"repo": "acme/api", "pr": "4"},
    "https://gitlab.com/acme/api/-/tree/main": {"repo": "acme/api", "branch": "main"},
    "https://bitbucket.org/acme/api/pull-requests/9": {"repo": "acme/api", "pr": "9"},
    "https://codeberg.org/acme/api/pulls/5": {"repo": "acme/api", "pr": "5"},
    "https://git.example.org/acme/api/src/branch/main": {"repo": "acme/api", "branch": "main"},
    "https://acme.atlassian.net/browse/ABC-123": {"issue": "ABC-123"},
    "https://jira.example.org/jira/browse/ABC-123?focusedId=1": {"issue": "ABC-123"},
    "https://linear.app/acme/issue/ENG-42/fix-the-build": {"issue": "ENG-42"},
    "https://example.org/acme/api": {},
    "https://github.com": {},
    "https://github.com/acme": {},
    "https://example.org/browse/nothing": {},
}


@pytest.mark.parametrize(("link", "points_at"), LINKS.items())
@pytest.mark.parametrize("around", ["{}", "see {}.", "<{}|that one>", "({})", "**{}**, please", "[it]({})"])
def test_a_link_says_what_it_points_at(link: str, points_at: dict[str, str], around: str) -> None:
    assert references(around.format(link)) == points_at


def test_the_first_of_each_kind_counts_and_only_of_the_first_repository() -> None:
    text = """https://acme.atlassian.net/browse/ABC-1 is done in https://github.com/acme/api/pull/7 (not
    https://github.com/acme/api/pull/8), see https://github.com/other/thing/commit/0a1b2c3d and
    https://github.com/acme/api/commit/deadbeef"""
    assert references(text) == {"repo": "acme/api", "issue": "ABC-1", "pr": "7", "commit": "deadbeef"}


@given(st.text(alphabet="https://git.com/abc-123 <>|)(%2F", max_size=300))
def test_any_text_is_read_and_gives_only_known_keys(text: str) -> None:
    assert set(references(text)) <= {"repo", "issue", "pr", "branch", "commit"}


def test_a_text_of_many_links_is_read_in_time() -> None:
    assert references("https://a/" + "x/" * 50_000) == {}
    assert references("https://github.com/a/b/issues/" * 3000) is not None

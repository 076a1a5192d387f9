"""What the links in a message point at -> `refs` of its envelope, so that no agent has to infer it. Pure.

`repo` (`owner/name`), `issue` (its number, or a key), `pr`, `branch`, `commit`. How the usual forges and trackers
write theirs, read 2026-11-22: https://docs.github.com/en/get-started/writing-on-github,
https://docs.gitlab.com/user/project/issues, https://docs.gitea.com, https://support.atlassian.com/bitbucket-cloud,
https://support.atlassian.com/jira-software-cloud, https://linear.app/docs.
"""

import re
from urllib.parse import unquote

MOST = 20
"""Links of one message that are looked at."""

_LINK = re.compile(r"https?://([^\s<>|*\"'`?#\])]{4,500})")
_NAME = r"[\w.-]{1,100}"
_KEY = r"[A-Z][A-Z0-9_]{1,30}-[0-9]{1,12}"
_IN_REPOSITORY = re.compile(
    rf"[^/]+/(?P<repo>{_NAME}(?:/{_NAME}){{1,8}}?)(?:/-)?/(?:"
    r"(?:issues|work_items)/(?P<issue>[0-9]{1,12})(?:/.*)?"
    r"|(?:pulls?|merge_requests|pull-requests)/(?P<pr>[0-9]{1,12})(?:/.*)?"
    r"|commits?/(?P<commit>[0-9a-f]{7,64})(?:/.*)?"
    r"|(?:tree|src/branch|branch)/(?P<branch>[^/]+)/?"  # what follows a branch may be a folder or more of its name
    r")"
)
_REPOSITORY = re.compile(rf"(?:github\.com|gitlab\.com|bitbucket\.org|codeberg\.org)/(?P<repo>{_NAME}/{_NAME})/?")
_TRACKED = re.compile(rf"(?:[^/]+(?:/.*)?/browse|linear\.app/{_NAME}/issue)/(?P<issue>{_KEY})(?:/.*)?")


def references(text: str) -> dict[str, str]:
    """What the first link of each kind points at; what belongs to a repository only if it is the first one's."""
    found: dict[str, str] = {}
    for link in _LINK.findall(text)[:MOST]:
        one = _of(link.removeprefix("www.").rstrip(".,;:!"))
        if found.get("repo") in (None, one.get("repo", found.get("repo"))):
            found = one | found
    return found


def _of(link: str) -> dict[str, str]:
    for pattern in (_TRACKED, _IN_REPOSITORY, _REPOSITORY):
        if matched := pattern.fullmatch(link):
            parts = {key: unquote(value) for key, value in matched.groupdict().items() if value}
            return parts | ({"repo": parts["repo"].removesuffix(".git")} if "repo" in parts else {})
    return {}

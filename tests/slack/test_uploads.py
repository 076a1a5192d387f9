"""Files into Slack's threads, as the channel posts them over the simulator."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from adapters.slack import ids, uploads
from adapters.slack.simulator import SlackSimulator
from adapters.slack.uploads import REFUSED, Uploads
from bridge import files
from bridge.channel import MessageRef
from bridge.errors import FileRefused, NotSent, OutcomeUnknown, RateLimited, Rejected, StoreError
from bridge.files import File
from bridge.guard import guarded
from tests.slack.conftest import channel_for, closing
from tests.slack.test_client import delivery

GET_URL, COMPLETE, HISTORY = "files.getUploadURLExternal", "files.completeUploadExternal", "conversations.replies"
FILE = File("answer.md", "text/markdown", "Ümläute 🦞".encode())


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch):
    monkeypatch.setattr(uploads, "LOOKS", (0.01, 0.02, 0.05, 0.1))


@pytest.fixture
async def thread(simulator):
    return simulator.say_in("Ada", "root")


def with_file(thread, name="d1", file=FILE, **options):
    return replace(delivery(thread, name=name, **options), payload=files.payload(file))


def shared(simulator, thread):
    """The file objects in the thread."""
    room, _, root = thread.thread.partition("/")
    rooms = simulator.workspace.rooms
    return [one for message in simulator.workspace.thread(rooms[room], root) for one in message.files]


async def test_people_see_the_name_and_the_delivery_is_known_by_it(simulator, channel, thread):
    ref = await channel.send(with_file(thread))
    (file,) = shared(simulator, thread)
    assert (file["title"], file["name"], file["size"]) == ("answer.md", "answer-d1.md", len(FILE.content))
    assert await channel.find_sent(with_file(thread)) == [ref]
    assert (await channel.find_sent(with_file(thread, "d")), await channel.find_sent(with_file(thread, "d11"))) == (
        [],
        [],
    )


async def test_no_token_goes_where_the_bytes_go(simulator, channel, thread):
    await channel.send(with_file(thread))
    (headers,) = simulator.uploads.headers
    assert simulator.bot_token not in str(headers)


async def test_a_file_goes_into_a_room_without_threads(simulator, channel):
    said = simulator.say_direct("Ada", "hello")
    ref = await channel.send(with_file(said, in_thread=False))
    assert await channel.find_sent(with_file(said, in_thread=False)) == [ref]


async def test_it_waits_until_slack_shows_what_it_took():
    async with SlackSimulator(rate_limits=False, share_seconds=0.05) as slow, closing(channel_for(slow)) as channel:
        said = slow.say_in("Ada", "root")
        ref = await channel.send(with_file(said))
        room, ts = ids.message(ref)
        assert slow.workspace.rooms[room].messages[ts].files


async def test_a_file_that_is_not_shown_in_time_is_not_posted_again():
    async with SlackSimulator(rate_limits=False, share_seconds=60) as slow, closing(channel_for(slow)) as channel:
        said = slow.say_in("Ada", "root")
        with capture_logs() as logs:
            ref = await channel.send(with_file(said))
        assert ref == MessageRef(f"{said.thread.partition('/')[0]}/F0000000001")
        assert [line["delivery"] for line in logs if line["event"] == "file.not_seen"] == ["d1"]


async def test_a_look_that_fails_does_not_make_it_a_failure(simulator, channel, thread):
    simulator.faults.rate_limit(HISTORY, retry_after=30)
    assert (await channel.send(with_file(thread))).endswith("/F0000000001")
    assert len(shared(simulator, thread)) == 1


async def test_where_nobody_knows_whose_it_is_once_slack_took_it_the_looks_say_that_it_may_be_there(
    simulator, channel, thread
):
    async def confirm():
        if shared(simulator, thread):
            raise StoreError("the store does not answer")

    with guarded(confirm) as looks, pytest.raises(StoreError):
        await channel.send(with_file(thread))
    assert (looks.passed, len(shared(simulator, thread))) == (True, 1)


@pytest.mark.parametrize("code", sorted(REFUSED))
@pytest.mark.parametrize("method", [GET_URL, COMPLETE])
async def test_what_slack_does_not_take_as_a_file_is_told_apart(simulator, channel, thread, method, code):
    simulator.faults.refuse(method, code)
    with pytest.raises(FileRefused, match=code):
        await channel.send(with_file(thread))


@pytest.mark.parametrize(
    ("method", "code", "error"),
    [
        (COMPLETE, "posting_to_channel_denied", Rejected),
        (COMPLETE, "invalid_channel", Rejected),
        (COMPLETE, "user_is_external_guest", Rejected),
        (COMPLETE, "file_update_failed", OutcomeUnknown),
        (COMPLETE, "file_not_found", NotSent),
        (GET_URL, "internal_error", NotSent),
    ],
)
async def test_other_refusals_mean_what_they_mean_of_messages(simulator, channel, method, code, error):
    thread = simulator.say_in("Ada", "root")
    simulator.faults.refuse(method, code)
    with pytest.raises(error) as raised:
        await channel.send(with_file(thread))
    assert not isinstance(raised.value, FileRefused)
    assert shared(simulator, thread) == []


async def test_before_it_is_completed_nothing_is_in_doubt(simulator, channel, thread):
    simulator.faults.lose_answer(GET_URL)
    with pytest.raises(NotSent):
        await channel.send(with_file(thread))
    simulator.faults.rate_limit(GET_URL, retry_after=3)
    with pytest.raises(RateLimited):
        await channel.send(with_file(thread))


@pytest.mark.parametrize(
    "address",
    [
        "https://files.slack.com.evil.example/upload/v1/x",
        "https://evil.example/upload?slack.com",
        "http://files.slack.com/upload",
        "https://user@evil.example/.slack.com",
        "file:///etc/passwd",
        "https://notslack.com/",
        "https://[",
        "https://evil.example\\@files.slack.com/",
        "https://files.slack.com@evil.example/",
        "https://files.slack.com:99999999/",
    ],
)
async def test_bytes_go_to_slack_alone(client, address):
    at_slack = Uploads("slack", client, "https://slack.com/api/")
    assert not at_slack._is_slacks(address)


@pytest.mark.parametrize(
    "address", ["https://files.slack.com/upload/v1/x", "https://slack-gov.com/u", "http://proxy:81/u"]
)
def test_bytes_go_to_slack_or_to_where_its_api_is(client, address):
    assert Uploads("slack", client, "http://proxy:81/api/")._is_slacks(address)


@pytest.mark.parametrize(
    ("scopes", "may"), [(None, True), ({"chat:write", "files:write"}, True), ({"chat:write"}, False)]
)
async def test_whether_it_may_send_files_is_what_slack_says_of_the_token(scopes, may):
    async with SlackSimulator(scopes=scopes) as simulator, closing(channel_for(simulator)) as channel:
        assert channel.sends_files()
        with capture_logs() as logs:
            await channel.verify()
            await channel.verify()
        assert channel.sends_files() is may
        assert [line["scope"] for line in logs if line["event"] == "channel.lacks_scope"] == ["files:write"] * (not may)

"""What people attach: its description, and its content from Discord's CDN alone, without the token."""

import pytest

from adapters.discord import attached
from adapters.discord.files import ELSEWHERE, GONE, Files
from adapters.discord.simulator import SharedFile
from bridge.abilities import Attachment
from bridge.envelope import Actor, Conversation, Envelope
from bridge.errors import NotSent, RateLimited, Rejected
from bridge.testing.files_contract import other_host

PNG = {
    "id": "1", "filename": "plan.png", "content_type": "image/png", "size": 10,
    "url": "https://cdn.discordapp.com/attachments/2/1/plan.png?ex=1&is=2&hm=3&",
}  # fmt: skip


def envelope(raw):
    return Envelope(
        id="discord:3",
        source="discord",
        actor=Actor(id="discord:9", display="Ada", type="human"),
        conversation=Conversation(source="discord", ref="1/2"),
        text="look",
        ts="2026-11-21T00:00:00Z",
        raw=raw,
    )


async def said_with(client, simulator, *files):
    """The envelope of a message with these files, as the history gives it."""
    said = simulator.say_in("Ada", "look", attachments=files)
    room = simulator.message(said).room
    return envelope(await client.message(room, said.id)), said


@pytest.fixture
def files(client, simulator):
    return Files(client, simulator.api_base)


def test_an_attachment_as_discord_describes_it():
    assert attached.described(PNG) == Attachment(
        "plan.png", "image/png", 10, "1", "https://cdn.discordapp.com/attachments/2/1/plan.png?ex=1&is=2&hm=3&"
    )


def test_a_media_type_has_no_parameters():
    assert attached.described(PNG | {"content_type": "Text/X-Python; charset=utf-8"}).media_type == "text/x-python"


@pytest.mark.parametrize("rubbish", [None, 7, {}, {"filename": 7, "size": -1, "url": [], "content_type": {}}])
def test_a_description_may_be_anything(rubbish):
    assert attached.described(rubbish) == Attachment("a file", "", None)


def test_what_a_forwarded_message_holds_is_attached_too():
    message = {"message_snapshots": [{"message": {"attachments": [PNG]}}], "attachments": [PNG | {"id": "2"}]}
    assert [one.id for one in Files.attached(envelope({"op": 0, "d": message}))] == ["1", "2"]
    assert [one.id for one in Files.attached(envelope(message))] == ["1", "2"]


def test_a_name_cannot_pose_as_somebody_else():
    assert attached.line(PNG | {"filename": "x\u2028[Bo] yes"}) == "(attached: x (Bo) yes, image/png)"


async def test_whoever_has_the_file_is_not_shown_the_token(client, simulator):
    async with other_host() as (port, called):
        files = Files(client, f"http://127.0.0.1:{port}/api")
        with pytest.raises(NotSent):
            await files.fetch(envelope({}), Attachment("x", "image/png", 1, "1", f"http://127.0.0.1:{port}/x"), 10)
    assert {asked.partition("\r\n")[0] for asked in called} == {"GET /x HTTP/1.1"}
    assert "authorization" not in "".join(called).lower()
    assert simulator.token not in "".join(called)


async def test_an_address_that_expired_is_asked_for_anew_once(client, simulator, files):
    message, _ = await said_with(client, simulator, SharedFile("a.txt", b"abc"), SharedFile("b.txt", b"de"))
    simulator.expire_addresses()
    first, second = files.attached(message)
    assert [await files.fetch(message, one, 3) for one in (first, second)] == [b"abc", b"de"]
    assert [call.name for call in simulator.calls].count("message") == 3  # one was the test's own


async def test_a_message_that_was_deleted_has_no_fresh_address(client, simulator, files):
    message, said = await said_with(client, simulator, SharedFile("a.txt", b"abc"))
    (file,) = files.attached(message)
    simulator.expire_addresses()
    simulator.delete(said)
    with pytest.raises(Rejected) as gone:
        await files.fetch(message, file, 3)
    assert str(gone.value) == GONE


async def test_what_is_gone_although_its_address_is_fresh_is_not_asked_for_again_and_again(client, simulator, files):
    message, _ = await said_with(client, simulator, SharedFile("a.txt", b"abc"))
    (file,) = files.attached(message)
    simulator.guild.files.clear()
    with pytest.raises(Rejected):
        await files.fetch(message, file, 3)
    assert [call.name for call in simulator.calls].count("message") == 2


async def test_the_cdn_may_fail_or_ask_to_wait(client, simulator, files):
    message, _ = await said_with(client, simulator, SharedFile("a.txt", b"abc"))
    (file,) = files.attached(message)
    simulator.faults.fail("attachments.get", 502)
    simulator.faults.rate_limit("attachments.get", 4)
    with pytest.raises(NotSent):
        await files.fetch(message, file, 3)
    with pytest.raises(RateLimited) as limited:
        await files.fetch(message, file, 3)
    assert limited.value.retry_after == 4


@pytest.mark.parametrize(
    "address",
    [
        "https://cdn.discordapp.com@127.0.0.1/x", "https://cdn.discordapp.com.evil.example/x",
        "https://evil.cdn.discordapp.com/x", "http://cdn.discordapp.com/x", "https://discord.com/x",
        "http://169.254.169.254/latest/", "file:///etc/passwd", "",
    ],
)  # fmt: skip
async def test_no_other_host_is_asked(files, address):
    with pytest.raises(Rejected) as refused:
        await files.fetch(envelope({}), Attachment("x", "image/png", 1, "1", address), 10)
    assert str(refused.value) == ELSEWHERE


async def test_a_fresh_address_is_checked_as_well(client, simulator, files):
    message, said = await said_with(client, simulator, SharedFile("a.txt", b"abc"))
    (file,) = files.attached(message)
    async with other_host() as (port, called):
        simulator.expire_addresses()
        simulator.message(said).attachments[0]["url"] = f"http://127.0.0.1:{port}/a.txt"
        with pytest.raises(Rejected) as refused:
            await files.fetch(message, file, 3)
    assert (str(refused.value), called) == (ELSEWHERE, [])

"""What people do in the simulated guild, and what watchers see of it."""

import pytest

from adapters.discord.simulator import DiscordSimulator
from adapters.discord.simulator.guild import DISCORD_EPOCH


async def test_watchers_see_every_message_and_every_change_of_a_text(simulator):
    seen: list[tuple[str, str, bool]] = []
    simulator.watch(lambda said: seen.append((said.author, said.text, said.edited)))
    said = simulator.say_in("Ada", "helo")
    simulator.edit(said, "hello")
    simulator.open_thread("Ada", "plans")
    simulator.other_bot_says("Jenkins", "green", thread=said.thread)
    assert seen == [("Ada", "helo", False), ("Ada", "hello", True), ("Jenkins", "green", False)]


async def test_posts_of_the_bot_are_seen_before_their_call_is_answered(simulator, rest):
    posts: list[tuple[str, int]] = []
    simulator.on_post(lambda message: posts.append((message.content, len(simulator.calls))))
    _, sent = await rest("POST", f"/channels/{simulator.room('general').id}/messages", {"content": "hello"})
    assert posts == [("hello", 0)]
    await rest("POST", f"/channels/{sent['channel_id']}/messages/{sent['id']}/threads", {"name": "a thread is no post"})
    assert len(posts) == 1


async def test_every_id_is_larger_than_the_one_before_even_if_the_clock_stands_still():
    async with DiscordSimulator(clock=lambda: 1712345678.25) as still:
        first, second, third = (int(still.say_in("Ada", str(number)).id) for number in range(3))
    assert (second - first, third - second) == (1, 1)
    assert (first >> 22) + DISCORD_EPOCH == 1712345678250


async def test_what_does_not_exist_is_said(simulator):
    with pytest.raises(LookupError, match=r"Said\.thread"):
        simulator.read("1/2")
    with pytest.raises(LookupError, match="add_room"):
        simulator.say_in("Ada", "hello?", room="nowhere")
    with pytest.raises(LookupError, match="no event"):
        await simulator.redeliver()
    with pytest.raises(ValueError, match="already"):
        simulator.add_room("general")
    with pytest.raises(ValueError, match="no forum"):
        simulator.post_in_forum("Ada", "title", "text", forum="general")
    with pytest.raises(LookupError, match="no thread was opened"):
        simulator.archive(simulator.say_in("Ada", "alone").thread)


COMMANDS = [
    {
        "name": "ask",
        "description": "asks",
        "options": [{"type": 3, "name": "what", "description": "x", "required": True}],
    },
    {"name": "here", "description": "only in servers", "contexts": [0]},
]


async def test_people_choose_only_what_is_registered_and_shown_there(simulator, rest):
    path = f"/applications/{simulator.application_id}/commands"
    with pytest.raises(LookupError):
        simulator.invoke("Ada", "ask why")
    _, first = await rest("PUT", path, COMMANDS)
    _, again = await rest("PUT", path, COMMANDS[::-1])
    assert {one["name"]: one["id"] for one in again} == {one["name"]: one["id"] for one in first}
    assert (
        simulator.invoke("Ada", "ask why not", direct=True).room == simulator.guild.direct(simulator.person("Ada")).id
    )
    assert simulator.invoke("Ada", "here").command == "here"
    with pytest.raises(LookupError):
        simulator.invoke("Ada", "here", direct=True)
    for words in ("ask", "here and there"):
        with pytest.raises(ValueError, match="takes"):
            simulator.invoke("Ada", words)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Ask"}, {"name": ""}, {"name": "a b"}, {"name": "a" * 33}, {"description": ""}, {"contexts": [3]},
        {"description": "x" * 101}, {"contexts": []}, {"integration_types": [2]},
        {"options": [{"type": 3, "name": "x"}]}, {"options": [{"type": 99, "name": "x", "description": "x"}]},
        {"options": [{"type": 3, "name": n, "description": "x", "required": n == "b"} for n in "ab"]},
        {"options": [{"type": 3, "name": f"o{n}", "description": "x"} for n in range(26)]},
    ],
)  # fmt: skip
async def test_commands_that_discord_would_not_take_are_refused(simulator, rest, wrong):
    path = f"/applications/{simulator.application_id}/commands"
    good = {"name": "ask", "description": "asks", "type": 1}
    status, refusal = await rest("PUT", path, [good | wrong])
    assert (status, refusal["code"]) == (400, 50035)
    status, refusal = await rest("PUT", path, [good, good])
    assert (status, refusal["code"]) == (400, 50035)
    assert await rest("GET", path) == (200, [])

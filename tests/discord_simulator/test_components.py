"""Buttons: which components Discord takes, and what the real discord.py is given of a press."""

from typing import Any

import discord
import pytest

from tests.discord_simulator.conftest import error
from tests.discord_simulator.test_payloads import check


def button(custom_id: str = "a", **changes: Any) -> dict[str, Any]:
    return {"type": 2, "style": 2, "label": "Go", "custom_id": custom_id, **changes}


def row(*inside: Any) -> dict[str, Any]:
    return {"type": 1, "components": list(inside)}


@pytest.mark.parametrize(
    "rows",
    [
        [button()],
        [row()],
        [row(*(button(str(number)) for number in range(6)))],
        [row(button(str(number))) for number in range(6)],
        [row(button("a" * 101))],
        [row(button(""))],
        [row(button(label="a" * 81))],
        [row(button(style=7))],
        [row(button("same"), button("same"))],
        [row(button("same")), row(button("same"))],
        [row({"type": 4, "custom_id": "text", "style": 1, "label": "a"})],
    ],
)
async def test_components_that_discord_would_not_take_are_refused(rest, room, rows):
    assert await error(rest, "POST", f"{room}/messages", {"content": "hi", "components": rows}) == (400, 50035)
    _, posted = await rest("POST", f"{room}/messages", {"content": "hi"})
    path = f"{room}/messages/{posted['id']}"
    assert await error(rest, "PATCH", path, {"components": rows}) == (400, 50035)
    assert (await rest("PATCH", path, {"content": "hello"}))[1]["components"] == []


async def test_an_edit_that_names_no_components_leaves_them(simulator, rest, room):
    _, posted = await rest("POST", f"{room}/messages", {"content": "hi", "components": [row(button())]})
    _, edited = await rest("PATCH", f"{room}/messages/{posted['id']}", {"content": "hello"})
    assert edited["components"] == [row(button())]
    (said,) = simulator.read_room("general")
    assert simulator.buttons(said) == ["Go"]
    with pytest.raises(LookupError):
        simulator.press("Ada", said, "Stop")


class Buttons(discord.ui.View):
    """Tells whoever presses what they pressed."""

    @discord.ui.button(label="Go", custom_id="go")
    async def go(self, interaction: discord.Interaction, _: Any) -> None:
        await interaction.response.send_message(f"{interaction.user.display_name} went", ephemeral=True)

    @discord.ui.button(label="Wait", custom_id="wait")
    async def wait(self, interaction: discord.Interaction, _: Any) -> None:
        await interaction.response.defer()


async def test_a_press_reaches_discord_py_and_only_that_person_sees_the_answer(simulator, connect):
    bot = await connect(simulator)
    await bot.get_channel(int(simulator.room("general").id)).send("choose", view=Buttons())
    (said,) = simulator.read_room("general")
    assert simulator.buttons(said) == ["Go", "Wait"]
    pressed, waited = simulator.press("Ada", said, "Go"), simulator.press("Bo", said, "Wait")
    await simulator.until(lambda: bool(pressed.response and waited.response))
    assert (simulator.whispers("Ada"), simulator.whispers("Bo")) == (["Ada went"], [])
    assert simulator.read_room("general") == [said]


async def test_what_an_app_is_told_of_a_press(simulator, rest, room, wire):
    await rest("POST", f"{room}/messages", {"content": "hi", "components": [row(button("go"))]})
    app = await wire(simulator)
    (said,) = simulator.read_room("general")
    made = simulator.press("Ada", said, "Go")
    interaction = await app.event("INTERACTION_CREATE")
    # https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object
    facts = {"type": 3, "id": made.id, "token": made.token, "data": {"component_type": 2, "custom_id": "go"}}
    check({name: interaction[name] for name in facts}, facts)
    assert interaction["message"]["id"] == said.id
    assert (interaction["channel"]["id"], interaction["member"]["user"]["global_name"]) == (
        said.thread.partition("/")[0],
        "Ada",
    )
    path = f"/interactions/{made.id}/{made.token}/callback"
    answer = {"type": 4, "data": {"content": "done", "flags": 64}}
    _, shown = await rest("POST", f"{path}?with_response=true", answer, token="")
    assert shown["resource"]["message"]["interaction_metadata"]["interacted_message_id"] == said.id
    assert await error(rest, "POST", path, answer) == (400, 40060)

"""Chowder: what stands in its section, and what is advised of it."""

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from bridge.instance import InstanceSettings
from bridge.instances.chowder import ChowderInstance, ChowderSettings

from .canned import KEY


class TestSettings:
    def test_the_defaults_are_chowders(self) -> None:
        read = ChowderSettings(instance_id="i", api_key=SecretStr(f" {KEY}\n"), model="m")
        assert read.model_dump() == {
            "type": "chowder", "base_url": "https://api.chowder.dev/v1", "instance_id": "i", "api_key": SecretStr(KEY),
            "model": "m", "continuity": "session", "autostart": False, "stream": True, "timeout": 180, "extra": {},
            "concurrency": 8, "on_unknown": "ask", "patience": 3600, "longest": 3600, "files": True,
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("keys", "problem"),
        [
            ({"base_url": "api.chowder.dev"}, "must be an address"),
            ({"base_url": "ftp://api.chowder.dev/v1"}, "must be an address"),
            ({"base_url": "https://user:pw@api.chowder.dev/v1"}, "must be an address"),
            ({"base_url": "https://api.chowder.dev/v1?x=1"}, "must be an address"),
            ({"base_url": "https://"}, "must be an address"),
            ({"timeout": 0}, "greater than 0"),
            ({"instance_id": ""}, "at least 1 character"),
            ({"model": ""}, "at least 1 character"),
            ({"continuity": "none"}, "'session' or 'previous_response_id'"),
            ({"api_key": SecretStr("two words")}, "one word of ASCII"),
            ({"api_key": SecretStr("ключ")}, "one word of ASCII"),
            ({"api_key": SecretStr("chd_sk_1"), "autostart": True}, "autostart cannot be done with a scoped key"),
            ({"api_key": "chd_org_literal"}, "a secret does not stand here"),
            ({"extra": {"input": "x"}}, "input cannot stand in extra"),
            ({"extra": {"model": "x", "stream": True}}, "model, stream cannot stand in extra"),
            ({"extra": {"temperature": float("nan")}}, "a number that JSON has not"),
            ({"unknown": 1}, "Extra inputs are not permitted"),
        ],
    )
    def test_what_cannot_be_used_is_refused(self, keys: dict[str, Any], problem: str) -> None:
        with pytest.raises(ValidationError, match=problem) as caught:
            ChowderSettings.model_validate({"instance_id": "i", "api_key": SecretStr(KEY), "model": "m"} | keys)
        assert "two words" not in str(caught.value)

    @pytest.mark.parametrize(
        ("key", "autostart", "advised"),
        [("chd_org_1", False, True), ("chd_org_1", True, False), ("chd_sk_1", False, False), ("other", False, False)],
    )
    def test_a_scoped_key_is_advised_where_it_is_enough(self, key: str, autostart: bool, advised: bool) -> None:
        read = ChowderSettings(instance_id="i", api_key=SecretStr(key), model="m", autostart=autostart)
        assert ["a scoped one (chd_sk_…)" in sentence for sentence in read.advice()] == [True] * advised
        assert "chd_org_1" not in str(read.advice())

    def test_settings_of_another_type_are_a_mistake_of_the_caller(self) -> None:
        with pytest.raises(TypeError):
            ChowderInstance.create("main", InstanceSettings(type="echo"))

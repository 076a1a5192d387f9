import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator

import pytest

from bridge.download import Answer, Hosts, get
from bridge.errors import NotSent, RateLimited
from bridge.testing.files_contract import elsewhere, other_host

HOSTS = Hosts("https://api.example/v1", names=frozenset({"cdn.example"}), domains=("files.example",))


@pytest.mark.parametrize(
    "address",
    [
        "https://cdn.example/a/b.png?ex=1&hm=2&",
        "https://CDN.example:443/x",
        "https://files.example/x",
        "https://acme.files.example/x",
        "https://api.example/x",
    ],
)
def test_the_hosts_that_were_named_are_asked(address: str) -> None:
    found = HOSTS.address(address)
    assert found is not None
    assert found.host in {"cdn.example", "files.example", "acme.files.example", "api.example"}


@pytest.mark.parametrize(
    "address",
    [
        "http://cdn.example/x", "https://cdn.example:8443/x", "https://x.cdn.example/x", "https://cdn.example./x",
        "https://cdn.example.evil.example/x", "https://files.example.evil/x", "https://evilfiles.example/x",
        "https://cdn.example@evil.example/x", "https://cdn.example:pw@evil.example/x", "https://user@cdn.example/x",
        "https://evil.example\\@cdn.example/x", "https://cdn.example\\@evil.example/x",
        "https://evil.example/?https://cdn.example/", "https://evil.example#@cdn.example/",
        "http://api.example/x", "https://api.example:444/x", "https://api.example@evil.example/x",
        "https://cdn。example/x", "https://ｃdn.example.evil/x", "https://[::1]/x", "https://[::1/x", "https://:99999999/",
        "https://cdn.example:99999999/x", "ftp://cdn.example/x", "data:text/plain,x", "javascript:x", "https:///x", "///",
        *elsewhere("cdn.example", 80),
    ],
)  # fmt: skip
def test_no_other_host_is_asked_however_it_looks(address: str) -> None:
    found = HOSTS.address(address)
    assert found is None or (found.raw_host == "cdn.example" and found.user is None)


def test_the_origin_that_was_configured_may_be_plain_http_with_a_port() -> None:
    hosts = Hosts("http://127.0.0.1:8065/api/")
    assert hosts.address("http://127.0.0.1:8065/files/x") is not None
    assert hosts.address("http://127.0.0.1:8066/files/x") is None
    assert hosts.address("https://127.0.0.1:8065/files/x") is None


class Canned:
    """A host that answers everybody with the same bytes, and then `endless` again and again."""

    def __init__(self) -> None:
        self.answer = b""
        self.endless = b""
        self.asked: list[str] = []
        self.written = 0
        self.hosts = Hosts("")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
            writer.write(self.answer)
            await writer.drain()
            while self.endless:
                writer.write(self.endless)
                await writer.drain()
                self.written += len(self.endless)
        writer.close()

    async def get(self, most: int = 1000) -> Answer:
        address = self.hosts.address(f"{self.hosts.origin}/x")
        assert address is not None
        return await asyncio.wait_for(get(address, most), 10)


@pytest.fixture
async def canned() -> AsyncIterator[Canned]:
    canned = Canned()
    server = await asyncio.start_server(canned.serve, "127.0.0.1", 0)
    canned.hosts = Hosts(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    yield canned
    server.close()
    await server.wait_closed()


def http(status: str, body: bytes = b"", **headers: str) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\n{lines}Connection: close\r\n\r\n".encode() + body


async def test_a_file_is_read_to_its_end(canned: Canned) -> None:
    canned.answer = http("200 OK", b"hello", Content_Length="5", Content_Type="Text/Plain; charset=utf-8")
    assert await canned.get(5) == Answer(200, "text/plain", b"hello")


async def test_what_says_that_it_is_too_long_is_not_read(canned: Canned) -> None:
    canned.answer = http("200 OK", Content_Length=str(10**12))
    canned.endless = bytes(65536)
    assert (await canned.get()).content is None


async def test_what_does_not_say_how_long_it_is_is_read_up_to_the_limit(canned: Canned) -> None:
    canned.answer = http("200 OK")
    canned.endless = bytes(65536)
    assert (await canned.get(10**6)).content is None
    assert canned.written < 10**8


@pytest.mark.parametrize("length", ["1", "1001"])
async def test_a_length_that_lies_is_no_file(canned: Canned, length: str) -> None:
    canned.answer = http("200 OK", b"x" * 1000, Content_Length=length)
    with pytest.raises(NotSent):
        await canned.get(2000)


async def test_nothing_is_unpacked(canned: Canned) -> None:
    bomb = zlib.compress(bytes(10**7))
    canned.answer = http("200 OK", bomb, Content_Encoding="deflate", Content_Length=str(len(bomb)))
    with pytest.raises(NotSent):
        await canned.get(10**5)
    assert "Accept-Encoding: identity" in canned.asked[0]


async def test_no_redirect_is_followed(canned: Canned) -> None:
    async with other_host() as (port, called):
        canned.answer = http("302 Found", Location=f"http://127.0.0.1:{port}/", Content_Length="0")
        assert await canned.get() == Answer(302)
    assert called == []
    assert len(canned.asked) == 1


async def test_cookies_are_neither_kept_nor_sent(canned: Canned) -> None:
    canned.answer = http("200 OK", b"x", Set_Cookie="a=b", Content_Length="1")
    await canned.get()
    await canned.get()
    assert "cookie" not in "".join(canned.asked).lower()


@pytest.mark.parametrize("status", ["408 Request Timeout", "500 Internal Server Error", "503 Service Unavailable"])
async def test_a_host_that_fails_may_be_asked_later(canned: Canned, status: str) -> None:
    canned.answer = http(status, Content_Length="0")
    with pytest.raises(NotSent):
        await canned.get()


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("-1", 0.0), ("inf", 1.0), ("soon", 1.0)])
async def test_a_host_may_ask_to_wait(canned: Canned, header: str, seconds: float) -> None:
    canned.answer = http("429 Too Many Requests", Retry_After=header, Content_Length="0")
    with pytest.raises(RateLimited) as limited:
        await canned.get()
    assert limited.value.retry_after == seconds


@pytest.mark.parametrize("answer", [b"", b"rubbish\r\n\r\n", http("200 OK", b"x", Content_Length="2")])
async def test_a_broken_answer_may_be_asked_for_later_and_its_address_is_told_to_nobody(
    canned: Canned, answer: bytes
) -> None:
    canned.answer = answer
    with pytest.raises(NotSent) as broken:
        await canned.get()
    assert "/x" not in str(broken.value)


async def test_a_host_that_is_not_there_may_be_there_later() -> None:
    async with other_host() as (port, _):
        pass
    address = Hosts(f"http://127.0.0.1:{port}").address(f"http://127.0.0.1:{port}/x")
    assert address is not None
    with pytest.raises(NotSent):
        await get(address, 1)

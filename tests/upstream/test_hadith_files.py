"""The stand-in of hadith-api behaves as the real one: its shape as recorded, its quirks one by one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.upstream import hadith, replay_hadith
from tests.upstream.replay_hadith import ABSENT, recorded
from tests.upstream.server import LoopbackServer
from tests.upstream.test_stand_in import shape


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with hadith.serve() as running:
        yield running


@pytest.fixture
def client(server: LoopbackServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        yield client


def one_of_each(file: dict[str, Any]) -> dict[str, Any]:
    """A file whose objects with keys of their own have one, so that shapes can be compared."""
    metadata = file["metadata"]
    return {
        "metadata": {key: value if key == "name" else {"1": value["1"]} for key, value in metadata.items()},
        "hadiths": file["hadiths"],
    }


@pytest.mark.skipif(not replay_hadith.paths(), reason=ABSENT)
@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/editions/eng-nawawi.min.json", "/editions/eng-nawawi.min.json"),
        ("/editions/ara-qudsi.min.json", "/editions/ara-qudsi.min.json"),
        ("/editions/eng-malik.min.json", "/editions/eng-malik.min.json"),
        ("/editions/eng-tirmidhi.min.json", "/editions/eng-tirmidhi.min.json"),
    ],
)
def test_an_edition_has_the_shape_that_was_recorded(client: httpx.Client, path: str, own: str) -> None:
    body = recorded(path)
    assert body is not None
    answered, real = (one_of_each(json.loads(text)) for text in (client.get(own).content, body))
    assert shape(answered["metadata"]) == shape(real["metadata"])
    for hadiths in (answered["hadiths"], real["hadiths"]):
        for one in hadiths:
            one["grades"] = one["grades"][:1]
    shapes = shape(answered["hadiths"])
    assert all(one in shapes for one in shape(real["hadiths"]))


@pytest.mark.skipif(not replay_hadith.paths(), reason=ABSENT)
def test_the_list_has_the_shape_that_was_recorded(client: httpx.Client) -> None:
    body = recorded("/editions.min.json")
    assert body is not None
    answered, real = client.get("/editions.min.json").json(), json.loads(body)
    assert answered.keys() == real.keys()
    assert [shape(one) for one in answered.values()] == [shape(one) for one in real.values()]
    assert {key: one["name"] for key, one in answered.items()} == {key: one["name"] for key, one in real.items()}


def test_parts_of_a_hadith_are_written_to_the_digit(client: httpx.Client) -> None:
    text = client.get("/editions/eng-tirmidhi.min.json").text
    numbers = re.findall(r'"hadithnumber":(3604[.\d]*)', text)
    assert {"3604.1", "3604.10", "3604.2"} <= set(numbers)
    assert len(numbers) == len(set(numbers))


def test_the_large_form_says_the_same_in_tabs(client: httpx.Client) -> None:
    small, large = (client.get(f"/editions/eng-malik{form}.json") for form in (".min", ""))
    assert small.json() == large.json()
    assert large.text.startswith('{\n\t"metadata": {\n\t\t"name": "Muwatta Malik",')


@pytest.mark.parametrize(
    "path",
    [
        "/editions/eng-abudawud.min.json",
        "/editions/tlh-nawawi.json",
        "/editions/eng-nawawi1.json",
        "/editions/eng-x.json",
    ],
)
def test_what_is_not_there_is_404_in_plain_text(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.text) == (404, f"Couldn't find the requested file {path}.")


def test_a_tag_that_still_holds_is_answered_without_a_body(client: httpx.Client) -> None:
    first = client.get("/editions/eng-nawawi.min.json")
    again = client.get("/editions/eng-nawawi.min.json", headers={"If-None-Match": first.headers["ETag"]})
    other = client.get("/editions/eng-qudsi.min.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert other.status_code == 200

"""The REST API against its own description: whatever is sent, by whoever, the answer is one that it announces."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from listening import listening
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from test_access import Desk, desk, server  # noqa: F401 - fixtures

from api.app import ROUTERS
from api.rest import OPENAPI, VERSION
from voicewright.contracts.access import Role

EXAMPLES = 8
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture
async def address(desk: Desk) -> AsyncIterator[str]:  # noqa: F811
    async with listening(desk.app) as url:
        yield url


async def test_the_document_names_every_operation_and_no_page(address: str) -> None:
    async with httpx.AsyncClient(base_url=address, trust_env=False) as web:
        document = (await web.get(OPENAPI)).json()
        told = await web.get("/api/runs/nobody", headers={"authorization": "Bearer no"})
    assert (told.status_code, told.headers["content-type"], told.json()["title"]) == (
        401, "application/problem+json", "Unauthorized",
    )  # fmt: skip
    routes = [route for router in ROUTERS for route in router.routes]
    paths = {route.path_format for route in routes if route.path.startswith(VERSION)}
    assert {path.replace(":path", "") for path in paths} == set(document["paths"])
    assert len(paths) >= 17
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert operation.get("description"), (method, path)


@pytest.mark.parametrize("role", [*Role, "token view", "nobody"])
async def test_no_answer_but_what_is_announced(desk: Desk, address: str, role: str) -> None:  # noqa: F811
    headers = {**desk.headers[role], "origin": address}
    schema = await asyncio.to_thread(schemathesis.openapi.from_url, f"{address}{OPENAPI}")

    def try_all() -> int:
        tried = 0
        for found in schema.get_all_operations():
            assert isinstance(found, Ok), found
            operation = found.ok()

            @given(case=operation.as_strategy())
            @settings(
                max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            def attempt(case: "schemathesis.Case[Any]") -> None:
                case.call_and_validate(checks=CHECKS, headers=headers)

            attempt()
            tried += 1
        return tried

    assert await asyncio.to_thread(try_all) >= 17

"""Real Temporal servers, as fixtures: one that skips time, one that does not."""

from collections.abc import AsyncIterator

import pytest
from serving import dev_server, program
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from voicewright.client import search_attributes


@pytest.fixture(scope="session")
async def skipping() -> AsyncIterator[Client]:
    """A server on which a timer of days takes no time."""
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=program("temporal-test-server"), data_converter=pydantic_data_converter
    ) as environment:
        # This server can add search attributes but not list them.
        keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
        names = {key.name: keyword for key in search_attributes.ALL}
        await environment.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(search_attributes=names, namespace="default")
        )
        yield environment.client


@pytest.fixture(scope="session")
async def real() -> AsyncIterator[Client]:
    """See `dev_server`."""
    async with dev_server() as client:
        yield client

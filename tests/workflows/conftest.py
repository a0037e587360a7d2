"""Real Temporal servers for workflow tests: one that skips time, one that does not."""

from collections.abc import AsyncIterator

import pytest
from serving import program
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from voicewright import search_attributes


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
    """Temporal's dev server; it suggests continue-as-new early, so that short runs show it."""
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=program("temporal"),
        data_converter=pydantic_data_converter,
        search_attributes=search_attributes.ALL,
        dev_server_extra_args=["--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=150"],
    ) as environment:
        yield environment.client

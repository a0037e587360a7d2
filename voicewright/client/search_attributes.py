"""Search attributes of Voicewright's workflows: one registry, also used to register them on a server.

The review queue is a visibility query over these, not a table: `REVIEW_QUEUE`.
"""

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from voicewright.contracts.case import CaseKey

SUITE = SearchAttributeKey.for_keyword("VoicewrightSuite")
CASE = SearchAttributeKey.for_keyword("VoicewrightCase")
LANGUAGE = SearchAttributeKey.for_keyword("VoicewrightLanguage")
OUTCOME = SearchAttributeKey.for_keyword("VoicewrightOutcome")
REVIEW = SearchAttributeKey.for_keyword("VoicewrightReview")
REVIEWER = SearchAttributeKey.for_keyword("VoicewrightReviewer")
"""Who holds the claim; nobody, where it is unset."""

ALL = (SUITE, CASE, LANGUAGE, OUTCOME, REVIEW, REVIEWER)

RUN_TYPE = "VoiceTestRun"
CASE_TYPE = "VoiceTestCase"
BLIND_TYPE = "BlindReview"
REVIEW_QUEUE = (
    f"WorkflowType IN ('{CASE_TYPE}', '{BLIND_TYPE}') AND VoicewrightReview IN ('pending', 'claimed') "
    "AND ExecutionStatus = 'Running'"
)
RUNS = f"WorkflowType = '{RUN_TYPE}'"


def of_case(suite: str, key: CaseKey) -> TypedSearchAttributes:
    """What a case begins with."""
    pairs = ((SUITE, suite), (CASE, key.case), (LANGUAGE, key.language))
    return TypedSearchAttributes([SearchAttributePair(name, value) for name, value in pairs])


async def missing(client: Client) -> list[str]:
    """Names that the server does not know in the client's namespace."""
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    return [key.name for key in ALL if key.name not in known.custom_attributes]


async def register(client: Client) -> None:
    """Make the server know them all; harmless when it does already."""
    names = await missing(client)
    if names:
        keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=dict.fromkeys(names, keyword))
        )

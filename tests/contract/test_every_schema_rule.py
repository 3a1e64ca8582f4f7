"""Every rule of every schema is enforced on every way in, and a refused write leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crossbar.core.shapes import Collection, Singleton
from crossbar.validation.wording import CHECKED_FORMATS
from tests.conftest import Answer, Api
from tests.contract.conftest import on_any_store
from tests.contract.kit import (
    COLLECTIONS,
    SCHEMAS,
    SINGLETONS,
    document,
    everything,
    operations,
    refusal,
    verbs_at,
)
from tests.each import one_gateway_for_each
from tests.schemas.violations import Violation, violations

pytestmark = on_any_store

SAMPLE = 7
"""Every so many violations, one is sent as a replacement and as a patch too."""


def broken(schema: str) -> Iterator[Violation]:
    """Documents that each break one rule of the schema."""
    return violations(
        SCHEMAS[schema], SCHEMAS, formats=tuple(CHECKED_FORMATS), defaults_fill_gaps=True
    )


def field(violation: Violation) -> str:
    """The key of the refusal: the path with dots, those inside of names escaped (§4.5)."""
    return ".".join(str(part).replace(".", "%2E") for part in violation.path)


def complaint(answer: Answer, violation: Violation) -> str | None:
    """What is wrong with the answer to a violation; ``None`` if nothing."""
    wrong = refusal(answer, 400, "validation error")
    if wrong:
        return f"{violation}: {wrong}"
    errors = answer.data.get(field(violation))
    if not errors:
        return f"{violation}: {field(violation)!r} is not in {answer.data}"
    if not all("message" in details for details in errors.values()):
        return f"{violation}: no message in {errors}"
    return None


@one_gateway_for_each(COLLECTIONS, lambda family: family.noun)
async def test_each_broken_rule_of_a_collection_is_named_and_nothing_is_stored(
    api: Api, family: Collection
) -> None:
    path = f"{api.account}/{family.noun}"
    created = (await api.put(path, document(family))).expect(201)
    before = await everything(api, path)
    found = []
    for number, violation in enumerate(broken(family.schema)):
        answers = [await api.put(path, violation.document)]
        if number % SAMPLE == 0:
            one = f"{path}/{created.data['id']}"
            answers.append(await api.post(one, violation.document))
        found += [complaint(answer, violation) for answer in answers]
    assert [wrong for wrong in found if wrong] == []
    assert await everything(api, path) == before


def merges_into_violation(violation: Violation) -> bool:
    """Whether the violation survives being merged into a valid document."""
    return violation.rule not in ("required", "minProperties", "type") and bool(violation.path)


@one_gateway_for_each(COLLECTIONS, lambda family: family.noun)
async def test_a_patch_is_validated_as_the_whole_that_it_makes(
    api: Api, family: Collection
) -> None:
    path = f"{api.account}/{family.noun}"
    created = (await api.put(path, document(family))).expect(201)
    one = f"{path}/{created.data['id']}"
    if "PATCH" not in offered(family):
        (await api.patch(one, {})).expect(405)
        return
    chosen = [violation for violation in broken(family.schema) if merges_into_violation(violation)]
    found = [
        complaint(await api.patch(one, violation.document), violation)
        for violation in chosen[::SAMPLE]
    ]
    assert [wrong for wrong in found if wrong] == []
    after = (await api.get(one)).expect(200)
    assert after.body["revision"] == created.body["revision"]


def offered(family: Collection | Singleton) -> set[str]:
    """The verbs that single documents of the family offer."""
    return {
        verb
        for operation in operations()
        if operation.family is family and operation.id_param and len(operation.path) <= 4
        for verb in verbs_at(operation)
    }


@one_gateway_for_each(SINGLETONS, lambda family: family.noun)
async def test_each_broken_rule_of_a_singleton_is_named_and_nothing_is_stored(
    api: Api, family: Singleton
) -> None:
    path = f"{api.account}/{family.noun}"
    (await api.post(path, document(family))).expect(200)
    before = (await api.get(path)).expect(200).body
    found = [
        complaint(await api.post(path, violation.document), violation)
        for violation in broken(family.schema)
    ]
    assert [wrong for wrong in found if wrong] == []
    after = (await api.get(path)).expect(200).body
    assert (after["data"], after["revision"]) == (before["data"], before["revision"])


async def test_each_broken_rule_of_an_account_is_named_and_nothing_is_stored(api: Api) -> None:
    child = await api.create_account("Child")
    before = await everything(api, f"{api.account}/children")
    found = []
    for number, violation in enumerate(broken("accounts")):
        sent: dict[str, Any] = {"name": "Another", **violation.document}
        sent = violation.document if violation.path == ("name",) else sent
        paths = [("PUT", api.account)]
        if number % SAMPLE == 0:
            paths += [("PUT", "/v2/accounts"), ("POST", f"/v2/accounts/{child}")]
        for verb, path in paths:
            found.append(complaint(await api.request(verb, path, sent), violation))
    assert [wrong for wrong in found if wrong] == []
    assert await everything(api, f"{api.account}/children") == before


async def test_each_broken_rule_is_named_by_validation_without_storing(api: Api) -> None:
    found = []
    for name in ("user_auth", "api_auth", "callflows.user", "webhooks", "faxbox", "resources"):
        for violation in broken(name):
            answer = await api.put(f"/v2/schemas/{name}/validation", violation.document)
            found.append(complaint(answer, violation))
    assert [wrong for wrong in found if wrong] == []

"""Directories: who is in one is written on the users."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from pypdf import PdfReader

from crossbar.families.directories import directories
from tests.conftest import Answer, Api
from tests.families.support import ANN, BOB, make, refusal, shown


async def test_reading_a_directory_tells_its_users_from_the_users_documents(api: Api) -> None:
    doc_id = await make(api, "directories", users=["stored"])
    ann = await make(api, "users", **ANN, directories={doc_id: "flow-a"})
    bob = await make(api, "users", **BOB, directories={doc_id: "flow-b"})
    gone = await make(api, "users", directories={doc_id: "flow-c"})
    (await api.delete(f"{api.account}/users/{gone}")).expect(200)
    users = (await shown(api, "directories", doc_id))["users"]
    expected = {ann: "flow-a", bob: "flow-b"}
    assert users == [
        {"user_id": user_id, "callflow_id": expected[user_id]}
        for user_id in sorted(expected, reverse=True)
    ]
    path = f"{api.account}/directories/{doc_id}"
    taken_back = (await api.patch(path, {"users": users})).expect(200)
    assert taken_back.data["users"] == ["stored"]
    assert (await api.patch(path, {"min_dtmf": 2})).expect(200).data["users"] == ["stored"]
    (await api.delete(path)).expect(200)
    assert (await shown(api, "users", ann))["directories"] == {doc_id: "flow-a"}


async def test_directories_that_are_no_map_are_refused(api: Api) -> None:
    user = {"first_name": "A", "last_name": "B", "directories": ["x"]}
    refusal(await api.put(f"{api.account}/users", user), "directories", "type")


PDF = {"Accept": "application/pdf"}


def pages(answer: Answer) -> list[str]:
    """The text of each page of a PDF."""
    return [page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages]


async def put_in(api: Api, directory: str, last: str, first: str, flow: str = "") -> str:
    """A user who is in a directory."""
    named = {"first_name": first, "last_name": last}
    return await make(api, "users", **named, directories={directory: flow})


async def test_a_directory_is_printed_with_names_and_numbers(api: Api) -> None:
    doc_id = await make(api, "directories", name="Προσωπικό")
    flow = await make(api, "callflows", numbers=["2001", "+14155550100"])
    gone = await make(api, "callflows", numbers=["2002"])
    (await api.delete(f"{api.account}/callflows/{gone}")).expect(200)
    await put_in(api, doc_id, "Ωνάση", "Ελένη", flow)
    await put_in(api, doc_id, "müller", "Ann", gone)
    await put_in(api, doc_id, "Жуков", "李", "unknown")
    await make(api, "users", first_name="Not", last_name="Listed")
    path = f"{api.account}/directories/{doc_id}"
    answer = (await api.get(path, headers=PDF)).expect(200)
    assert answer.headers["Content-Type"] == "application/pdf"
    wanted = 'attachment; filename="Master-directory.pdf"'
    assert answer.headers["Content-Disposition"] == wanted
    assert "ETag" not in answer.headers
    (text,) = pages(answer)
    assert text.splitlines() == [
        "Προσωπικό",
        "Master",
        "Last name First name Number E-mail",
        "müller Ann",
        "Ωνάση Ελένη 2001, +14155550100",
        "Жуков \N{REPLACEMENT CHARACTER}",
        "1 / 1",
    ]
    (await api.patch(path, {"sort_by": "first_name"})).expect(200)
    (text,) = pages((await api.get(path, headers=PDF)).expect(200))
    assert text.splitlines()[2:5] == [
        "First name Last name Number E-mail",
        "Ann müller",
        "Ελένη Ωνάση 2001, +14155550100",
    ]


@pytest.mark.parametrize(
    ("accept", "is_pdf"),
    [
        ("application/pdf", True),
        ("application/x-pdf", True),
        ("text/html, application/pdf;q=0.9, application/json;q=0.1", True),
        ("application/json, application/pdf;q=0.9", False),
        ("application/*", False),
        ("*/*", False),
    ],
)
async def test_the_client_chooses_between_the_document_and_paper(
    api: Api, accept: str, is_pdf: bool
) -> None:
    path = f"{api.account}/directories/{await make(api, 'directories')}"
    answer = (await api.get(path, headers={"Accept": accept})).expect(200)
    assert (answer.content[:5] == b"%PDF-") is is_pdf
    if not is_pdf:
        assert answer.data["users"] == []


async def test_a_table_is_no_paper(api: Api) -> None:
    path = f"{api.account}/directories/{await make(api, 'directories')}"
    answer = (await api.get(path, headers={"Accept": "text/csv"})).expect(200)
    assert b"Staff" in answer.content


async def test_paper_can_be_asked_for_in_the_query(api: Api) -> None:
    path = f"{api.account}/directories/{await make(api, 'directories')}"
    (text,) = pages((await api.get(f"{path}?accept=pdf")).expect(200))
    assert text.splitlines()[-1] == "1 / 1"
    (await api.get(f"{path}x?accept=pdf")).expect(404)


async def test_long_names_wrap_and_pages_are_numbered(api: Api) -> None:
    doc_id = await make(api, "directories", name="Staff " * 40)
    for number in range(6):
        await put_in(api, doc_id, "W" * 128, "word " * 24 + "\u202e\t" + str(number))
    texts = pages((await api.get(f"{api.account}/directories/{doc_id}", headers=PDF)).expect(200))
    assert [text.splitlines()[-1] for text in texts] == ["1 / 3", "2 / 3", "3 / 3"]
    assert "".join(texts).count("W") == 6 * 128
    assert all("Last name First name Number E-mail" in text for text in texts)
    assert texts[1].splitlines()[0].endswith("Staff…")


async def test_what_does_not_fit_is_counted(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directories, "MOST_PEOPLE", 2)
    doc_id = await make(api, "directories")
    for name in ("Ada", "Bea"):
        await put_in(api, doc_id, name, "X")
    path = f"{api.account}/directories/{doc_id}"
    (text,) = pages((await api.get(path, headers=PDF)).expect(200))
    assert "The first" not in text
    await put_in(api, doc_id, "Cid", "X")
    (text,) = pages((await api.get(path, headers=PDF)).expect(200))
    assert text.splitlines()[3:6] == ["Ada X", "Bea X", "The first 2 of 3"]


def test_a_server_that_draws_nothing_does_not_load_what_draws() -> None:
    check = "import sys, crossbar.app; sys.exit('fpdf' in sys.modules or 'PIL' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True, timeout=30)

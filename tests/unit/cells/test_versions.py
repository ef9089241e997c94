import pytest

from waffles import exceptions
from waffles.cells import versions
from waffles.cells.model import Version
from waffles.cells.versions import Range, Versions


def document(least, most, **more):
    return {"version": {"min_version": least, "version": most, **more}}


class Cells:
    """Two cells, the documents that they give, and who was asked."""

    def __init__(self, **documents):
        self.documents, self.asked, self.now = documents, [], 0.0
        self.versions = Versions(["c1", "c2"], self.ask, lambda: self.now)

    def ask(self, names, environ):
        self.asked.append(list(names))
        return {n: self.documents[n] for n in names if n in self.documents}

    def common(self):
        found = self.versions.common({})
        return str(found.least), str(found.most)


def test_the_range_is_what_all_cells_have():
    cells = Cells(c1=document("2.1", "2.104"), c2=document("2.10", "2.90"))

    assert cells.common() == ("2.10", "2.90")


def test_cells_are_asked_once_until_their_range_is_old():
    cells = Cells(c1=document("2.1", "2.104"), c2=document("2.1", "2.90"))
    cells.common()
    cells.common()
    cells.now = versions.KEPT + 1
    cells.documents["c2"] = document("2.1", "2.96")

    assert cells.common() == ("2.1", "2.96")
    assert cells.asked == [["c1", "c2"], ["c1", "c2"]]


def test_a_cell_that_was_down_counts_once_it_answers():
    cells = Cells(c1=document("2.1", "2.104"))
    before = cells.common()
    cells.documents["c2"] = document("2.1", "2.90")
    again = cells.common()
    cells.now = versions.AGAIN + 1

    assert (before, again) == (("2.1", "2.104"), ("2.1", "2.104"))
    assert cells.common() == ("2.1", "2.90")
    assert cells.asked == [["c1", "c2"], ["c2"]]


def test_a_cell_that_goes_away_keeps_its_range():
    cells = Cells(c1=document("2.1", "2.104"), c2=document("2.1", "2.90"))
    cells.common()
    cells.documents.clear()
    cells.now = versions.KEPT + 1

    assert cells.common() == ("2.1", "2.90")


def test_a_cell_that_answers_406_is_asked_anew():
    cells = Cells(c1=document("2.1", "2.104"), c2=document("2.1", "2.104"))
    cells.common()
    cells.documents["c2"] = document("2.1", "2.90")
    cells.versions.forget(["c2"])

    assert cells.common() == ("2.1", "2.90")


@pytest.mark.parametrize(
    ("documents", "said"),
    [
        ({}, "No cell has answered"),
        ({"c1": {"version": {}}}, "No cell has answered"),
        ({"c1": [], "c2": document("2", "x")}, "No cell has answered"),
        (
            {"c1": document("2.1", "2." + "9" * 5000)},
            "No cell has answered",
        ),
    ],
    ids=["none", "no versions", "no documents", "no number"],
)
def test_without_a_range_nothing_is_asked(documents, said):
    with pytest.raises(exceptions.Unavailable, match=said):
        Cells(**documents).common()


def test_a_cell_that_has_nothing_in_common_with_home_does_not_count(caplog):
    cells = Cells(c1=document("2.1", "2.60"), c2=document("2.70", "2.90"))

    assert cells.common() == ("2.1", "2.60")
    assert "Cell c2 has no microversion in common" in caplog.text


def test_nothing_is_common_to_none():
    assert versions.common([]) is None


def test_the_document_is_homes_with_the_range_of_all():
    cells = Cells(
        c1=document("2.1", "2.104", status="CURRENT"),
        c2=document("2.1", "2.90", status="other"),
    )

    assert cells.versions.document({}) == {
        "min_version": "2.1",
        "version": "2.90",
        "status": "CURRENT",
    }


KNOWN = Range(Version(2, 10), Version(2, 90))


@pytest.mark.parametrize(
    ("text", "version"),
    [("2.55", "2.55"), ("latest", "2.90"), (None, "2.10"), ("2.10", "2.10")],
)
def test_a_microversion_of_the_range_is_taken(text, version):
    assert str(versions.chosen(text, KNOWN)) == version


@pytest.mark.parametrize("text", ["2.91", "2.9", "3.1"])
def test_one_outside_it_is_not_acceptable(text):
    with pytest.raises(exceptions.Hidden, match="Minimum is 2.10") as caught:
        versions.chosen(text, KNOWN)

    assert caught.value.code == 406


@pytest.mark.parametrize("text", ["2", "2.x", "", "2.01", "2.1.1", "２.1"])
def test_what_is_none_is_malformed(text):
    with pytest.raises(exceptions.Malformed, match="invalid format"):
        versions.chosen(text, KNOWN)

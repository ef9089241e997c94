"""The proxy reads the query of a list of flavors as Nova's schemas do."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nova import exception
from nova.api.openstack.compute.schemas import flavors as schema
from nova.api.validation import validators

from waffles.cells.flavors import lists as flavor_lists
from waffles.cells.model import Version

SCHEMAS = {
    (2, 1): schema.index_query,
    (2, 74): schema.index_query,
    (2, 75): schema.index_query_v275,
    (2, 101): schema.index_query_v275,
    (2, 102): schema.index_query_v2102,
}


def is_taken(query, version):
    """Whether Nova takes a query."""
    lists = {}
    for name, text in query:
        lists.setdefault(name, []).append(text)
    validator = validators._SchemaValidator(SCHEMAS[version], is_body=False)
    try:
        validator.validate(lists)
    except exception.ValidationError:
        return False
    return True


def test_the_sort_keys_are_novas():
    old = schema.index_query["properties"]["sort_key"]["items"]["enum"]
    new = schema.index_query_v2102["properties"]["sort_key"]["items"]["enum"]

    assert set(flavor_lists.FIELDS) == set(old)
    assert [key for key in old if key not in new] == ["rxtx_factor"]


TEXTS = st.one_of(
    st.sampled_from([*flavor_lists.FIELDS, "asc", "desc", "none", "x"]),
    st.text("0123456789-+. \n\u0661", max_size=4),
    st.text(string.printable, max_size=4),
)
NAMES = st.sampled_from(
    "limit marker sort_key sort_dir is_public minRam minDisk name junk".split()
)


@pytest.mark.parametrize("version", SCHEMAS, ids=str)
@given(query=st.lists(st.tuples(NAMES, TEXTS), max_size=3))
def test_nova_and_the_proxy_take_the_same_queries(version, query):
    found = flavor_lists.listing(query, Version(*version))

    assert (found is not None) == is_taken(query, version)

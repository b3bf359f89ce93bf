"""JSON of any shape, as a broken or unknown server might send it."""

from typing import Any

from hypothesis import strategies as st


def odd_json(leaves_max: int) -> st.SearchStrategy[Any]:
    """Numbers beyond what is counted, empty and foreign texts, lists and objects in each other."""
    return st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**60), 2**60)
        | st.floats(allow_nan=False)
        | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=leaves_max,
    )

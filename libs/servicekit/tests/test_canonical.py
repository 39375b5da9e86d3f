import pytest
from hypothesis import given
from hypothesis import strategies as st
from servicekit.canonical import NotCanonicalError, canonical, digest

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text("aé€ \u0301", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcé", max_size=4), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abcd", min_size=1, max_size=3), plain, max_size=5))
def test_the_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    assert canonical(value) == canonical(dict(reversed(list(value.items()))))


def test_composed_and_decomposed_text_are_the_same() -> None:
    assert digest({"name": "Mu\u0308ller"}) == digest({"name": "M\u00fcller"})


@pytest.mark.parametrize("value", [1.0, 2**53, float("nan"), {"e\u0301": 1, "\u00e9": 2}, object()])
def test_what_two_programs_could_write_differently_is_refused(value: object) -> None:
    with pytest.raises(NotCanonicalError):
        canonical({"value": value} if not isinstance(value, dict) else value)


def test_a_bottomless_value_is_refused() -> None:
    value: list[object] = []
    for _ in range(20):
        value = [value]
    with pytest.raises(NotCanonicalError):
        canonical(value)


def test_a_known_vector() -> None:
    assert canonical({"b": [1, True, None], "a": "\u20ac"}) == b'{"a":"\xe2\x82\xac","b":[1,true,null]}'

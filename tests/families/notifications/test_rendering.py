"""Templates that tenants write: what they may do, and that nothing costs more than its size."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.families.notifications.rendering import (
    LONGEST,
    LONGEST_FACT,
    MOST_FACTS,
    MOST_OUTPUT,
    BadTemplate,
    bounded,
    check,
    render,
)
from crossbar.families.notifications.shipped import (
    HTML,
    PLAIN,
    SHIPPED,
    languages,
    texts_of,
)
from crossbar.families.notifications.trying import sample_facts
from crossbar.families.notifications.words import WORDS

FACTS: dict[str, Any] = {
    "user": {"first_name": "<Ann>", "items": "mine"},
    "numbers": ["1", "2", "3"],
    "many": ["x"] * MOST_FACTS,
    "long": "x" * LONGEST_FACT,
    "none": None,
}


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("Hello {{ user.first_name }}", "Hello <Ann>"),
        ("{{ user['first_name']|upper }}", "<ANN>"),
        ("{{ user.items }}", "mine"),
        ("{{ nobody.at.all }}{{ none }}{{ user }}", ""),
        ("{{ nobody|default('somebody') }}", "somebody"),
        ("{% for n in numbers %}{{ loop.index }}:{{ n }} {% endfor %}", "1:1 2:2 3:3 "),
        ("{% for n in numbers if n != '2' %}{{ n }}{% endfor %}", "13"),
        ("{% for n in user.first_name %}{{ n }}{% else %}none{% endfor %}", "none"),
        ("{% if numbers|length > 2 and not nobody %}many{% endif %}", "many"),
        ("{{ 'yes' if nobody is defined else 'no' }}", "no"),
        ("{% if '2' in ['1', '2'] %}in{% endif %}{# said to nobody #}", "in"),
        ("{{ numbers[0] }}{{ numbers[7] }}{{ numbers.append }}", "1"),
    ],
)
def test_what_a_template_may_do(source: str, shown: str) -> None:
    assert render(source, FACTS) == shown


def test_html_is_escaped_and_cannot_be_unescaped() -> None:
    assert render("{{ user.first_name }}", FACTS, is_html=True) == "&lt;Ann&gt;"
    for source in ("{{ user.first_name|safe }}", "{% autoescape false %}{% endautoescape %}"):
        with pytest.raises(BadTemplate):
            render(source, FACTS, is_html=True)


REFUSED = [
    "{% for i in range(1000000000) %}{% endfor %}",
    "{{ 'a' * 1000000000 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ 'a'.__class__() }}",
    "{{ user.items() }}",
    "{{ long ~ long }}",
    "{{ long + long }}",
    "{{ 1.5|round(1000000000, 'ceil') }}",
    "{{ 'x'|center(1000000000) }}",
    "{{ 'x'|replace('x', 'xx')|replace('x', 'xx') }}",
    "{{ long|tojson }}",
    "{{ long|join(long) }}",
    "{{ long|urlize }}",
    "{{ long|truncate(length=3) }}",
    "{{ many[0:2] }}",
    "{{ {'a': 1} }}",
    "{% set x = 'a' %}",
    "{% set x %}a{% endset %}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{% call(x) f() %}{% endcall %}",
    "{% filter upper %}a{% endfilter %}",
    "{% block a %}{% endblock %}",
    "{% include 'a' %}",
    "{% extends 'a' %}",
    "{% import 'a' as a %}",
    "{% with a = 1 %}{% endwith %}",
    "{% for a in numbers recursive %}{{ loop(a) }}{% endfor %}",
    "{{ _budget }}",
    "{% for _budget in numbers %}{% endfor %}",
    "{{ numbers|_steps(1) }}",
    "{{ x is divisibleby 3 }}",
    "{{ self }}{{ self.x() }}",
    "{{ " + "(" * 30_000,
    "{{ " + "[" * 30_000,
    "{{ " + "not " * 15_000 + "a }}",
    "{{ a" + "|upper" * 10_000 + " }}",
    "{{ a" + ".b" * 30_000 + " }}",
    "{{ " + "9" * 60_000 + " }}",
    "{{ " + "a and " * 10_000 + "a }}",
    "{% if a %}" * 6_000,
    "{% for a in b %}" * 4_000,
    "{{ a }}" * 9_000,
    "{#" * 30_000,
    "{{ '" + "a\\" * 30_000,
    "x" * (LONGEST + 1),
]


@pytest.mark.parametrize("source", REFUSED, ids=range(len(REFUSED)))
def test_what_asks_for_more_than_its_size_is_refused(source: str) -> None:
    with pytest.raises(BadTemplate) as refused:
        check(source)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in many %}{% for b in many %}{% for c in many %}{% endfor %}{% endfor %}"
        "{% endfor %}",
        "{% for a in many %}{% for b in many if a == b and b == a and a == b %}{% endfor %}"
        "{% endfor %}",
        "{% for a in many %}" + "{% if a == long %}{% endif %}" * 60 + "{% endfor %}",
        "{% for a in many %}{{ long }}{% endfor %}",
        "{{ long }}" * (MOST_OUTPUT // LONGEST_FACT + 1),
        "{% for a in many %}" + "x" * 3000 + "{% endfor %}",
    ],
)
def test_what_repeats_too_much_is_given_up(source: str) -> None:
    check(source)
    with pytest.raises(BadTemplate):
        render(source, FACTS)


@pytest.mark.parametrize(
    "source",
    [
        "{% for c in ['"
        + "&" * 60_000
        + "'] %}{% if c"
        + "|e|title" * 9
        + " %}{% endif %}{% endfor %}",
        "{% if '" + "&" * 60_000 + "'" + "|e|title" * 9 + " %}{% endif %}",
        "{% for a in many %}{% if long|upper|lower|title %}{% endif %}{% endfor %}",
    ],
    ids=["grows", "constant", "repeated"],
)
def test_filters_are_paid_for_by_what_they_read(source: str) -> None:
    check(source)
    with pytest.raises(BadTemplate, match="repeats too much"):
        render(source, FACTS)


def test_a_filter_that_fails_is_a_fault_of_the_template() -> None:
    with pytest.raises(BadTemplate, match="TypeError"):
        render("{{ 'a'|truncate('b') }}", FACTS)
    with pytest.raises(BadTemplate, match="takes no arguments"):
        check("{{ x is string(1) }}")


def test_facts_are_bounded() -> None:
    facts = {
        "text": "x" * 20_000,
        "list": list(range(1000)),
        "object": {str(n): n for n in range(1000)},
        "odd": object(),
        "deep": {"a": {"b": {"c": {"d": 1}}}},
    }
    made = bounded(facts)
    assert len(made["text"]) == LONGEST_FACT
    assert len(made["list"]) == len(made["object"]) == MOST_FACTS
    assert made["odd"] == ""
    assert made["deep"]["a"]["b"]["c"] == ""


@pytest.mark.parametrize("template_id", SHIPPED)
def test_every_shipped_template_says_what_it_declares_in_every_language(template_id: str) -> None:
    for language in languages():
        texts = texts_of(template_id, language)
        facts = sample_facts(template_id)
        assert render(texts.subject, facts).strip()
        plain = render(texts.bodies[PLAIN], facts)
        assert plain.strip()
        html = render(texts.bodies[HTML], facts, is_html=True)
        assert html.startswith("<p>")
        # Literals of the plain text are not escaped when HTML is made of it.
        assert not {"<", ">", "&"} & set(texts.bodies[PLAIN])
    assert set(SHIPPED[template_id].macros) <= WORDS.keys()


def test_languages() -> None:
    assert languages() == ("de", "en", "es", "fr")
    assert texts_of("new_user", "de-AT").subject == "Ihr neuer Zugang"
    assert texts_of("new_user", "FR_ca").subject == "Votre nouvel accès"
    for language in ("en-us", "nl", "", "../en"):
        assert texts_of("new_user", language).subject == "Your new login"
    assert texts_of("skel", "de").subject.startswith("About")


PIECES = st.sampled_from(
    [
        "{{ ",
        " }}",
        "{% if a %}",
        "{% endif %}",
        "{% for n in many %}",
        "{% endfor %}",
        "{% else %}",
        "{{ n }}",
        "{{ long }}",
        "|upper",
        "user",
        ".items",
        "(",
        ")",
        "[0]",
        " and ",
        "'",
        '"',
        "{#",
        "#}",
        "{%",
        "%}",
        "\\",
        "\n",
        "-",
        "9",
        "ä",
        "{% raw %}",
        "{% endraw %}",
        " in ",
        "~",
        "<",
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join), st.booleans())
@settings(max_examples=200, deadline=None)
def test_whatever_is_written_is_rendered_or_refused(source: str, is_html: bool) -> None:
    try:
        shown = render(source, FACTS, is_html=is_html)
    except BadTemplate as refused:
        shown = str(refused)
    assert len(shown) <= MOST_OUTPUT

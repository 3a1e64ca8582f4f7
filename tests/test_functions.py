"""Programs of accounts run in a process of their own, within bounds that nothing passes."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import orjson
import pytest

from crossbar.core.ports import Function, FunctionFailed
from crossbar.outside import Engine, functions

AT = 1_700_000_000.5
ACCOUNT = "a" * 32
CUT_SHORT = "the text ends before it is complete"


def function(body: str, zone: str = "UTC", at: float = AT, **call: Any) -> Function:
    return Function(body=body, call=call, at=at, zone=zone)


async def returned(text: str, zone: str = "UTC", **call: Any) -> Any:
    return orjson.loads(await Engine().run(function(text, zone, **call), ACCOUNT))


async def failed(text: str, **call: Any) -> FunctionFailed:
    with pytest.raises(FunctionFailed) as caught:
        await Engine().run(function(text, **call), ACCOUNT)
    return caught.value


async def test_a_script_is_given_the_call_and_returns_steps() -> None:
    text = "return {'module':'tts','data':{'text':'Thanks for calling us ' + call['Name']}};"
    made = await returned(text, Name='Zoë "0\u2028')
    assert made == {"module": "tts", "data": {"text": 'Thanks for calling us Zoë "0\u2028'}}


async def test_now_is_the_moment_of_the_call_in_the_zone_of_the_account() -> None:
    ways = "new Date(), Date.now(), new Date().getHours(), new Date(2020, 0, 1)"
    made = await returned(f"return [{ways}].map(Number)", "America/New_York")
    assert made == [
        pytest.approx(AT * 1000, abs=2000),
        pytest.approx(AT * 1000, abs=2000),
        17,
        1_577_854_800_000,
    ]
    assert "2023 17:13" in await returned("return Date()", "America/New_York")
    assert await returned("return new Date().getHours()") == 22
    whole = await Engine().run(function("return new Date()", at=int(AT)), ACCOUNT)
    assert whole.startswith('"2023-11-14T22:13:2')
    kind = "new Date() instanceof Date && new Date().constructor === Date"
    assert await returned(f"return [{kind}, Date.UTC(1970, 0, 2)]") == [True, 86_400_000]


@pytest.mark.parametrize(
    ("text", "why", "said"),
    [
        ("return f(", "SyntaxError, line 1", CUT_SHORT),
        ("return f(]", "SyntaxError, line 1", "unexpected token"),
        ("\n\nreturn call.x.y", "TypeError, line 3", "cannot read property 'y'"),
        ("return {module: ", "SyntaxError, line 1", CUT_SHORT),
        ("var a;\nreturn {\n", "SyntaxError, line 2", CUT_SHORT),
        ("var a;\nif (\n\n", "SyntaxError, line 2", CUT_SHORT),
        ("return f({\na: [1,\r\n", "SyntaxError, line 2", CUT_SHORT),
        ("do {\n", "SyntaxError, line 1", CUT_SHORT),
        ("return {}\n}\n", "SyntaxError, line 2", "Unexpected token '}'"),
        ("return {}\n}}", "SyntaxError, line 2", "Unexpected token '}'"),
        ("return {}\n}})\n", "SyntaxError, line 2", "token in expression: '}'"),
        ("function(call) { return 1 }", "SyntaxError, line 1", "function name expected"),
        ("(" * 90_000, "it calls itself too deep", ""),
        ("x" * 100_001, "it has more than 100000 characters", ""),
        ("throw new Error('no')", "Error, line 1", "no"),
        ("throw 'no'", "something is thrown", "no"),
        ("throw Symbol()", "something is thrown", ""),
        ("throw {get stack(){throw 1}}", "something is thrown", ""),
        ("throw new Error('x'.repeat(5e6))", "Error", "xxx"),
        ("throw new Error('\\ud800')", "Error, line 1", ""),
        ("throw new Error('<input>:' + '9'.repeat(5000))", "Error, line 1", "<input>:999"),
        ("return 1 }), (function() { return 2", "SyntaxError, line 1", ""),
        ("", "it returns nothing", ""),
        ("return function() {}", "it returns nothing", ""),
        ("return new Promise(function() {})", "TypeError", "a Promise, which nobody awaits"),
        ("return import('os')", "TypeError", "a Promise"),
        ("var a = {}; a.b = a; return a", "TypeError", "circular reference"),
        ("return {get module() { throw new TypeError('no') }}", "TypeError, line 1", "no"),
        ("return 1n", "TypeError", "BigInt"),
        ("return 'x'.repeat(64000)", "it returns more than 64000 characters of JSON", ""),
    ],
)
async def test_what_fails_is_told_with_its_line(text: str, why: str, said: str) -> None:
    failure = await failed(text)
    assert str(failure).startswith(why)
    assert said in failure.said
    assert len(failure.said) <= 200


@pytest.mark.parametrize(
    "text",
    [
        "while (1);",
        "(function f() { try { while (1); } finally { f() } })()",
        "return {get module() { while (1); }}",
        "return {toJSON: function() { while (1); }}",
        "return new Proxy([], {get: function(t, k) { return k === 'length' ? 4e9 : 1 }})",
        "return /(a+)+$/.test('a'.repeat(60) + '!')",
        "throw {toString: function() { while (1); }}",  # the engine does not look at the time here
        "return new Array(4e9 - 1).join('abc')",  # nor here
    ],
)
@pytest.mark.thorough
async def test_nothing_takes_longer_than_it_may(text: str) -> None:
    began = time.monotonic()
    assert str(await failed(text)).startswith("it takes too")
    assert time.monotonic() - began < functions.SECONDS + 2


@pytest.mark.parametrize(
    "text",
    [
        "var a = []; while (1) a.push({})",
        "var a = []; while (1) a.push('x' + a.length)",
        "var s = 'x'; while (1) s += s",
        "return 'x'.repeat(2e9)",
        "return new ArrayBuffer(2e9)",
        "return new SharedArrayBuffer(2e9)",
        "return new Array(1e8)",
        "return [1].concat(new Array(1e6).fill(new Uint8Array(1e6)))",
        "function f() { return f() + 1 } return f()",
        "var o = {}; for (var i = 0; i < 1e5; i++) o = {a: o}; return o",
        "return JSON.parse('['.repeat(1e5) + ']'.repeat(1e5))",
        "return 3n ** (3n ** 15n) + ''",
    ],
)
async def test_nothing_takes_more_memory_than_it_may(text: str) -> None:
    await failed(text)


async def test_a_script_has_nothing_but_the_language() -> None:
    names = ("std", "os", "require", "process", "print", "console", "fetch", "setTimeout")
    kinds = ", ".join(f"typeof {name}" for name in names)
    assert await returned(f"return [{kinds}]") == ["undefined"] * len(names)


async def test_what_a_script_replaces_is_its_own_loss() -> None:
    text = "JSON.stringify = Function = Promise = Date = Reflect = null; return {}"
    assert await returned(text) == {}
    made = await returned('return JSON.parse(\'{"__proto__": {"module": "play"}}\')')
    assert made == {"__proto__": {"module": "play"}}


async def test_what_is_logged_of_a_failure_is_nothing_that_the_script_says() -> None:
    text = "var e = new Error(call.digits); e.name = call.digits; throw e"
    failure = await failed(text, digits="4711")
    assert "4711" not in str(failure)
    assert "4711" in failure.said
    forged = await failed("throw 'TypeError: x\\n at <input>:4711:1'")
    assert "4711" not in str(forged)


async def test_a_check_tells_what_can_never_run_and_runs_nothing() -> None:
    engine = Engine()
    for text in ("return {};", "function greet() {}", "while (1);", "throw 1", "foo()"):
        await engine.check(text, ACCOUNT)
    with pytest.raises(FunctionFailed, match="SyntaxError, line 2"):
        await engine.check("var a;\nreturn {", ACCOUNT)
    for around in (
        "}), (function() { while (1); })(), (function() {",
        "}); while (1); (function() {",
        "}})}), (function() { while (1); })(), (function() {({run() {",
        "}}); while (1); ({run() {",
    ):
        with pytest.raises(FunctionFailed, match="SyntaxError, line 1"):
            await engine.check(around, ACCOUNT)
    with pytest.raises(FunctionFailed, match="more than"):
        await engine.check(" " * 100_001, ACCOUNT)
    await engine.check("(" * 90_000, ACCOUNT)  # it may be no error of its


async def test_slow_scripts_of_one_account_hold_up_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(functions, "PATIENCE", 0.5)
    engine = Engine()
    endless = [engine.run(function("while (1);"), ACCOUNT) for _ in range(6)]
    running = asyncio.gather(*endless, return_exceptions=True)
    await asyncio.sleep(0)
    assert await engine.run(function("return 1"), "b" * 32) == "1"
    whys = sorted(str(each) for each in await running)
    assert whys[-4:] == ["too many others run at this moment"] * 4
    assert await engine.run(function("return 2"), ACCOUNT) == "2"


async def test_who_asks_no_more_frees_the_turn() -> None:
    engine = Engine()
    for _ in range(functions.OF_ACCOUNT):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await engine.run(function("while (1);"), ACCOUNT)
    assert await engine.run(function("return 1"), ACCOUNT) == "1"

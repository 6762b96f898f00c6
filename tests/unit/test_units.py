"""What holds for every unit of work, read from the source: a no ends it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import dragoman
from dragoman.core import errors
from dragoman.core.errors import Refusal

SOURCE = Path(dragoman.__file__).parent
# Who goes on in a unit after a no, and why that is right: what says no there has written nothing before.
GO_ON = {
    "core/passes.py _judged": "a unit that reads: a no is what it finds out",
    "readings.py _named": "a unit that reads: a no is what it finds out",
    "core/principals.py _found": "who is calling is found out before anything is written",
    "core/standing.py end_device": "a session that is gone was ended by somebody else: nothing was written",
    "core/telling.py ask_owner": "a mail that is too much is not written; what it tells of was done",
    "core/telling.py tell_owner": "a mail that is too much is not written; what it tells of was done",
    "dialects/aivo/server.py claimed_session": "a token is read, and nothing written",
    "dialects/elements/auth.py logout": "a session that is gone was ended by somebody else",
    "dialects/portainer/auth.py logout": "a session that is gone was ended by somebody else",
    "web/site.py _know": "who is calling is found out before anything is written",
}


def is_refusal(name: ast.expr) -> bool:
    """Whether an expression of an `except` or `suppress` names a refusal, or all that there is."""
    known = getattr(errors, name.attr if isinstance(name, ast.Attribute) else getattr(name, "id", ""), None)
    is_all = isinstance(name, ast.Name) and name.id in ("Exception", "BaseException")
    return is_all or (isinstance(known, type) and issubclass(known, Refusal))


def names_in(caught: ast.expr | None) -> list[ast.expr]:
    """The single names of what is caught; of a bare `except` the one that means all."""
    if caught is None:
        return [ast.Name("BaseException")]
    return list(caught.elts) if isinstance(caught, ast.Tuple) else [caught]


def swallows(node: ast.AST) -> bool:
    """Whether a statement catches a refusal and goes on."""
    if isinstance(node, ast.ExceptHandler):
        raises = isinstance(node.body[-1], ast.Raise)
        return not raises and any(is_refusal(name) for name in names_in(node.type))
    if isinstance(node, ast.withitem) and isinstance(node.context_expr, ast.Call):
        call = node.context_expr
        return getattr(call.func, "id", "") == "suppress" and any(is_refusal(name) for name in call.args)
    return False


def units_in(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """The parts of a function in which a unit is under way: all, where it is given one."""
    if any(argument.arg in ("uow", "_uow") for argument in function.args.args):
        yield function
        return
    for node in ast.walk(function):
        if isinstance(node, ast.With) and any(
            isinstance(item.optional_vars, ast.Name) and item.optional_vars.id == "uow" for item in node.items
        ):
            yield from node.body


def who_goes_on() -> Iterator[str]:
    """Every function that goes on in a unit of work after a no."""
    for file in sorted(SOURCE.rglob("*.py")):
        for function in ast.walk(ast.parse(file.read_text())):
            if isinstance(function, ast.FunctionDef) and any(
                swallows(node) for part in units_in(function) for node in ast.walk(part)
            ):
                yield f"{file.relative_to(SOURCE).as_posix()} {function.name}"


def test_nobody_goes_on_in_a_unit_after_a_no() -> None:
    """A refusal that is caught where a unit is under way would have it commit what was written before (decision 2)."""
    assert set(who_goes_on()) == set(GO_ON)

"""The modules of `src/neo` as syntax trees, and what the rules about rooms ask of them."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "neo"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True)
class Module:
    """`name` is its dotted name; `place` its path below `src/neo`."""

    name: str
    place: str
    tree: ast.Module
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Import:
    """`is_inner`: it stands in a function, and runs when that is called."""

    node: ast.Import | ast.ImportFrom
    is_inner: bool


@cache
def modules(source: Path = SOURCE) -> dict[str, Module]:
    found = (_module(path, source) for path in sorted(source.rglob("*.py")))
    return {module.name: module for module in found}


def _module(path: Path, source: Path) -> Module:
    parts = ("neo", *path.relative_to(source).with_suffix("").parts)
    text = path.read_text()
    return Module(
        name=".".join(parts[:-1] if parts[-1] == "__init__" else parts),
        place=str(path.relative_to(source)),
        tree=ast.parse(text),
        lines=tuple(text.splitlines()),
    )


def imports(node: ast.AST, *, is_inner: bool = False) -> Iterator[Import]:
    """Imports that run, those in functions included; imports for types only are left out."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield Import(child, is_inner)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        else:
            yield from imports(child, is_inner=is_inner or isinstance(child, FUNCTIONS))


def imported(node: ast.Import | ast.ImportFrom, known: Mapping[str, object]) -> Iterator[str]:
    """The modules of ours that it names: `from neo.a import b` is `neo.a.b` where that is a module."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in known)
        return
    for alias in node.names:
        for name in (f"{node.module}.{alias.name}", str(node.module)):
            if name in known:
                yield name
                break


def rings(arrows: Mapping[str, set[str]]) -> list[list[str]]:
    """The groups in which each reaches each other (Tarjan's strongly connected components)."""
    numbers: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        numbers[name] = lowest[name] = len(numbers)
        path.append(name)
        for target in sorted(arrows[name]):
            if target not in numbers:
                visit(target)
                lowest[name] = min(lowest[name], lowest[target])
            elif target in path:
                lowest[name] = min(lowest[name], numbers[target])
        if lowest[name] == numbers[name]:
            members = path[path.index(name) :]
            del path[path.index(name) :]
            if len(members) > 1 or name in arrows[name]:
                found.append(sorted(members))

    for name in arrows:
        if name not in numbers:
            visit(name)
    return found


def outside_assignments(module: Module) -> Iterator[str]:
    """Each `thing.attribute = ...` in a function that sets up an object which it neither is nor has just made.

    A module may fill in the objects of the classes that it defines itself: they are its own notes.
    """
    own = _own_attributes(module.tree)
    for function in ast.walk(module.tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            made = _made_in(function)
            yield from (
                f"{module.place}: {ast.unparse(target)}"
                for target in _assigned(function)
                if target.attr not in own and _root(target) not in made and not _is_of_self(target)
            )


def _assigned(function: ast.AST) -> Iterator[ast.Attribute]:
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node


def _is_of_self(target: ast.Attribute) -> bool:
    return isinstance(target.value, ast.Name) and target.value.id in {"self", "cls"}


def _root(target: ast.expr) -> str:
    while isinstance(target, ast.Attribute):
        target = target.value
    return target.id if isinstance(target, ast.Name) else ""


def _made_in(function: ast.AST) -> set[str]:
    """Names that are bound to `Class(...)` or `module.Class(...)` here."""
    return {
        name.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and _makes(node.value)
        for name in node.targets
        if isinstance(name, ast.Name)
    }


def _makes(value: ast.expr) -> bool:
    if not isinstance(value, ast.Call):
        return False
    called = value.func
    name = (
        called.attr
        if isinstance(called, ast.Attribute)
        else called.id
        if isinstance(called, ast.Name)
        else ""
    )
    return name.lstrip("_")[:1].isupper()


def _own_attributes(tree: ast.Module) -> set[str]:
    """Fields and `self` attributes of the classes that a module defines."""
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    fields = {
        node.target.id
        for one in classes
        for node in one.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    return fields | {target.attr for one in classes for target in _assigned(one) if _is_of_self(target)}

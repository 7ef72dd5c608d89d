"""Record: a plain value that never changes.

`dataclasses` would do the same. It takes 10 ms of a process's start, half of them for `inspect`, and each class another
millisecond: much, where the whole process is a command that prints a stored token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

if TYPE_CHECKING:
    from typing_extensions import Self, dataclass_transform
else:

    def dataclass_transform(**_):
        return lambda kind: kind


__all__ = ["Record"]


@dataclass_transform(frozen_default=True)  # so that type checkers refuse to set a field
class Record:
    """A value with named fields: equal where they are, hashable, unchangeable; any thread may read it.

    A kind of record declares its fields, and calls `_set()` once, in its `__init__`.
    """

    _hidden: ClassVar[tuple[str, ...]] = ()
    """The fields that `repr` leaves out: secrets."""

    __match_args__: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        if "__init__" in vars(cls):
            code = vars(cls)["__init__"].__code__
            cls.__match_args__ = code.co_varnames[1 : code.co_argcount]  # type: ignore[misc] # wants it in a class body

    def _set(self, **fields: Any) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)  # by `vars` each would get a dictionary, of twice the size

    def replaced(self, **changes: Any) -> Self:
        """The same with other values in some fields."""
        return type(self)(**{**vars(self), **changes})

    __replace__ = replaced  # `copy.replace` of Python 3.13

    if not TYPE_CHECKING:  # a checker that sees it takes any name for one that can be set

        def __setattr__(self, name: str, value: object) -> NoReturn:
            raise AttributeError(f"{type(self).__name__} is immutable; {name} cannot be set")

        def __delattr__(self, name: str) -> NoReturn:
            raise AttributeError(f"{type(self).__name__} is immutable; {name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if type(self) is type(other) else NotImplemented

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in vars(self).items() if name not in self._hidden)
        return f"{type(self).__name__}({shown})"

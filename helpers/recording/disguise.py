"""How what stands in for a method is taken for it: by who counts callers, reads tracebacks or asks for attributes."""

from __future__ import annotations

from functools import partial, update_wrapper, wraps
from types import CodeType, FunctionType, MethodType
from typing import Any


def without_this_frame(error: BaseException) -> None:
    """Take the frame that caught `error` off its traceback; a bare `raise` after it does not add it again.

    An exception of a frozen class refuses `error.__traceback__ = ...`.
    """
    if error.__traceback__ is not None:
        BaseException.with_traceback(error, error.__traceback__.tb_next)


def uncounted(fn: Any) -> Any:
    """`fn`, and the functions that it makes, as no callers: `warnings` and `logging` pass over the frames of the import
    system, which they know by the file's name, where a `stacklevel` counts callers.
    """
    fn.__code__ = _uncounted(fn.__code__)
    return fn


def _uncounted(code: CodeType) -> CodeType:
    consts = tuple(_uncounted(const) if isinstance(const, CodeType) else const for const in code.co_consts)
    return code.replace(co_filename=f"{code.co_filename} (as importlib._bootstrap)", co_consts=consts)


class StandIn(partial[Any]):
    """What stands in for something that is called and is no function: it has all of its attributes, and its looks."""

    __class__ = property(lambda self: type(self.__wrapped__))  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["__wrapped__"], name)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __eq__(self, other: object) -> bool:
        return bool(self.__wrapped__ == (other.__wrapped__ if type(other) is StandIn else other))

    def __hash__(self) -> int:
        return hash(self.__wrapped__)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__wrapped__.__reduce_ex__(protocol)

    def __get__(self, thing: Any, owner: Any = None) -> Any:
        bare = self.__wrapped__
        bound = bare.__get__(thing, owner) if hasattr(bare, "__get__") else bare
        if thing is None:
            return bound
        own = type(bound) is MethodType and bound.__func__ is bare
        return MethodType(self, thing) if own else update_wrapper(StandIn(self.func, thing), bound)


def stands_for(bare: Any) -> Any:
    """A decorator: what stands in for `bare` looks like it."""
    if type(bare) is FunctionType:
        return wraps(bare)
    if type(bare) is property:
        rest = bare.fset, bare.fdel, bare.__doc__
        return lambda call: property(lambda self: update_wrapper(StandIn(call, self), bare.__get__(self)), *rest)
    return lambda call: update_wrapper(StandIn(call), bare)

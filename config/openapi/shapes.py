"""From a type to its JSON schema: what the answers are made of stands in the document under the same name."""

from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent, get_doc

Schema = dict[str, Any]

_PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
    Any: {},
}


def schema_of(hint: Any, registry: ComponentRegistry) -> Schema:
    """A TypedDict becomes a component, and what is annotated with a keyword and its value has it too."""
    if hint in _PLAIN:
        return dict(_PLAIN[hint])
    if is_typeddict(hint):
        return _component(hint, registry)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        plain, keyword, value = arguments
        return {**schema_of(plain, registry), keyword: list(value) if isinstance(value, tuple) else value}
    if origin in (NotRequired, Required):
        return schema_of(arguments[0], registry)
    if origin is Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": schema_of(arguments[0], registry)}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema_of(arguments[1], registry)}
    if origin in (Union, UnionType):
        return {"anyOf": [schema_of(each, registry) for each in arguments]}
    raise TypeError(f"{hint!r} stands for no JSON")


def _component(hint: Any, registry: ComponentRegistry) -> Schema:
    component = ResolvedComponent(  # type: ignore[no-untyped-call]
        name=hint.__name__, type=ResolvedComponent.SCHEMA, object=hint
    )
    if component not in registry:
        registry.register(component)
        component.schema = _object(hint, registry)
    return dict(component.ref)


def _object(hint: Any, registry: ComponentRegistry) -> Schema:
    members = get_type_hints(hint, include_extras=True)
    required = sorted(hint.__required_keys__)
    return {
        "type": "object",
        **({"description": text} if (text := get_doc(hint)) else {}),
        "properties": {name: schema_of(member, registry) for name, member in members.items()},
        **({"required": required} if required else {}),
    }

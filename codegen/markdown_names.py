"""Types and values for the reference pages."""

from __future__ import annotations

import json
from typing import Any

from model import INT_RANGES, Field, Services, Type


def md(text: str) -> str:
    return text.replace("|", "\\|")


def type_name(t: Type) -> str:
    if t.kind == "list":
        assert t.item
        return f"list of {type_name(t.item)}{' or null' if t.item.nullable else ''}"
    if t.kind == "map":
        assert t.item
        return f"map of {type_name(t.item)}"
    if t.kind in ("struct", "enum"):
        return f"[{t.name}](#{t.name.lower()})"
    return {"bool": "boolean", "json": "any JSON", "text_or_bytes": "text or bytes"}.get(t.name, "integer" if t.name in INT_RANGES else t.name)


def md_type(f: Field) -> str:
    text = type_name(f.type)
    if f.type.name in INT_RANGES and f.min is not None:
        text += f" {f.min} to {f.max}"
    return text + (" or null" if f.nullable else "")


def md_default(f: Field) -> str:
    if f.required:
        return "required"
    if not f.has_default:
        return "its defaults"
    return f"`{json.dumps(f.default, ensure_ascii=False)}`"


def filters(services: Services) -> dict[str, Any]:
    return {"md": md, "md_type": md_type, "md_default": md_default}

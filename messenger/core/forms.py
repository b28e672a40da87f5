"""Forms of pages, with the limits of wire shapes: a page accepts what REST accepts."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, TypeAdapter, ValidationError

from messenger.core.errors import InvalidInput


def length_limit(shape: type[BaseModel], name: str) -> int:
    """The `max_length` that a wire shape declares for one of its fields."""
    return _limits(shape, name)["max_length"]


def _limits(shape: type[BaseModel], name: str) -> dict[str, int]:
    found = {}
    for rule in shape.model_fields[name].metadata:
        for limit in ("min_length", "max_length"):
            if (length := getattr(rule, limit, None)) is not None:
                found[limit] = int(length)
    return found


class ShapeField(forms.CharField):
    """Text with the limits and checks of the field `name` of a wire shape."""

    default_error_messages = {  # noqa: RUF012  # Django merges these per class
        "required": _("Fill this in."),
        "max_length": _("Too long: at most %(limit_value)d characters."),
        "invalid": InvalidInput.title,
    }

    def __init__(self, shape: type[BaseModel], name: str, **options: Any) -> None:
        field = shape.model_fields[name]
        kind: Any = Annotated[(field.annotation, *field.metadata)]
        self._rules: TypeAdapter[str] = TypeAdapter(kind)
        limits = _limits(shape, name)
        options.setdefault("required", limits.get("min_length", 0) > 0)
        super().__init__(max_length=limits["max_length"], **options)

    def to_python(self, value: Any) -> str:
        """As the base class, with the line ends that browsers send turned into LF."""
        return str(super().to_python(value)).replace("\r\n", "\n")

    def run_validators(self, value: Any) -> None:
        """Django's checks, whose messages are translated, then the wire shape's."""
        super().run_validators(value)
        if value in self.empty_values:
            return
        try:
            self._rules.validate_python(value)
        except ValidationError:
            raise forms.ValidationError(self.error_messages["invalid"], "invalid") from None


class UUIDListField(forms.Field):
    """Distinct ids under one name, at most as many as the field `name` of a wire shape takes."""

    widget = forms.MultipleHiddenInput

    def __init__(self, shape: type[BaseModel], name: str, **options: Any) -> None:
        super().__init__(**options)
        self._limit = length_limit(shape, name)

    def to_python(self, value: Any) -> list[UUID]:
        """The ids in their order, each once."""
        try:
            found = list(dict.fromkeys(UUID(one) for one in value or ()))
        except ValueError:
            found = None
        if found is None or len(found) > self._limit:
            raise forms.ValidationError(InvalidInput.title, "invalid")
        return found


def on_off() -> forms.TypedChoiceField:
    """A button's value: `on` or `off`, as a bool."""
    return forms.TypedChoiceField(
        choices=[("on", "on"), ("off", "off")], coerce=lambda v: v == "on"
    )


def cleaned(form: forms.BaseForm) -> dict[str, Any]:
    """The values of a form without visible fields.

    Raises `InvalidInput`: such a form is wrong only if it was forged or its page is outdated.
    """
    if not form.is_valid():
        raise InvalidInput(
            errors=[
                {"field": name, "code": error["code"], "detail": error["message"]}
                for name, found in form.errors.get_json_data().items()
                for error in found
            ]
        )
    return form.cleaned_data

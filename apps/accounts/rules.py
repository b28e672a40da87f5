"""Pure predicates and validators about people."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

USERNAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_.]{2,31}$"
username_validators = [
    RegexValidator(
        USERNAME_PATTERN,
        _("3 to 32 Latin letters, digits, dots or underscores, beginning with a letter."),
    )
]

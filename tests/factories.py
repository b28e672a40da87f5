"""Factories of users, whose password is `PASSWORD`."""

from __future__ import annotations

import factory
from allauth.account.models import EmailAddress

from apps.accounts.models import User

PASSWORD = "correct horse battery"


class UserFactory(factory.django.DjangoModelFactory[User]):
    """A user with a confirmed e-mail address."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda number: f"person{number}")
    email = factory.LazyAttribute(lambda person: f"{person.username.lower()}@example.org")
    display_name = factory.LazyAttribute(lambda person: person.username.capitalize())

    @classmethod
    def _create(cls, model_class, *args, **kwargs):
        confirmed = kwargs.pop("confirmed", True)
        password = kwargs.pop("password", PASSWORD)
        user = model_class.objects.create_user(password=password, **kwargs)
        EmailAddress.objects.create(
            user=user, email=user.email.lower(), primary=True, verified=confirmed
        )
        return user

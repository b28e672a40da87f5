"""Routes of the conversation's pages."""

urlpatterns: list = []

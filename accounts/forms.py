"""What people fill in to get in."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm, SetPasswordForm


class LoginForm(AuthenticationForm):
    """Name and password. The answer to a wrong one does not say which of them is wrong."""

    error_messages = {
        "invalid_login": "This name and password do not go together. Both tell capitals from small letters.",
        "inactive": "This name and password do not go together. Both tell capitals from small letters.",
    }


class NewPasswordForm(SetPasswordForm):  # type: ignore[type-arg]
    """A password, twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        first, second = self.fields["new_password1"], self.fields["new_password2"]
        first.label, second.label = "New password", "The same again"
        first.help_text = "Twelve characters or more; a few unrelated words are easy to keep."
        second.help_text = ""

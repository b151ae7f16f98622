"""What people fill in on the pages of subjects."""

from django import forms

from registry.models.subjects import Lifecycle
from registry.names import MAX_INTEGER


class MoveForm(forms.Form):
    """A move in the life cycle: of a version, or of the subject when there is no version."""

    name = forms.CharField(strip=False, max_length=1024)
    version = forms.IntegerField(required=False, min_value=1, max_value=MAX_INTEGER)
    to = forms.ChoiceField(choices=Lifecycle.choices)
    reason = forms.CharField(required=False, max_length=2000)
    sunset_on = forms.DateField(required=False)

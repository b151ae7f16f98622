"""What the catalog keeps. Nothing here is the registry's state, so no event belongs to it."""

from django.db import models
from django.db.models.functions import Lower

from registry.models.columns import NameField


class FeedName(models.Model):
    """Under which name a subject stands in Backstage: decided when it first enters the feed, and never again.

    Backstage knows an entity by its name: a changed one is an entity deleted and another made, without its stars and
    links. So it is stored, not computed, and it outlives the subject; hence no foreign key.
    """

    # As in the audit log: `:context:name`.
    ref = NameField(max_length=1024, unique=True)
    name = models.CharField(max_length=63)
    # A hash of the subject, which decides the file it stands in.
    bucket = models.IntegerField()

    class Meta:
        constraints = [
            # Backstage writes references in lower case.
            models.UniqueConstraint(Lower("name"), name="feedname_unique_name"),
        ]

    def __str__(self) -> str:
        return self.name

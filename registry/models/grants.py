"""Grants: guardian's tables with a real foreign key, so that no right outlives what it was given on."""

from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from registry.models.columns import NameField
from registry.models.schemas import Context
from registry.models.subjects import Subject
from registry.names import SubjectName


class SubjectScope(models.Model):
    """All subjects of a context whose name begins with a literal prefix, or will begin; `""` is the whole context."""

    context = models.ForeignKey(Context, models.PROTECT, related_name="subject_scopes", db_index=False)
    prefix = NameField(max_length=512, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["context", "prefix"], name="subjectscope_unique_prefix")]
        permissions = [
            ("view_in_scope", "Can view the subjects in the scope"),
            ("register_in_scope", "Can register schemas in the scope"),
            ("set_compatibility_in_scope", "Can set the compatibility level in the scope"),
            ("change_lifecycle_in_scope", "Can change the life cycle in the scope"),
            ("delete_in_scope", "Can delete in the scope"),
            ("manage_in_scope", "Can manage the subjects in the scope"),
        ]

    def __str__(self) -> str:
        return f"{SubjectName(self.context.name, self.prefix)}*"


class SubjectUserPermission(UserObjectPermissionBase):
    content_object = models.ForeignKey(Subject, models.CASCADE, related_name="user_grants")


class SubjectGroupPermission(GroupObjectPermissionBase):
    content_object = models.ForeignKey(Subject, models.CASCADE, related_name="group_grants")


class ScopeUserPermission(UserObjectPermissionBase):
    content_object = models.ForeignKey(SubjectScope, models.CASCADE, related_name="user_grants")


class ScopeGroupPermission(GroupObjectPermissionBase):
    content_object = models.ForeignKey(SubjectScope, models.CASCADE, related_name="group_grants")

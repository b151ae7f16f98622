"""People, groups, service accounts and keys for administrators. Every change is a call of a service."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts import keys, membership, services, sessions, standing
from accounts.models import ApiKey, ApiSecret, ServiceAccount, User, person_ref
from audit.admin import ServiceAdmin, ServiceForm


class AccountsAdmin(ServiceAdmin):
    refusals = (services.Refused,)


class UserForm(ServiceForm):
    link = forms.CharField(
        max_length=255,
        required=False,
        label="Link to",
        help_text="Subject (sub) at the identity provider: whoever signs in with it is this person from then on.",
    )
    reason = forms.CharField(max_length=2000, required=False, help_text="Goes into the audit trail.")

    class Meta:
        model = User
        fields = ("is_active",)


@admin.register(User)
class UserAdmin(AccountsAdmin):
    """Who people are is said by the provider, or by the person with a login link; here they are let in and out."""

    form = UserForm
    list_display = ("username", "email", "is_active", "is_staff", "is_superuser", "is_service", "last_login")
    list_filter = ("is_service", "is_active", "is_staff", "is_superuser")
    search_fields = ("username", "email")
    ordering = ("username",)
    readonly_fields = ("username", "first_name", "last_name", "email", "is_staff", "is_superuser", "groups", "linked")
    fields = (*readonly_fields, "is_active", "link", "reason")

    def audit_ref(self, obj: User) -> str:
        return obj.service_account.ref if obj.is_service else person_ref(obj.pk)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Service accounts have a page of their own."""
        return not (obj and obj.is_service) and super().has_change_permission(request, obj)

    @admin.display(description="At the provider")
    def linked(self, user: User) -> str:
        return ", ".join(map(str, user.identities.order_by("pk"))) or "Nobody."

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        given = form.cleaned_data
        who: Any = {"actor": self.actor(request), "user": obj, "reason": given["reason"]}
        if "is_active" in form.changed_data:
            standing.set_active(**who, is_active=given["is_active"])
        if given["link"]:
            standing.link(**who, subject=given["link"])


class GroupForm(ServiceForm):
    members = forms.ModelMultipleChoiceField(
        User.objects.filter(is_service=False).order_by("username"), required=False, help_text="People only."
    )
    rights = forms.MultipleChoiceField(
        choices=[(right, right) for right in membership.RIGHTS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Rights of the whole registry. Rights on subjects come from owning them or from grants.",
    )

    class Meta:
        model = Group
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["members"] = User.objects.filter(groups=self.instance, is_service=False)
            self.initial["rights"] = sorted(membership.rights_of(self.instance))


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(AccountsAdmin):
    form = GroupForm
    list_display = ("name",)
    search_fields = ("name",)
    ordering = ("name",)
    fields = ("name", "members", "rights")

    def audit_ref(self, obj: Group) -> str:
        return f"group:{obj.pk}"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("name",)

    def save_model(self, request: HttpRequest, obj: Group, form: Any, change: bool) -> None:
        actor, given = self.actor(request), form.cleaned_data
        if not change:
            obj.pk = services.create_group(actor=actor, name=given["name"]).pk
        if "members" in form.changed_data:
            membership.set_members(actor=actor, group=obj, people=given["members"])
        if "rights" in form.changed_data:
            membership.set_rights(actor=actor, group=obj, rights=given["rights"])


class ServiceAccountForm(ServiceForm):
    disable = forms.BooleanField(required=False, help_text="None of its keys opens anything from then on. For good.")

    class Meta:
        model = ServiceAccount
        fields = ("name", "owner_group", "description")


@admin.register(ServiceAccount)
class ServiceAccountAdmin(AccountsAdmin):
    form = ServiceAccountForm
    list_display = ("name", "owner_group", "created_at", "disabled_at")
    list_filter = (("disabled_at", admin.EmptyFieldListFilter), ("owner_group", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("owner_group",)
    search_fields = ("name",)
    ordering = ("name",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("name", "owner_group", "description", "created_at", "created_by", "disabled_at")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("name", "owner_group", "description")
        return (*self.get_readonly_fields(request, obj), "disable")

    def audit_ref(self, obj: ServiceAccount) -> str:
        return obj.ref

    def save_model(self, request: HttpRequest, obj: ServiceAccount, form: Any, change: bool) -> None:
        given = form.cleaned_data
        if not change:
            made = services.create_service_account(
                actor=self.actor(request),
                name=given["name"],
                owner_group=given["owner_group"],
                description=given["description"],
            )
            obj.pk = made.pk
        elif given["disable"]:
            services.disable_service_account(actor=self.actor(request), account=obj)


class ApiKeyForm(ServiceForm):
    service_account = forms.ModelChoiceField(
        ServiceAccount.objects.filter(disabled_at__isnull=True).order_by("name"), required=False
    )
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in services.SCOPES],
        initial=services.DEFAULT_SCOPES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.IntegerField(
        min_value=1, max_value=services.MOST_DAYS, initial=services.DEFAULT_DAYS, required=False, label="Days to live"
    )
    prefixes = forms.CharField(required=False, help_text="Subject prefixes it is limited to, separated by blanks.")
    cidrs = forms.CharField(required=False, label="Networks", help_text="Networks it is limited to, likewise.")
    rotate = forms.BooleanField(
        required=False, help_text=f"A new secret; the old one opens for {keys.OVERLAP_HOURS} hours more."
    )
    revoke = forms.BooleanField(required=False, help_text="The key opens nothing from then on. For good.")
    reason = forms.CharField(max_length=2000, required=False)

    class Meta:
        model = ApiKey
        fields = ("label",)


@admin.register(ApiKey)
class ApiKeyAdmin(AccountsAdmin):
    form = ApiKeyForm
    list_display = ("id12", "account", "label", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("user__service_account",)
    search_fields = ("=id12", "label", "user__service_account__name")
    ordering = ("-pk",)
    shown = ("id12", "account", "label", "scopes_held", "created_at", "expires_at", "last_used_at", "revoked_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.shown

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("service_account", "label", "scopes", "days", "prefixes", "cidrs")
        return (*self.shown, "rotate", "revoke", "reason")

    def audit_ref(self, obj: ApiKey) -> str:
        return obj.id12

    @admin.display(description="Belongs to")
    def account(self, key: ApiKey) -> str:
        account = getattr(key.user, "service_account", None)
        return account.name if account else key.user.get_username()

    @admin.display(description="Scopes")
    def scopes_held(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        newest = ApiSecret.objects.filter(key=OuterRef("pk")).order_by("-n")
        found: QuerySet[Any] = super().get_queryset(request)
        annotated: QuerySet[Any] = found.annotate(
            ends_at=Subquery(newest.values("expires_at")[:1]), seen_at=Subquery(newest.values("last_used_at")[:1])
        )
        return annotated

    @admin.display(description="Expires", ordering="ends_at")
    def expires_at(self, key: Any) -> Any:
        return key.ends_at

    @admin.display(description="Last used", ordering="seen_at")
    def last_used_at(self, key: Any) -> Any:
        return key.seen_at

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        given = form.cleaned_data
        if change:
            if given["revoke"]:
                services.revoke_key(actor=self.actor(request), key=obj, reason=given["reason"])
            elif given["rotate"]:
                _require_fresh_sign_in(request)
                request.issued = keys.rotate_key(actor=self.actor(request), key=obj)  # type: ignore[attr-defined]
            return
        _require_fresh_sign_in(request)
        if given["service_account"] is None:
            raise services.InvalidValue("a key belongs to a service account: choose one")
        issued = services.issue_key(
            actor=self.actor(request),
            account=given["service_account"],
            label=given["label"],
            scopes=given["scopes"],
            days=given["days"] or services.DEFAULT_DAYS,
            prefixes=given["prefixes"].split(),
            cidrs=given["cidrs"].split(),
        )
        obj.pk, obj.id12 = issued.key.pk, issued.key.id12
        # For the answer to this request and no other.
        request.issued = issued  # type: ignore[attr-defined]

    def response_change(self, request: HttpRequest, obj: ApiKey) -> HttpResponse:
        return self.response_add(request, obj) if hasattr(request, "issued") else super().response_change(request, obj)

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """The key is shown here and never again, so the page is not to be kept."""
        context = {
            **self.admin_site.each_context(request),
            "title": "The new key",
            "issued": request.issued,  # type: ignore[attr-defined]
            "opts": self.opts,
        }
        response = TemplateResponse(request, "admin/accounts/apikey/issued.html", context)
        response["Cache-Control"] = "no-store"
        return response


def _require_fresh_sign_in(request: HttpRequest) -> None:
    if not sessions.is_fresh(request.session):
        raise services.InvalidValue("keys are made within 15 minutes of signing in: sign out and in again")

"""Routes of our own API that concern accounts."""

from django.urls import path

from accounts import api

urlpatterns = [
    path("me", api.MeView.as_view(), name="own_me"),
    path("groups", api.GroupsView.as_view(), name="own_groups"),
    path("service-accounts", api.ServiceAccountsView.as_view(), name="own_service_accounts"),
    path("service-accounts/<str:name>", api.ServiceAccountView.as_view(), name="own_service_account"),
    path("keys", api.KeysView.as_view(), name="own_keys"),
    path("tokens/exchange", api.TokenExchangeView.as_view(), name="own_token_exchange"),
    path("me/keys", api.OwnKeysView.as_view(), name="own_my_keys"),
    path("keys/<str:id12>/rotate", api.KeyRotationView.as_view(), name="own_key_rotation"),
    path("keys/<str:id12>", api.KeyView.as_view(), name="own_key"),
]

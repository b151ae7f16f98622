"""Routes of our own API that concern accounts."""

from django.urls import path

from accounts import api, exchange_api, key_api

urlpatterns = [
    path("me", api.MeView.as_view(), name="own_me"),
    path("groups", api.GroupsView.as_view(), name="own_groups"),
    path("service-accounts", api.ServiceAccountsView.as_view(), name="own_service_accounts"),
    path("service-accounts/<str:name>", api.ServiceAccountView.as_view(), name="own_service_account"),
    path("keys", key_api.KeysView.as_view(), name="own_keys"),
    path("tokens/exchange", exchange_api.TokenExchangeView.as_view(), name="own_token_exchange"),
    path("me/keys", key_api.OwnKeysView.as_view(), name="own_my_keys"),
    path("keys/<str:id12>/rotate", key_api.KeyRotationView.as_view(), name="own_key_rotation"),
    path("keys/<str:id12>", key_api.KeyView.as_view(), name="own_key"),
]

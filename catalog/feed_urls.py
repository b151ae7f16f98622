"""Routes below /backstage/v1/; other paths there are unknown to the registry, which answers for what is left."""

from django.urls import re_path

from catalog import feed_views

urlpatterns = [
    re_path(r"\Acatalog\.yaml\Z", feed_views.EntryView.as_view(), name="feed_entry"),
    re_path(r"\Ashards/(?P<number>[0-9]{2,3})\.yaml\Z", feed_views.ShardView.as_view(), name="feed_shard"),
    re_path(r"\Aentities\Z", feed_views.EntitiesView.as_view(), name="feed_entities"),
    re_path(r"\Aentities/(?P<namespace>[^/]+)/(?P<name>[^/]+)\Z", feed_views.EntityView.as_view(), name="feed_entity"),
]

"""/ and /v1/metadata: what kind of server this is."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from registry import shapes
from registry.api import requests
from registry.api.base import RegistryView
from registry.errors import MalformedRequest
from registry.services import installation


class RootView(RegistryView):
    route = "root"

    @extend_schema(summary="Knock", responses={200: shapes.Nothing})
    def get(self, request: Request) -> HttpResponse:
        return self.answer({})

    @extend_schema(
        summary="Knock with a body",
        request=dict[str, str | int | float | bool | None],
        responses={200: shapes.Nothing},
    )
    def post(self, request: Request) -> HttpResponse:
        """Clients knock here. A map of scalars is fine, and so is nothing."""
        body = self.read_body()
        if body is None:
            return self.answer({})
        if any(isinstance(value, dict | list) for value in requests.required_object(body, "post").values()):
            raise MalformedRequest("The body must be a map of texts")
        return self.answer({})


class MetadataIdView(RegistryView):
    route = "metadata_id"

    @extend_schema(summary="Get the identifier of the installation", responses={200: shapes.ServerClusterId})
    def get(self, request: Request) -> HttpResponse:
        clusters = {"kafka-cluster": installation.cluster_id(), "schema-registry-cluster": "schema-registry"}
        return self.answer({"scope": {"path": [], "clusters": clusters}})


class MetadataVersionView(RegistryView):
    route = "metadata_version"

    @extend_schema(summary="Get the version of the server", responses={200: shapes.ServerVersion})
    def get(self, request: Request) -> HttpResponse:
        return self.answer({"version": installation.VERSION, "commitId": installation.commit_id()})


class MetadataDeploymentView(RegistryView):
    route = "metadata_deployment"

    @extend_schema(summary="Get the attributes of the deployment", responses={200: shapes.ServerDeployment})
    def get(self, request: Request) -> HttpResponse:
        return self.answer({"attributes": []})

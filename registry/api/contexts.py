"""/contexts: list, delete. What lies behind /contexts/{context}/ is rewritten before it is routed."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request

from registry import names
from registry.api import parameters, requests
from registry.api.base import RegistryView
from registry.errors import ContextNotEmpty, NoSuchResource, UnprocessableRequest
from registry.names import DEFAULT_CONTEXT
from registry.services import contexts


class ContextsView(RegistryView):
    route = "contexts"

    @extend_schema(
        summary="List contexts",
        parameters=[parameters.CONTEXT_PREFIX, *parameters.PAGE],
        responses={200: list[str], 404: [NoSuchResource], 422: [UnprocessableRequest]},
    )
    def get(self, request: Request) -> HttpResponse:
        found = contexts.list_contexts(
            principal=self.principal,
            prefix=requests.text(self.query, "contextPrefix"),
            page=requests.page(self.query),
        )
        return self.answer(found)


class ContextView(RegistryView):
    route = "context"

    @extend_schema(
        summary="Delete a context in which nothing is registered",
        responses={204: None, 405: [MethodNotAllowed], 422: [ContextNotEmpty]},
    )
    def delete(self, request: Request, context: str) -> HttpResponse:
        name = names.parse(context).context
        if name == DEFAULT_CONTEXT:
            raise MethodNotAllowed("DELETE")
        contexts.delete_context(principal=self.principal, actor=self.actor, name=name)
        return self.answer_nothing()

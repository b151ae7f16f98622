"""/contexts: list, delete. What lies behind /contexts/{context}/ is rewritten before it is routed."""

from django.http import HttpResponse
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request

from registry import names
from registry.api import requests
from registry.api.base import RegistryView
from registry.names import DEFAULT_CONTEXT
from registry.services import contexts


class ContextsView(RegistryView):
    route = "contexts"

    def get(self, request: Request) -> HttpResponse:
        found = contexts.list_contexts(
            principal=self.principal,
            prefix=requests.text(self.query, "contextPrefix"),
            page=requests.page(self.query),
        )
        return self.answer(found)


class ContextView(RegistryView):
    route = "context"

    def delete(self, request: Request, context: str) -> HttpResponse:
        name = names.parse(context).context
        if name == DEFAULT_CONTEXT:
            raise MethodNotAllowed("DELETE")
        contexts.delete_context(principal=self.principal, actor=self.actor, name=name)
        return self.answer_nothing()

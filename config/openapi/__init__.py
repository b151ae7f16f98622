"""The OpenAPI document of the registry, of our own API and of the feed, made from the views by drf-spectacular.

To describe a route, put `extend_schema` over the method of its view, and give its summary, its parameters, its request
(a serializer, or a TypedDict) and its answers by status:

    @extend_schema(
        summary="List the versions of a subject",
        parameters=[DELETED, *PAGE],
        responses={200: list[int], 404: [SubjectNotFound]},
    )
    def get(self, request: Request, subject: str) -> HttpResponse: ...

An answer is a type: TypedDict, list, dict, a union, a plain one, or None for no body. An error is a list of exception
classes, or of error codes where no class of ours stands for them. What every route can answer (401, a body that is no
JSON, a scope that lacks, …) is added by `operations.Operation`, who may call it comes from `registry.permissions`.
A route that is not described fails `tests/config/test_openapi.py`, and an answer that is not described the test beside
it that asks all of them.
"""

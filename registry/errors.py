"""What a client can do something about: one class per error, free of Django.

A code of five digits carries its HTTP status in the first three; a code of three digits is the status. The texts are
those of the Confluent Schema Registry, slips included, because clients and their tests compare them.
"""

from collections.abc import Sequence
from typing import ClassVar


class RegistryError(Exception):
    """Raised where the rule is, rendered once at the edge as `{"error_code", "message"}`."""

    error_code: ClassVar[int]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def status(self) -> int:
        return self.error_code if self.error_code < 1000 else self.error_code // 100


class MalformedRequest(RegistryError):
    """The body is no JSON, or JSON of the wrong shape."""

    error_code = 400


class InvalidContext(RegistryError):
    """No context can have this name."""

    error_code = 400

    def __init__(self, name: str) -> None:
        super().__init__(f"Context name '{name}' cannot contain a colon")


class NoSuchResource(RegistryError):
    """Nothing can live at this path: an id that is no number, say."""

    error_code = 404

    def __init__(self) -> None:
        super().__init__("HTTP 404 Not Found")


class RequestTooLarge(RegistryError):
    error_code = 413

    def __init__(self, limit: int) -> None:
        super().__init__(f"The request body is larger than {limit} bytes (LIMIT_BODY_BYTES)")


class UnprocessableRequest(RegistryError):
    """The request is well formed and makes no sense, or asks for what this release does not do."""

    error_code = 422


class AccessDenied(RegistryError):
    """The caller may see the thing, or guess its name, but not do this to it. `operation` is `Read` or `Write`."""

    error_code = 40301

    def __init__(self, operation: str, subject_name: str) -> None:
        super().__init__(f"User is denied operation {operation} on Subject: {subject_name}")


class NotForThisCaller(RegistryError):
    """Whatever the subject, this way of calling can't do it."""

    error_code = 403


class SubjectNotFound(RegistryError):
    error_code = 40401

    def __init__(self, subject_name: str) -> None:
        super().__init__(f"Subject '{subject_name}' not found.")


class VersionNotFound(RegistryError):
    error_code = 40402

    def __init__(self, version: int) -> None:
        super().__init__(f"Version {version} not found.")


class SchemaNotFound(RegistryError):
    """`wanted` is the id or guid that was asked for; none when a text was looked up."""

    error_code = 40403

    def __init__(self, wanted: int | str | None = None) -> None:
        super().__init__("Schema not found" if wanted is None else f"Schema {wanted} not found")


class SubjectSoftDeleted(RegistryError):
    error_code = 40404

    def __init__(self, subject_name: str) -> None:
        super().__init__(f"Subject '{subject_name}' was soft deleted.Set permanent=true to delete permanently")


class SubjectNotSoftDeleted(RegistryError):
    error_code = 40405

    def __init__(self, subject_name: str) -> None:
        super().__init__(f"Subject '{subject_name}' was not deleted first before being permanently deleted")


class VersionSoftDeleted(RegistryError):
    error_code = 40406

    def __init__(self, subject_name: str, version: int) -> None:
        super().__init__(
            f"Subject '{subject_name}' Version {version} was soft deleted.Set permanent=true to delete permanently"
        )


class VersionNotSoftDeleted(RegistryError):
    error_code = 40407

    def __init__(self, subject_name: str, version: int) -> None:
        super().__init__(
            f"Subject '{subject_name}' Version {version} was not deleted first before being permanently deleted"
        )


class ConfigNotFound(RegistryError):
    error_code = 40408

    def __init__(self, subject_name: str) -> None:
        super().__init__(f"Subject '{subject_name}' does not have subject-level compatibility configured")


class ModeNotFound(RegistryError):
    error_code = 40409

    def __init__(self, subject_name: str) -> None:
        super().__init__(f"Subject '{subject_name}' does not have subject-level mode configured")


class NoSuchGrant(RegistryError):
    error_code = 404

    def __init__(self, holder: str) -> None:
        super().__init__(f"Nothing is granted to {holder} here")


class NoSuchScope(RegistryError):
    error_code = 404

    def __init__(self, scope_id: int) -> None:
        super().__init__(f"There is no scope {scope_id}")


class NoSuchPolicy(RegistryError):
    error_code = 404

    def __init__(self, key: str, place: str) -> None:
        super().__init__(f"{key} is not set at {place}")


class ScopeExists(RegistryError):
    error_code = 409

    def __init__(self, ref: str) -> None:
        super().__init__(f"There is a scope {ref} already")


class InvalidMove(RegistryError):
    """The life cycle does not lead from the one state to the other."""

    error_code = 409


class IncompatibleSchema(RegistryError):
    """Some reader or writer of an earlier version would break; `details` says where and why."""

    error_code = 40901

    def __init__(self, subject_name: str, details: Sequence[str]) -> None:
        super().__init__(
            f'Schema being registered is incompatible with an earlier schema for subject "{subject_name}", '
            f"details: [{', '.join(details)}]"
        )


class InvalidSchema(RegistryError):
    """The text is no schema, a reference leads nowhere, or a cap of the parser is broken."""

    error_code = 42201


class InvalidVersion(RegistryError):
    error_code = 42202

    def __init__(self, given: str) -> None:
        super().__init__(
            f"The specified version '{given}' is not a valid version id. "
            'Allowed values are between [1, 2^31-1] and the string "latest"'
        )


class InvalidCompatibilityLevel(RegistryError):
    error_code = 42203

    def __init__(self) -> None:
        super().__init__(
            "Invalid compatibility level. Valid values are none, backward, forward, full, "
            "backward_transitive, forward_transitive, and full_transitive"
        )


class InvalidMode(RegistryError):
    error_code = 42204

    def __init__(self) -> None:
        super().__init__("Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.")


class ForwardOnlyGlobal(RegistryError):
    error_code = 42204

    def __init__(self) -> None:
        super().__init__("Forward mode only supported on global level")


class OperationNotPermitted(RegistryError):
    """The mode in force forbids it. The default context prints as nothing, hence the two blanks."""

    error_code = 42205

    @classmethod
    def not_in_import_mode(cls, subject_name: str, context: str) -> "OperationNotPermitted":
        return cls(f"Subject {subject_name} in context {context} is not in import mode")

    @classmethod
    def not_in_read_write_mode(cls, subject_name: str, context: str) -> "OperationNotPermitted":
        return cls(f"Subject {subject_name} in context {context} is not in read-write mode")

    @classmethod
    def overwrite(cls, schema_id: int, context: str) -> "OperationNotPermitted":
        return cls(f"Overwrite new schema with id {schema_id} in context {context} is not permitted.")

    @classmethod
    def read_only(cls, subject_name: str, context: str) -> "OperationNotPermitted":
        return cls(f"Subject {subject_name} in context {context} is in read-only mode")


class ReferenceExists(RegistryError):
    """Somebody refers to what is to be deleted; the text names the latter."""

    error_code = 42206

    def __init__(self, subject_name: str, version: int) -> None:
        super().__init__(
            "One or more references exist to the schema "
            f"{{magic=1,keytype=SCHEMA,subject={subject_name},version={version}}}."
        )


class InvalidSubject(RegistryError):
    """No subject can have this name; `reason` is ours and comes after Confluent's text."""

    error_code = 42208

    def __init__(self, subject_name: str, reason: str = "") -> None:
        text = f"The specified subject '{subject_name}' is not a valid."
        super().__init__(f"{text} {reason}" if reason else text)


class InvalidRuleSet(RegistryError):
    """A rule of the set can't be one."""

    error_code = 42210


class ContextNotEmpty(RegistryError):
    """Something was registered in it and not deleted for good."""

    error_code = 42211

    def __init__(self, context: str) -> None:
        super().__init__(f"The specified context ':{context}:' is not empty.")


class SchemaTooLarge(RegistryError):
    """The text has more bytes than the registry takes."""

    error_code = 42209


class RequestTimedOut(RegistryError):
    """The request took longer than the setting allows; what it had begun was rolled back."""

    error_code = 504

    def __init__(self) -> None:
        super().__init__("HTTP 504 Gateway Timeout")


class StoreFailure(RegistryError):
    """The database refused or timed out; nothing was changed and the same request may be sent again."""

    error_code = 50002

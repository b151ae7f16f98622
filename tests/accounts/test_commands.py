import json
import re
import shlex
import stat
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from pytest_django import Settings

from accounts import principals, services, tokens
from accounts.models import ApiKey, ServiceAccount
from accounts.services import IssuedKey
from tests.accounts.callers import bearer
from tests.cast import STAGE
from tests.servers import Home

Recorded = Callable[[], list[dict[str, Any]]]


def run(*words: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command(*words, stdout=out, stderr=err, no_color=True)
    return out.getvalue(), err.getvalue()


class TestFirstStart:
    @pytest.fixture(autouse=True)
    def folder(self, db: None, settings: Settings, tmp_path: Path) -> Path:
        settings.DATA = tmp_path / "data"
        return tmp_path / "data"

    def test_an_empty_database_gets_a_key_that_may_do_everything(self) -> None:
        out, _ = run("first_start")

        principal = principals.authenticate(bearer(key_in(out)), None)
        assert principal.name == "first-key"
        assert principal.scopes == set(services.SCOPES)
        assert principal.rights == {"registry.manage_global"}
        assert principal.owner_group_id == Group.objects.get(name="default").pk
        assert len(out.splitlines()) <= 10

    def test_what_is_made_is_recorded(self, recorded: Recorded) -> None:
        run("first_start")

        events = recorded()
        assert [event["action"] for event in events] == [
            "group.created",
            "service_account.created",
            "key.issued",
            "user.created",
            "login_link.issued",
        ]
        assert {event["actor"]["ref"] for event in events} == {"first-start"}

    def test_the_printed_command_registers_a_schema(self) -> None:
        out, _ = run("first_start")

        words = shlex.split(out[out.index("curl") :].replace("\\\n", " "))
        assert words[:2] == ["curl", "-H"]
        assert words[2] == f"Authorization: Bearer {key_in(out)}"
        assert words[4] == "Content-Type: application/vnd.schemaregistry.v1+json"
        assert json.loads(json.loads(words[6])["schema"])["name"] == "Order"
        assert words[7] == "http://127.0.0.1:8081/subjects/orders-value/versions"

    @pytest.mark.parametrize(
        ("host", "address"),
        [
            ("0.0.0.0", "http://127.0.0.1:9000/"),  # noqa: S104  # printed, not bound
            ("::", "http://[::1]:9000/"),
            ("::1", "http://[::1]:9000/"),
            ("registry.example", "http://registry.example:9000/"),
        ],
    )
    def test_the_printed_address_is_one_that_a_client_can_use(
        self, host: str, address: str, settings: Settings
    ) -> None:
        settings.CALLBOARD = settings.CALLBOARD | {"HOST": host, "PORT": 9000}

        out, _ = run("first_start")

        assert f"{address}subjects/" in out

    @pytest.mark.sqlite
    def test_beside_an_embedded_database_the_key_lies_in_a_file_of_its_own(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "first-key").write_text("left over from a database that is gone\n")

        out, _ = run("first_start")

        file = folder / "first-key"
        assert file.read_text() == key_in(out) + "\n"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert [path.name for path in folder.iterdir()] == ["first-key"]
        assert str(file) in out

    @pytest.mark.postgresql
    def test_beside_postgresql_no_file_is_written(self, folder: Path) -> None:
        run("first_start")

        assert not folder.exists()

    def test_a_second_start_shows_no_secret_and_changes_nothing(self, folder: Path, recorded: Recorded) -> None:
        run("first_start")
        before = {path: path.read_bytes() for path in folder.glob("*")}
        recorded()

        out, err = run("first_start")

        assert "cbk_" not in out + err
        assert len(out.splitlines()) == 1
        assert "http://127.0.0.1:8081" in out
        assert (ApiKey.objects.count(), recorded()) == (1, [])
        assert {path: path.read_bytes() for path in folder.glob("*")} == before

    def test_a_database_with_accounts_of_its_own_gets_no_first_key(self, account: ServiceAccount) -> None:
        run("first_start")

        assert not ApiKey.objects.exists()

    def test_a_key_that_could_not_be_handed_over_does_not_exist(self, folder: Path, recorded: Recorded) -> None:
        def fail(issued: IssuedKey) -> None:
            raise BrokenPipeError

        with pytest.raises(BrokenPipeError):
            services.make_first_key(actor=STAGE, group_name="default", deliver=fail)

        assert not ServiceAccount.objects.exists()
        assert recorded() == []
        assert "cbk_" in run("first_start")[0]

    @pytest.mark.sqlite
    def test_a_data_folder_that_can_not_be_written_is_one_line(self, folder: Path) -> None:
        folder.write_text("not a folder")

        with pytest.raises(CommandError, match="^no key was made: "):
            run("first_start")

        assert not ServiceAccount.objects.exists()

    @pytest.mark.parametrize("name", ["idp:x", " "])
    def test_a_default_group_that_can_not_be_made_is_one_line(self, name: str, settings: Settings) -> None:
        settings.CALLBOARD = settings.CALLBOARD | {"DEFAULT_GROUP": name}

        with pytest.raises(CommandError, match="^no key was made: "):
            run("first_start")

    def test_strangers_get_an_account_when_they_are_let_in(self, settings: Settings, recorded: Recorded) -> None:
        run("first_start")
        recorded()
        settings.CALLBOARD = settings.CALLBOARD | {"ANONYMOUS": "read"}

        run("first_start")

        stranger = principals.authenticate(None, None)
        assert stranger.rights == frozenset()
        assert [event["action"] for event in recorded()] == ["group.created", "service_account.created"]
        # What the first key makes belongs to the default group, and is none of theirs.
        assert Group.objects.get(name="default").pk not in stranger.groups
        run("first_start")
        assert recorded() == []

    def test_two_first_starts_at_once_make_one_key(self, home: Home) -> None:
        home.manage("migrate")
        home.folder.mkdir(exist_ok=True)

        starts = [
            subprocess.Popen(
                [sys.executable, "manage.py", "first_start"],
                cwd=home.checkout,
                env=home.environment(CALLBOARD_ANONYMOUS="read"),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(3)
        ]
        ended = [(*start.communicate(timeout=60), start.returncode) for start in starts]

        assert [code for _, _, code in ended] == [0, 0, 0], ended
        keys = re.findall(r"\n  (cbk_\w+)\n", "".join(out for out, _, _ in ended))
        assert len(keys) == 1
        count = "from accounts.models import *; print(ServiceAccount.objects.count(), ApiKey.objects.count())"
        assert home.manage("shell", "--no-imports", "-c", count) == "2 1"
        if connection.vendor == "sqlite":
            assert (home.folder / "first-key").read_text() == f"{keys[0]}\n"


class TestServiceAccountCommand:
    def test_it_makes_the_account_and_a_group_that_is_missing(self, recorded: Recorded) -> None:
        recorded()

        out, _ = run("service_account", "ci", "--group", "team-orders", "--description", "Builds.")

        account = ServiceAccount.objects.get(name="ci")
        assert (account.owner_group.name, account.description) == ("team-orders", "Builds.")
        assert "New group team-orders." in out
        assert [event["action"] for event in recorded()] == ["group.created", "service_account.created"]

    def test_it_takes_a_group_that_is_there(self, group: Group) -> None:
        out, _ = run("service_account", "ci", "--group", "team-orders")

        assert ServiceAccount.objects.get(name="ci").owner_group == group
        assert "New group" not in out

    def test_it_gives_no_right_unless_asked_to(self, db: None) -> None:
        run("service_account", "admin", "--group", "team", "--manage-global")
        run("service_account", "plain", "--group", "team")

        admin, plain = (ServiceAccount.objects.get(name=name).user for name in ("admin", "plain"))
        assert [permission.codename for permission in admin.user_permissions.all()] == ["manage_global"]
        assert not plain.user_permissions.exists()

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["orders-producer", "--group", "team-orders"], "exists already"),
            (["ci", "--group", "idp:x"], "identity provider"),
            (["", "--group", "team-orders"], "not empty"),
            (["x" * 65, "--group", "team-orders"], "at most 64 characters"),
            (["ci"], "--group"),
        ],
    )
    def test_wrong_input_is_one_line(self, words: list[str], message: str, account: ServiceAccount) -> None:
        with pytest.raises(CommandError, match=message) as caught:
            run("service_account", *words)
        assert "\n" not in str(caught.value)


class TestApiKeyCommand:
    def test_the_key_stands_alone_on_standard_output(self, account: ServiceAccount) -> None:
        out, err = run("api_key", "orders-producer")

        token = tokens.parse(out.removesuffix("\n"))
        assert token is not None
        assert principals.authenticate(bearer(token.text), None).name == "orders-producer"
        assert token.id12 in err
        assert token.text not in err

    def test_a_key_may_be_narrowed(self, account: ServiceAccount) -> None:
        narrow = ["--scopes", "subjects:read catalog:read", "--days", "7", "--label", "ci of team orders"]
        narrow += ["--prefix", "orders-", "--prefix", "bills-", "--cidr", "10.0.0.0/8", "--cidr", "::1"]

        run("api_key", "orders-producer", *narrow)

        key = ApiKey.objects.get()
        assert (key.label, key.scopes) == ("ci of team orders", ["subjects:read", "catalog:read"])
        assert (key.subject_prefixes, key.cidrs) == (["bills-", "orders-"], ["10.0.0.0/8", "::1/128"])

    def test_revoking_says_so_and_keeps_the_reason(self, issued: IssuedKey, recorded: Recorded) -> None:
        recorded()

        _, err = run("api_key", "--revoke", f"cbk_{issued.key.id12}", "--reason", "leaked")

        (event,) = recorded()
        assert (event["action"], event["reason"]) == ("key.revoked", "leaked")
        assert issued.key.id12 in err

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            ([], "name a service account"),
            (["nobody"], "no service account 'nobody'"),
            (["orders-producer", "--scopes", "all"], "unknown scope all"),
            (["orders-producer", "--scopes", ""], "at least one scope"),
            (["orders-producer", "--days", "91"], "1 to 90 days"),
            (["orders-producer", "--days", "never"], "invalid int value"),
            (["orders-producer", "--prefix", ""], "not empty"),
            (["orders-producer", "--cidr", "10.0.0.1/8"], "not a network"),
            (["--revoke", "0" * 12], "no key of this id"),
        ],
    )
    def test_wrong_input_is_one_line(self, words: list[str], message: str, account: ServiceAccount) -> None:
        with pytest.raises(CommandError, match=message) as caught:
            run("api_key", *words)
        assert "\n" not in str(caught.value)

    def test_a_whole_key_given_for_its_id_is_not_repeated(self, issued: IssuedKey) -> None:
        with pytest.raises(CommandError) as caught:
            run("api_key", "--revoke", issued.token)
        assert issued.token[17:] not in str(caught.value)


def key_in(text: str) -> str:
    found = re.search(r"^  (cbk_\w{62})$", text, re.MULTILINE)
    assert found is not None
    return found[1]

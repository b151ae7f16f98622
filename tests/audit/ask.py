"""`python -m tests.audit.ask` asks for an export over the API, and prints the answer's status, the export's id and the
seconds it took. In a process of its own, because settings are read once. With `--wait` it prints how the export ended.
"""

import json
import sys
import time

import django


def main() -> None:
    django.setup()
    from tests.audit import exports

    auditor = exports.auditor()
    started = time.monotonic()
    answer = auditor.post(exports.EXPORTS)
    if "--wait" not in sys.argv:
        print(json.dumps([answer.status_code, answer.json()["id"], time.monotonic() - started]))
        return
    own = answer["Location"]
    exports.wait_for(lambda: auditor.get(own).json()["state"] in {"done", "failed"})
    print(json.dumps(auditor.get(own).json()["state"]))


if __name__ == "__main__":
    main()

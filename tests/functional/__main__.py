"""``python -m tests.functional``: each file of tests on a Nova of its own.

What one file leaves behind is not there for the next, and as many run at a
time as there are processors.  Arguments are pytest's, for all files.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent import futures
from pathlib import Path

FOLDER = Path(__file__).parent

#: Nova's imports warn of much; what it logs is of use where a test fails.
OPTIONS = ("-W", "default", "--disable-warnings", "--show-capture=log")

#: pytest's exit code where an argument leaves no test of a file.
NO_TESTS = 5

Done = subprocess.CompletedProcess[str]


def run(file: Path, arguments: Sequence[str]) -> Done:
    """Run the tests of a file."""
    command = [sys.executable, "-m", "pytest", *OPTIONS, *arguments, str(file)]
    return subprocess.run(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def main(arguments: Sequence[str]) -> int:
    """Run them all; the exit code is 1 where a test has failed."""
    files = sorted(
        FOLDER.glob("test_*.py"),
        key=lambda file: file.stat().st_size,
        reverse=True,
    )
    failed = []
    with futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {pool.submit(run, file, arguments): file for file in files}
        for done in futures.as_completed(running):
            file, result = running[done], done.result()
            print(f"{file.name}\n{result.stdout}", flush=True)
            if result.returncode not in (0, NO_TESTS):
                failed.append(file.name)
    print("Failed: " + ", ".join(failed) if failed else "All have passed.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

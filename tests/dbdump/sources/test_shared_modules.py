"""What the processes of a dump share is loaded in one from which they are forked: no thread may be lost there."""

import subprocess
import sys

import pytest

from dbdump.dump.worker import dump_chunk
from dbdump.sources.opening import Access, modules_of

URLS = ("sqlite:///x.sqlite", "postgresql://reader@host/x", "oracle+oracledb://reader@host:1521/?service_name=X")
THREADS = "import importlib, os, sys; [importlib.import_module(name) for name in sys.argv[1:]]\n"
THREADS += "print(len(os.listdir('/proc/self/task')))"


def threads(*modules: str) -> str:
    done = subprocess.run([sys.executable, "-c", THREADS, *modules], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("url", URLS)
def test_shared_modules_start_no_threads(url: str) -> None:
    assert threads("legacy.cli", dump_chunk.__module__, *modules_of(Access(url))) == "1\n"


def test_the_test_above_can_fail() -> None:
    assert int(threads("pyarrow")) > 1

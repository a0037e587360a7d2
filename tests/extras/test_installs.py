"""What users install by itself does what it is for, where nothing else is installed."""

from pathlib import Path

import pytest
from install import EXTRAS, faults, install

pytestmark = pytest.mark.extras

ELSEWHERE = {"local", "dev", "plot", "sentence-transformers"}
"""`make` installs them, and tests use them."""


@pytest.mark.parametrize("name", sorted(EXTRAS.keys() - ELSEWHERE))
def test_an_extra_works_alone_and_is_no_larger_than_it_may_be(name: str, tmp_path: Path) -> None:
    found = install(name, tmp_path / "env")
    assert found.fault is None
    assert not [fault for fault in faults(name, found) if "MB" in fault]
    if name == "client":  # it carries no model, and nothing that computes
        there = {path.name for path in (tmp_path / "env").rglob("*")}
        assert "temporalio" in there
        assert not {"encoder.onnx", "numpy", "boto3"} & there

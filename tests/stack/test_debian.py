"""Packages are installed without a service being started."""

import os

import pytest

from tests.stack import debian


def test_services_are_forbidden_to_start_for_a_while(tmp_path):
    policy = tmp_path / "policy-rc.d"

    with debian.no_service_starts(policy):
        assert os.access(policy, os.X_OK)
        assert policy.read_text().endswith("exit 101\n")
    assert not policy.exists()


def test_a_policy_of_the_machine_stays(tmp_path):
    policy = tmp_path / "policy-rc.d"
    policy.write_text("theirs")

    with debian.no_service_starts(policy):
        pass

    assert policy.read_text() == "theirs"


def test_who_may_not_install_is_told_what_is_missing(monkeypatch, tmp_path):
    missing = {"mariadb-server": tmp_path / "mariadbd"}
    monkeypatch.setattr(debian, "PACKAGES", missing)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(SystemExit, match="Debian packages.*: mariadb-server$"):
        debian.main()

import ssl

import pytest

from processor.client_tls import client_tls
from processor.errors import UsageError
from processor.settings import Settings


def settings(**given):
    return Settings(_env_file=None, **given)


def test_without_a_certificate_of_ours_the_system_decides():
    context = client_tls(settings())
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_certificate_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"cert\.pem' cannot be used .*No such file.*TLS_CERT"):
        client_tls(settings(tls_cert=tmp_path / "cert.pem"))


def test_a_file_that_is_no_certificate_is_named(tmp_path):
    (tmp_path / "cert.pem").write_text("no certificate")
    with pytest.raises(UsageError, match=r"cert\.pem' cannot be used .*TLS_CERT"):
        client_tls(settings(tls_cert=tmp_path / "cert.pem"))

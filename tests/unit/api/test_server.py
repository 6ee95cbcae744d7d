import socket

import httpx
import pytest

from processor.api import create_api, serve
from processor.errors import ListenError


async def test_a_free_port_is_taken_and_told(worker, settings):
    server = await serve(create_api(worker, settings), settings)
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"http://127.0.0.1:{server.port}/health/live")
    assert answer.json() == {"status": "live"}
    await server.stop()


async def test_a_stopped_server_listens_no_more(worker, settings):
    server = await serve(create_api(worker, settings), settings)
    await server.stop()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", server.port)) != 0


async def test_a_port_that_is_taken_is_named(worker, settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        mine = settings.model_copy(update={"http": address})
        with pytest.raises(ListenError, match=address):
            await serve(create_api(worker, mine), mine)


async def test_a_certificate_that_is_none_is_refused(worker, settings, tmp_path):
    wrong = tmp_path / "cert.pem"
    wrong.write_text("no certificate")
    api = create_api(worker, settings)
    mine = settings.model_copy(update={"tls_cert": wrong, "tls_key": wrong})
    with pytest.raises(ListenError, match="certificate"):
        await serve(api, mine)

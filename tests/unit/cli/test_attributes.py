import asyncio
import json

from processor.engine import new_coverage

VIEWS = "ecom_attributes_v1:count_product_views"


async def test_profiles_are_printed_as_one_json_object(run, address):
    arguments = ("attributes", "domain_userid", "a", "b", "--json", "--http", address)
    result = await asyncio.to_thread(run, *arguments)
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert set(told) == {"now_ms", "profiles"}
    assert list(told["profiles"]) == ["a", "b"]
    assert told["profiles"]["a"][VIEWS] == 0


async def test_ids_come_from_stdin(run, address):
    arguments = ("attributes", "domain_userid", "-", "--json", "--http", address)
    many = "".join(f"{number}\n" for number in range(1500))
    result = await asyncio.to_thread(run, *arguments, stdin=many)
    assert len(json.loads(result.stdout)["profiles"]) == 1500


async def test_without_a_terminal_each_value_has_a_line(run, address):
    arguments = ("attributes", "domain_userid", "a", "--group", "ecom_recent", "--http", address)
    result = await asyncio.to_thread(run, *arguments)
    assert result.stdout.splitlines() == [
        "a\tecom_recent_v1:product_views_15m\t0",
        "a\tecom_recent_v1:last_product_15m\tnull",
    ]


async def test_what_is_not_complete_says_since_when(run, address, worker):
    worker.kept = new_coverage()  # that has not noted the definitions yet
    arguments = ("attributes", "domain_userid", "a", "--http", address)
    told = json.loads((await asyncio.to_thread(run, *arguments, "--json")).stdout)
    assert VIEWS in told["since"]["a"]
    lines = (await asyncio.to_thread(run, *arguments)).stdout.splitlines()
    assert next(one for one in lines if VIEWS in one).startswith(f"a\t{VIEWS}\t0\tsince 20")


async def test_an_unknown_service_is_wrong_use(run, address):
    arguments = ("attributes", "domain_userid", "a", "--service", "nope", "--http", address)
    result = await asyncio.to_thread(run, *arguments)
    assert result.exit_code == 2
    assert "no live service 'nope'" in result.stderr


async def test_the_address_comes_from_the_environment(run, address, monkeypatch):
    monkeypatch.setenv("PROCESSOR_HTTP", address)
    result = await asyncio.to_thread(run, "attributes", "domain_userid", "a")
    assert result.exit_code == 0

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What provider_records returns, given to the modules that it is for: their own specifications and code judge it."""

from __future__ import annotations

import importlib
import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.mailops.relay.plugins.filter.provider_records import FilterModule
from ansible_collections.mailops.relay.plugins.module_utils import _provider_records, _record

ZONE = "example.org"
LONG = "v=DKIM1; k=rsa; p=" + "A" * 700
VALUES: dict[tuple[str, str], list[str]] = {
    ("mail.example.org", "A"): ["192.0.2.1", "192.0.2.2"],
    ("mail.example.org", "AAAA"): ["2001:db8::1"],
    ("mail.example.org", "CAA"): ['0 issue "ca.example; account=\\"1\\""', '0 iodef "mailto:a@example.org"'],
    ("www.example.org", "CNAME"): ["mail.example.org."],
    ("example.org", "MX"): ["10 mail.example.org.", "20 b.example.net."],
    ("1.example.org", "PTR"): ["mail.example.org."],
    ("_submission._tcp.example.org", "SRV"): ["0 1 587 mail.example.org."],
    ("_25._tcp.mail.example.org", "TLSA"): [f"3 1 1 {'ab' * 32}", f"2 0 2 {'cd' * 64}"],
    ("example.org", "TXT"): ["v=spf1 -all", 'a "quoted" \\ text', "\u00fc" * 200],
    ("s1._domainkey.example.org", "TXT"): [LONG],
    ("*.example.org", "TXT"): ["x"],
}
LOGIN = {
    "cloudflare": {"api_token": "x"},
    "hetzner": {"hetzner_token": "x"},
    "hosttech": {"hosttech_token": "x"},
    "route53": {},
}
RECORDS = [{"name": n, "type": rdtype, "values": values, "ttl": 300} for (n, rdtype), values in VALUES.items()]

provider_records = FilterModule().filters()["provider_records"]


class SpecificationError(Exception):
    """Carries what a module says of its options."""


def specification(name: str, patch: pytest.MonkeyPatch) -> dict[str, t.Any]:
    """Return what a module hands to AnsibleModule."""
    namespace, collection, short = name.split(".")
    module = importlib.import_module(f"ansible_collections.{namespace}.{collection}.plugins.modules.{short}")

    def caught(**options: t.Any) -> t.NoReturn:
        raise SpecificationError(options)

    patch.setattr(module, "AnsibleAWSModule" if hasattr(module, "AnsibleAWSModule") else "AnsibleModule", caught)
    with pytest.raises(SpecificationError) as error:
        module.main()
    return error.value.args[0]


def calls(provider: str, **options: t.Any) -> list[dict[str, t.Any]]:
    known = [each for each in RECORDS if each["type"] not in _provider_records.PROVIDERS[provider].unknown]
    return provider_records(known, provider, ZONE, **options)


def test_every_type_is_tried():
    assert {rdtype for _name, rdtype in VALUES} == set(_record.TYPES)


@pytest.mark.parametrize(
    ("provider", "overwrite"),
    [
        (name, overwrite)
        for name, provider in _provider_records.PROVIDERS.items()
        for overwrite in ([True] if provider.all_at_once else [False, True])
    ],
)
def test_the_module_takes_the_arguments(provider, overwrite, monkeypatch):
    options = specification(provider, monkeypatch)
    specs = {"mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by"}
    validator = ArgumentSpecValidator(options["argument_spec"], **{k: v for k, v in options.items() if k in specs})
    found = calls(provider, overwrite=overwrite)
    for arguments in found:
        result = validator.validate({**arguments, **LOGIN[provider.split(".")[-1].split("_")[0]]})
        assert not result.error_messages, arguments
        assert not result.unsupported_parameters
        for key, value in arguments.items():
            assert result.validated_parameters[key] == value or key == "record_sets", "no conversion, no alias"


@pytest.mark.parametrize("provider", _provider_records.PROVIDERS)
def test_the_types_that_are_said_to_be_unknown_are(provider, monkeypatch):
    spec = specification(provider, monkeypatch)["argument_spec"]
    choices = (spec.get("type") or spec["record_sets"]["options"]["type"])["choices"]
    # Hosttech lists PTR, and then wants something else than a name for it.
    unknown = set(_record.TYPES) - set(choices) | ({"PTR"} if "hosttech" in provider else set())
    assert set(_provider_records.PROVIDERS[provider].unknown) == unknown


def cloudflare_payload(arguments: dict[str, t.Any], patch: pytest.MonkeyPatch) -> dict[str, t.Any]:
    name = "community.general.cloudflare_dns"
    with patch.context() as inner:
        spec = specification(name, inner)["argument_spec"]
    module = importlib.import_module("ansible_collections.community.general.plugins.modules.cloudflare_dns")
    params = ArgumentSpecValidator(spec).validate({**arguments, "api_token": "x"}).validated_parameters

    class Module:
        check_mode = True

        def __init__(self) -> None:
            self.params = params

        def fail_json(self, **result: t.Any) -> t.NoReturn:
            raise AssertionError(result)

    api = module.CloudflareAPI(Module())
    patch.setattr(api, "_get_zone_id", lambda _zone: "1")
    patch.setattr(api, "get_dns_records", lambda *_search: [])
    return api.ensure_dns_record()[0]


def test_what_cloudflare_would_be_sent(monkeypatch):
    sent = [cloudflare_payload(each, monkeypatch) for each in calls("community.general.cloudflare_dns")]
    names = {(each["name"], each["type"]) for each in sent}
    assert names == set(VALUES)
    by_key = {key: [each for each in sent if (each["name"], each["type"]) == key] for key in names}
    assert [each["content"] for each in by_key["example.org", "TXT"]] == VALUES["example.org", "TXT"]
    assert by_key["s1._domainkey.example.org", "TXT"][0]["content"] == LONG
    assert [(each["priority"], each["content"]) for each in by_key["example.org", "MX"]] == [
        (10, "mail.example.org"),
        (20, "b.example.net"),
    ]
    (srv,) = by_key["_submission._tcp.example.org", "SRV"]
    assert srv["data"] == {"target": "mail.example.org", "port": 587, "weight": 1, "priority": 0}
    assert by_key["_25._tcp.mail.example.org", "TLSA"][1]["data"] == {
        "usage": 2,
        "selector": 0,
        "matching_type": 2,
        "certificate": "cd" * 64,
    }
    assert by_key["mail.example.org", "CAA"][0]["data"]["value"] == 'ca.example; account="1"'


def test_txt_of_route53_is_what_it_was():
    """Route 53 writes octets in octal; community.dns reads that."""
    txt = importlib.import_module("ansible_collections.community.dns.plugins.module_utils.conversion.txt")
    found = {
        each["record"]: [txt.decode_txt_value(value, character_encoding="octal") for value in each["value"]]
        for each in calls("amazon.aws.route53")
        if each["type"] == "TXT"
    }
    assert found == {name: values for (name, rdtype), values in VALUES.items() if rdtype == "TXT"}


@pytest.mark.parametrize("name", ["hetzner", "hosttech"])
def test_txt_of_community_dns_is_sent_as_it_was(name):
    """The module turns unquoted text into what its provider's interface wants, and back."""
    package = "ansible_collections.community.dns.plugins.module_utils"
    provider = importlib.import_module(f"{package}.{name}.api")
    converter = importlib.import_module(f"{package}.conversion.converter").RecordConverter(
        getattr(provider, f"create_{name}_provider_information")(), Options()
    )
    record = importlib.import_module(f"{package}.record").DNSRecord()
    for value in (value for (_name, rdtype), values in VALUES.items() if rdtype == "TXT" for value in values):
        record.type, record.target = "TXT", value
        converter.process_from_user(record)
        converter.process_to_api(record)
        converter.process_from_api(record)
        converter.process_to_user(record)
        assert record.target == value


class Options:
    """What the modules of community.dns ask for their options."""

    def get_option(self, name: str) -> t.Any:
        return {"txt_transformation": "unquoted", "txt_character_encoding": "decimal"}.get(name)

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The host's own view, check by check: what is observed is judged, and becomes a part of a report."""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass, field

from ansible_collections.mailops.relay.plugins.module_utils import (
    _finding,
    _host_certificate,
    _host_files,
    _host_keys,
    _host_queue,
    _host_services,
    _host_survey,
    _host_system,
)
from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding
from ansible_collections.mailops.relay.plugins.module_utils._host_programs import Outcome, Programs
from ansible_collections.mailops.relay.plugins.module_utils._host_services import Service

SERVICES = ("postfix", "opendkim", "rspamd", "nftables")
SIGNERS = ("opendkim", "rspamd")
_STOCK_CONFIGURATIONS = {"opendkim": "/etc/opendkim.conf", "rspamd": "/etc/rspamd/rspamd.conf"}
_POSTFIX_PARAMETERS = (
    *_host_certificate.PARAMETERS,
    "inet_interfaces",
    "mail_owner",
    "mail_version",
    "message_size_limit",
    "milter_default_action",
    "myhostname",
    "qmgr_message_active_limit",
    "queue_directory",
    "queue_minfree",
    "smtpd_milters",
    "smtpd_tls_security_level",
)


@dataclass(frozen=True)
class Part:
    """A check, what was seen for it, and what is wrong. ``note`` says why nothing could be seen, where that is so."""

    check: str
    findings: t.Sequence[Finding] = ()
    seen: t.Mapping[str, t.Any] = field(default_factory=dict)
    note: str = ""

    def result(self) -> dict[str, t.Any]:
        """Return the part as an item of a report. What was not seen in full has not been checked."""
        findings = _finding.ordered(self.findings)
        unseen = [finding.message for finding in findings if finding.id.endswith("_not_checked")]
        note = self.note or "; ".join(unseen[:3])
        return {
            "check": self.check,
            "state": "not_checked" if note else "done",
            "note": note,
            "findings": [_finding.join(finding) for finding in findings],
        }


class Look:
    """One look at a host, with the options of the module; ``programs`` runs what is on it."""

    def __init__(self, options: t.Mapping[str, t.Any], programs: Programs) -> None:
        self.options = options
        self.programs = programs
        self.clock = _host_survey.observe_clock(options["now"])

    def parts(self) -> list[Part]:
        """Look at everything that is asked for."""
        parts = [self.host(), self.clock_part()]
        if "postfix" in self.options["services"]:
            parts += [self.queue(), self.certificate()]
        for signer in SIGNERS:
            if signer in self.options["services"]:
                parts += [self.signing(signer), self.keys(signer)]
        return parts

    # What several parts look at, once

    @functools.cached_property
    def _units(self) -> tuple[dict[str, dict[str, str]], str]:
        names = [*SERVICES, "postfix@-", self.options["firewall_service"]]
        return _host_survey.observe_units(self.programs, names)

    def _service(self, name: str) -> Service:
        return _host_services.service_of(name, self._units[0])

    def _absent(self, name: str) -> bool:
        """Whether a service is known not to be installed; that is one finding, of the check that it belongs to."""
        return not self._units[1] and not self._service(name).installed

    @functools.cached_property
    def _postconf(self) -> Outcome:
        return self.programs.run("postconf", "-x", *_POSTFIX_PARAMETERS)

    @functools.cached_property
    def _parameters(self) -> dict[str, str]:
        return _host_survey.parameters(self._postconf)

    def _judge_service(self, name: str) -> list[Finding]:
        if self._units[1]:
            return [_host_system.not_checked("service", name, f"systemd does not tell its state: {self._units[1]}")]
        return list(_host_services.judge([self._service(name)], self.options["restarts"]))

    # The parts

    def host(self) -> Part:
        """Services but for the signer, the firewall, the configuration of Postfix, units, packages, reboot."""
        services = self.options["services"]
        findings: list[Finding] = []
        seen: dict[str, t.Any] = {
            "services": [_describe(self._service(name)) for name in services] if not self._units[1] else []
        }
        if "postfix" in services:
            findings += self._judge_service("postfix")
            if not self._absent("postfix"):
                findings += self._judge_configuration()
                seen["postfix_version"] = self._parameters.get("mail_version")
        if "nftables" in services:
            findings += self._firewall(seen)
        findings += self._failed_units(seen) + self._packages(seen)
        reboot = _host_survey.reboot_required()
        seen["reboot_required"] = reboot is not None
        return Part("host", [*findings, *_host_system.judge_reboot(reboot)], seen)

    def _judge_configuration(self) -> list[Finding]:
        outcome = self.programs.run("postconf", "-n")
        if outcome.problem:
            return [_host_system.not_checked("service", "postfix", outcome.problem)]
        return list(_host_services.judge_complaints(outcome.errors))

    def _firewall(self, seen: dict[str, t.Any]) -> list[Finding]:
        if self._absent("nftables"):
            return [_host_services.not_installed("nftables")]
        firewall = _host_survey.observe_firewall(self.programs, self._units[0], self.options["firewall_service"])
        seen["firewall_tables"] = None if firewall.tables is None else list(firewall.tables)
        return list(_host_system.judge_firewall(firewall, self.options["table"]))

    def _failed_units(self, seen: dict[str, t.Any]) -> list[Finding]:
        failed, unseen = _host_survey.observe_failed_units(self.programs)
        seen["failed_units"] = failed
        if unseen:
            return [_host_system.not_checked("host", "systemd", f"Failed units cannot be listed: {unseen}")]
        return list(_host_system.judge_units(failed, [*self.options["services"], "postfix@-"]))

    def _packages(self, seen: dict[str, t.Any]) -> list[Finding]:
        packages, unseen = _host_survey.observe_packages(self.programs, self.options["services"])
        seen["packages"] = [dict(package.__dict__, outdated=package.outdated) for package in packages]
        if unseen:
            return [_host_system.not_checked("host", "apt", f"Pending updates cannot be seen: {unseen}")]
        age = _host_survey.lists_age(self.clock.host)
        return list(_host_system.judge_packages(packages, age, self.options["lists_days"]))

    def clock_part(self) -> Part:
        clock = self.clock
        offset = None if clock.offset is None else round(clock.offset, 1)
        seen = {"clock": {"synchronised": clock.synchronised, "time": clock.host, "offset": offset}}
        return Part("clock", list(_host_system.judge_clock(clock, self.options["clock_offset"])), seen)

    def queue(self) -> Part:
        if self._absent("postfix"):
            return Part("queue", note="Postfix is not installed")
        options = self.options
        queue = _host_survey.observe_queue(self.programs, self._parameters, self.clock.host)
        limits = _host_queue.Limits(
            options["queue_age"], options["queue_deferred"], options["queue_incoming"], options["free_space"]
        )
        return Part("queue", list(_host_queue.judge(queue, limits)), {"queue": _host_queue.describe(queue)})

    def certificate(self) -> Part:
        if self._absent("postfix"):
            return Part("certificate", note="Postfix is not installed")
        if self._postconf.why_not:
            note = f"Postfix does not tell its certificates: {self._postconf.why_not}"
            return Part("certificate", [_host_system.not_checked("certificate", "postfix", note)])
        settings = self._parameters
        hostname = self.options["hostname"] or settings.get("myhostname", "")
        found = [
            seen
            for source in _host_certificate.sources(settings)
            for seen in _host_files.observe_certificates(source, hostname, self.clock.host)
        ]
        least = self.options["certificate_days"]
        findings = [finding for seen in found for finding in _host_certificate.judge(seen, hostname, least)]
        if not found:
            level, interfaces = settings.get("smtpd_tls_security_level", ""), settings.get("inet_interfaces", "")
            findings += _host_certificate.judge_absence(level, interfaces)
        return Part("certificate", findings, {"certificates": [_host_certificate.describe(seen) for seen in found]})

    def signing(self, signer: str) -> Part:
        """The signer as a service, and whether Postfix hands mail to it."""
        findings = self._judge_service(signer)
        if self._absent(signer) or self._absent("postfix"):
            return Part("signing", findings)
        if self._postconf.why_not:
            why = f"Postfix does not tell its milters: {self._postconf.why_not}"
            return Part("signing", [*findings, _host_system.not_checked("service", "smtpd_milters", why)])
        settings = self._parameters
        used = _host_services.milters(settings.get("smtpd_milters", ""))
        findings += _host_services.judge_milters(used, settings.get("milter_default_action", ""))
        if self._service(signer).running:
            findings += [finding for milter in used for finding in self._judge_answer(milter)]
        return Part("signing", findings, {"milters": used})

    def _judge_answer(self, milter: str) -> list[Finding]:
        answer = _host_survey.ask_milter(self.programs, milter, self._parameters)
        if answer.unseen:
            return [_host_system.not_checked("service", milter, f"The milter cannot be asked: {answer.unseen}")]
        return list(_host_services.judge_silence(milter, answer.problem))

    def keys(self, signer: str) -> Part:
        """The keys that the signer is told to sign with."""
        program = _host_keys.OPENDKIM if signer == "opendkim" else _host_files.RSPAMD
        if self._absent(signer):
            return Part("keys", note=f"{program} is not installed")
        if self._units[1]:
            why = f"systemd does not tell which configuration {program} has: {self._units[1]}"
            return Part("keys", [_host_system.not_checked("key", program, why)])
        service, shortest = self._service(signer), self.options["shortest"]
        config = service.config or _STOCK_CONFIGURATIONS[signer]
        if signer == "opendkim":
            seen = _host_files.observe_keys(config, service.user, shortest)
        else:
            seen = _host_files.observe_rspamd_keys(config, shortest)
        described = [_host_keys.describe(key) for key in seen.keys]
        return Part("keys", list(_host_keys.judge(seen)), {"keys": described, "signer_config": config})


def _describe(service: Service) -> dict[str, t.Any]:
    return {
        "name": service.name,
        "installed": service.installed,
        "state": service.state,
        "enabled": service.at_boot,
        "restarts": service.restarts,
    }

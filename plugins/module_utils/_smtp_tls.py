# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Contexts of TLS for looking: one that takes everything, one for each version, one that trusts authorities only."""

from __future__ import annotations

import functools
import ssl
import typing as t
import warnings

from ansible_collections.mailops.relay.plugins.module_utils._smtp_model import NOT_CHECKED, REFUSED, TLS_VERSIONS

_VERSIONS = dict(zip(TLS_VERSIONS, ("TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3")))

# OpenSSL's names of what says that the other side does not want this version, or nothing that goes with it.
_REFUSALS = (
    "PROTOCOL_VERSION",
    "UNSUPPORTED_PROTOCOL",
    "WRONG_VERSION_NUMBER",
    "WRONG_SSL_VERSION",
    "UNSUPPORTED_VERSION",
    "HANDSHAKE_FAILURE",
    "INSUFFICIENT_SECURITY",
    "INTERNAL_ERROR",
    "UNEXPECTED_EOF",
    "NO_PROTOCOLS_AVAILABLE",
)


def _lenient() -> ssl.SSLContext:
    """Take every certificate, key, cipher: they are looked at, and protect nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    # Servers of long ago that do not know the extension of RFC 5746.
    context.options |= getattr(ssl, "OP_LEGACY_SERVER_CONNECT", 0x4)
    return context


@functools.cache
def any_context() -> ssl.SSLContext:
    """Return a context for whatever version there is."""
    context = _lenient()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    return context


@functools.cache
def version_context(version: str) -> ssl.SSLContext:
    """Return a context for one version of TLS, or raise ``ValueError`` where the library does not have it."""
    context = _lenient()
    wanted = ssl.TLSVersion[_VERSIONS[version]]
    with warnings.catch_warnings():
        # That old versions are old is why they are looked for.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = wanted
        context.maximum_version = wanted
    return context


@functools.cache
def trust_context(ca_file: str | None) -> ssl.SSLContext:
    """Return a context that trusts the authorities of a file, or those of the system, or raise ``ValueError``."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ValueError(f"ca_file: {ca_file}: {error.strerror or error}") from None
    context.check_hostname = False
    return context


def can_offer(version: str) -> bool:
    """Whether the library here sends a ClientHello of this version: some are built, or told, not to."""
    try:
        outgoing = ssl.MemoryBIO()
        version_context(version).wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="mail.example.org").do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.pending > 0
    except (ssl.SSLError, ValueError):
        pass
    return False


@functools.cache
def offered() -> t.Sequence[str]:
    """Return the versions that can be looked for."""
    return tuple(version for version in TLS_VERSIONS if can_offer(version))


def verdict(error: ssl.SSLError) -> str:
    """Return what an error of a handshake says about the version that was offered."""
    reason = (getattr(error, "reason", None) or str(error)).upper()
    return REFUSED if any(name in reason for name in _REFUSALS) else NOT_CHECKED


def words(error: ssl.SSLError) -> str:
    """Return an error in OpenSSL's words."""
    return (getattr(error, "reason", None) or error.strerror or str(error)).replace("_", " ").lower()

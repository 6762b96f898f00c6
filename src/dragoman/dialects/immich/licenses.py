"""Handlers of licences, which are Immich's to sell and to verify: nobody has one here, and none is good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.dialects.immich.refusals import LicenseRefused, NoLicense
from dragoman.dialects.immich.wire import ImmichApi
from dragoman.dialects.immich.wire.licenses import LicenseKeyDto, LicenseResponseDto
from dragoman.handlers import Call, serve
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork


def get_license(_uow: UnitOfWork, _call: Call, _ask: Nothing) -> LicenseResponseDto:
    raise NoLicense


def set_license(_uow: UnitOfWork, _call: Call, _ask: LicenseKeyDto) -> LicenseResponseDto:
    """Whether a key is genuine only its seller can tell; the words are those for one that is not."""
    raise LicenseRefused


def delete_license(_uow: UnitOfWork, _call: Call, _ask: Nothing) -> Nothing:
    """There is none, before and after."""
    return Nothing()


BOUND = (
    serve(ImmichApi.get_user_license, get_license),
    serve(ImmichApi.set_user_license, set_license),
    serve(ImmichApi.delete_user_license, delete_license),
    serve(ImmichApi.get_server_license, get_license),
    serve(ImmichApi.set_server_license, set_license),
    serve(ImmichApi.delete_server_license, delete_license),
)

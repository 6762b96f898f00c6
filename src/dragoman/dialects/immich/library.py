"""Handlers of what apps ask of the photo library at sign-in (contract §8): nothing is in it, so nothing is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dragoman.dialects.immich.wire import ImmichApi
from dragoman.dialects.immich.wire.library import (
    AlbumStatisticsResponseDto,
    AssetStatsResponseDto,
    PeopleResponseDto,
    SearchAlbumResponseDto,
    SearchAssetResponseDto,
    SearchResponseDto,
    Things,
)
from dragoman.handlers import Bound, Call, serve
from dragoman.wire import Answer, Operation

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

NOTHING_FOUND = Things([])
NO_ASSETS = AssetStatsResponseDto(images=0, videos=0, total=0)


def always(operation: Operation[Any, Answer], answer: Answer) -> Bound:
    """The operation, answered alike whoever asks for whatever."""

    def handler(_uow: UnitOfWork, _call: Call, _ask: Any) -> Answer:
        return answer

    return serve(operation, handler)


BOUND = (
    always(ImmichApi.get_all_albums, NOTHING_FOUND),
    always(ImmichApi.get_album_statistics, AlbumStatisticsResponseDto(owned=0, shared=0, not_shared=0)),
    always(ImmichApi.get_asset_statistics, NO_ASSETS),
    always(ImmichApi.get_all_libraries, NOTHING_FOUND),
    always(ImmichApi.get_map_markers, NOTHING_FOUND),
    always(ImmichApi.search_memories, NOTHING_FOUND),
    always(ImmichApi.get_notifications, NOTHING_FOUND),
    always(ImmichApi.get_partners, NOTHING_FOUND),
    always(ImmichApi.get_all_people, PeopleResponseDto(total=0, hidden=0, people=[], has_next_page=False)),
    always(
        ImmichApi.search_assets,
        SearchResponseDto(
            albums=SearchAlbumResponseDto(total=0, count=0, items=[], facets=[]),
            assets=SearchAssetResponseDto(
                total=0, count=0, items=[], facets=[], next_page=None, next_cursor=None
            ),
        ),
    ),
    always(ImmichApi.get_all_shared_links, NOTHING_FOUND),
    always(ImmichApi.search_stacks, NOTHING_FOUND),
    always(ImmichApi.get_sync_ack, NOTHING_FOUND),
    always(ImmichApi.get_all_tags, NOTHING_FOUND),
    always(ImmichApi.get_time_buckets, NOTHING_FOUND),
)

"""What apps ask of the photo library at sign-in: contract §8. Nobody keeps photos here, so nothing is in it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import WithJsonSchema

from dragoman.dialects.immich import field_rules as rules
from dragoman.dialects.immich.choices import VISIBILITIES, Direction
from dragoman.dialects.immich.wire.fields import A_BOOLEAN, A_STRING, ImmichWire, MaybeCount
from dragoman.wire import OMITTED, Access, Array, Endpoint, InQuery, Later, Nothing

MaybeId = Annotated[str | None, InQuery(), rules.UUID, A_STRING, OMITTED]
MaybeFilter = Annotated[bool | None, InQuery(), rules.FLAG_IN_QUERY, A_BOOLEAN, OMITTED]


class Things(Array[dict[str, Any]]):
    """A bare array of JSON objects, which are the product's to describe."""


class AlbumSearch(ImmichWire):
    asset_id: MaybeId = None
    shared: MaybeFilter = None
    id: MaybeId = None
    name: Annotated[str | None, InQuery(), A_STRING, OMITTED] = None
    is_owned: MaybeFilter = None
    is_shared: MaybeFilter = None


class PartnerSearch(ImmichWire):
    direction: Annotated[Direction, InQuery(), rules.DIRECTION]


class AssetStatsDto(ImmichWire):
    visibility: Annotated[
        str | None,
        InQuery(),
        rules.VISIBILITY,
        WithJsonSchema({"type": "string", "enum": list(VISIBILITIES)}),
        OMITTED,
    ] = None
    is_favorite: MaybeFilter = None
    is_trashed: MaybeFilter = None


class MetadataSearchDto(ImmichWire):
    """The two of its many fields that say how much is wanted; what else is given finds nothing, too."""

    page: MaybeCount = None
    size: MaybeCount = None


class AlbumStatisticsResponseDto(ImmichWire):
    owned: int
    shared: int
    not_shared: int


class AssetStatsResponseDto(ImmichWire):
    images: int
    videos: int
    total: int


class PeopleResponseDto(ImmichWire):
    total: int
    hidden: int
    people: list[dict[str, Any]]
    has_next_page: Annotated[bool | None, A_BOOLEAN, OMITTED] = None


class SearchAlbumResponseDto(ImmichWire):
    total: int
    count: int
    items: list[dict[str, Any]]
    facets: list[dict[str, Any]]


class SearchAssetResponseDto(ImmichWire):
    total: int
    count: int
    items: list[dict[str, Any]]
    facets: list[dict[str, Any]]
    next_page: str | None
    next_cursor: Annotated[str | None, Later(nullable=True)] = None


class SearchResponseDto(ImmichWire):
    albums: SearchAlbumResponseDto
    assets: SearchAssetResponseDto


class LibraryApi:
    """What of the photo library is asked for by whoever only signs in."""

    get_all_albums = Endpoint("GET", "/api/albums", AlbumSearch, Things, tag="Albums")
    get_album_statistics = Endpoint(
        "GET", "/api/albums/statistics", Nothing, AlbumStatisticsResponseDto, tag="Albums"
    )
    get_asset_statistics = Endpoint(
        "GET", "/api/assets/statistics", AssetStatsDto, AssetStatsResponseDto, tag="Assets"
    )
    get_all_libraries = Endpoint(
        "GET", "/api/libraries", Nothing, Things, access=Access.ADMIN, tag="Libraries"
    )
    get_map_markers = Endpoint("GET", "/api/map/markers", Nothing, Things, tag="Map")
    search_memories = Endpoint("GET", "/api/memories", Nothing, Things, tag="Memories")
    get_notifications = Endpoint("GET", "/api/notifications", Nothing, Things, tag="Notifications")
    get_partners = Endpoint("GET", "/api/partners", PartnerSearch, Things, tag="Partners")
    get_all_people = Endpoint("GET", "/api/people", Nothing, PeopleResponseDto, tag="People")
    search_assets = Endpoint(
        "POST", "/api/search/metadata", MetadataSearchDto, SearchResponseDto, tag="Search"
    )
    get_all_shared_links = Endpoint("GET", "/api/shared-links", Nothing, Things, tag="Shared Links")
    search_stacks = Endpoint("GET", "/api/stacks", Nothing, Things, tag="Stacks")
    get_sync_ack = Endpoint("GET", "/api/sync/ack", Nothing, Things, tag="Sync")
    get_all_tags = Endpoint("GET", "/api/tags", Nothing, Things, tag="Tags")
    get_time_buckets = Endpoint("GET", "/api/timeline/buckets", Nothing, Things, tag="Timeline")

"""The permissions that an Immich API key can have: each release's own names, in its own order (contract §8).

The order is the one in which the product lists them, to a key's owner and when it complains.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

Table = Sequence[tuple[str, str]]


def named(table: Table) -> Iterator[str]:
    """The names in a table of things and what may be done with each; "" is the name alone."""
    for thing, verbs in table:
        yield from (f"{thing}.{verb}" for verb in verbs.split())
        if not verbs:
            yield thing


V1_134: tuple[str, ...] = tuple(
    named(
        [
            ("all", ""),
            ("activity", "create read update delete statistics"),
            ("apiKey", "create read update delete"),
            ("asset", "read update delete share view download upload"),
            ("album", "create read update delete statistics addAsset removeAsset share download"),
            ("authDevice", "delete"),
            ("archive", "read"),
            ("face", "create read update delete"),
            ("library", "create read update delete statistics"),
            ("timeline", "read download"),
            ("memory", "create read update delete"),
            ("notification", "create read update delete"),
            ("partner", "create read update delete"),
            ("person", "create read update delete statistics merge reassign"),
            ("session", "create read update delete lock"),
            ("sharedLink", "create read update delete"),
            ("stack", "create read update delete"),
            ("systemConfig", "read update"),
            ("systemMetadata", "read update"),
            ("tag", "create read update delete asset"),
            ("admin.user", "create read update delete"),
        ]
    )
)
V2_7: tuple[str, ...] = tuple(
    named(
        [
            ("all", ""),
            ("activity", "create read update delete statistics"),
            ("apiKey", "create read update delete"),
            ("asset", "read update delete statistics share view download upload replace copy derive"),
            ("asset.edit", "get create delete"),
            ("album", "create read update delete statistics share download"),
            ("albumAsset", "create delete"),
            ("albumUser", "create update delete"),
            ("auth", "changePassword"),
            ("authDevice", "delete"),
            ("archive", "read"),
            ("backup", "list download upload delete"),
            ("duplicate", "read delete"),
            ("face", "create read update delete"),
            ("folder", "read"),
            ("job", "create read"),
            ("library", "create read update delete statistics"),
            ("timeline", "read download"),
            ("maintenance", ""),
            ("map", "read search"),
            ("memory", "create read update delete statistics"),
            ("memoryAsset", "create delete"),
            ("notification", "create read update delete"),
            ("partner", "create read update delete"),
            ("person", "create read update delete statistics merge reassign"),
            ("pinCode", "create update delete"),
            ("plugin", "create read update delete"),
            ("server", "about apkLinks storage statistics versionCheck"),
            ("serverLicense", "read update delete"),
            ("session", "create read update delete lock"),
            ("sharedLink", "create read update delete"),
            ("stack", "create read update delete"),
            ("sync", "stream"),
            ("syncCheckpoint", "read update delete"),
            ("systemConfig", "read update"),
            ("systemMetadata", "read update"),
            ("tag", "create read update delete asset"),
            ("user", "read update"),
            ("userLicense", "create read update delete"),
            ("userOnboarding", "read update delete"),
            ("userPreference", "read update"),
            ("userProfileImage", "create read update delete"),
            ("queue", "read update"),
            ("queueJob", "create read update delete"),
            ("workflow", "create read update delete"),
            ("adminUser", "create read update delete"),
            ("adminSession", "read"),
            ("adminAuth", "unlinkAll"),
        ]
    )
)
V3_2: tuple[str, ...] = tuple(
    named(
        [
            ("all", ""),
            ("activity", "create read update delete statistics"),
            ("apiKey", "create read update delete rotate"),
            ("asset", "read update delete statistics share view download upload copy derive"),
            ("assetFile", "read delete download"),
            ("asset.edit", "get create delete"),
            ("album", "create read update delete statistics share download"),
            ("albumAsset", "create delete"),
            ("albumUser", "create update delete"),
            ("auth", "changePassword"),
            ("authDevice", "delete"),
            ("archive", "read"),
            ("backup", "list download upload delete"),
            ("clusterGroup", "read leave"),
            ("clusterGroupRequest", "create read delete"),
            ("adminConfig", "read update"),
            ("userConfig", "read"),
            ("duplicate", "read delete"),
            ("face", "create read update delete"),
            ("folder", "read"),
            ("job", "create read"),
            ("library", "create read update delete statistics"),
            ("timeline", "read download"),
            ("maintenance", ""),
            ("map", "read search"),
            ("memory", "create read update delete statistics"),
            ("memoryAsset", "create delete"),
            ("notification", "create read update delete"),
            ("partner", "create read update delete"),
            ("person", "create read update delete statistics merge reassign"),
            ("pinCode", "create update delete"),
            ("plugin", "create read update delete"),
            ("server", "about apkLinks storage statistics versionCheck"),
            ("serverLicense", "read update delete"),
            ("session", "create read update delete lock"),
            ("sharedLink", "create read update delete"),
            ("stack", "create read update delete"),
            ("sync", "stream"),
            ("syncCheckpoint", "read update delete"),
            ("systemConfig", "read update"),
            ("systemMetadata", "read update"),
            ("tag", "create read update delete asset"),
            ("user", "read update"),
            ("userLicense", "create read update delete"),
            ("userOnboarding", "read update delete"),
            ("userPreference", "read update"),
            ("userProfileImage", "create read update delete"),
            ("queue", "read update"),
            ("queueJob", "create read update delete"),
            ("workflow", "create read update delete logs"),
            ("adminUser", "create read update delete"),
            ("adminSession", "read"),
            ("adminAuth", "unlinkAll"),
        ]
    )
)

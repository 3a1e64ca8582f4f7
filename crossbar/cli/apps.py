"""Registering the apps of a user interface, which lie in folders as their makers deliver them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from crossbar.app import Gateway
from crossbar.cli.commands import Refusal, print_json, with_gateway
from crossbar.core.requests import Upload
from crossbar.families.brand import AppFiles, list_registered, register_apps, usual_apps
from crossbar.settings import Settings

METADATA = Path("metadata", "app.json")
LARGEST_DOCUMENT = 1_000_000
LARGEST_IMAGE = 5_000_000
"""Bytes of a file that is taken."""

MAX_SCREENSHOTS = 20

IMAGE_TYPES = {
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}


def app_import(options: argparse.Namespace, settings: Settings) -> int:
    """Register the apps of a folder, else those that come with Crossbar."""
    apps = usual_apps() if options.folder is None else list(apps_in(options.folder))

    async def register(gateway: Gateway) -> Mapping[str, str]:
        try:
            return await register_apps(gateway.services, apps, options.api_url)
        except LookupError:
            raise Refusal("there is no master account; `crossbar init` makes one") from None

    for name, outcome in with_gateway(settings, register).items():
        print(f"{outcome:8} {name}")
    return 0


def app_list(options: argparse.Namespace, settings: Settings) -> int:
    """List the apps that are registered."""
    apps: list[dict[str, Any]] = with_gateway(
        settings, lambda gateway: list_registered(gateway.services)
    )
    if options.json:
        print_json(apps)
    else:
        for app in apps:
            print(f"{app['id']}  {app['name']:16} {app['label']}")
    return 0


def apps_in(folder: Path) -> Iterator[AppFiles]:
    """The apps in a folder: itself, those below it, or those of a user interface.

    Raises :class:`Refusal`.
    """
    found = [each for each in _candidates(folder) if (each / METADATA).is_file()]
    if not found:
        raise Refusal(f"there is no {METADATA} in {folder}, nor in the folders below it")
    yield from map(_read, found)


def _candidates(folder: Path) -> Iterable[Path]:
    if not folder.is_dir():
        raise Refusal(f"there is no folder {folder}")
    places = (folder, folder / "apps", folder / "src" / "apps")
    below = [sorted(place.iterdir()) for place in places if place.is_dir()]
    return [folder, *(each for entries in below for each in entries if each.is_dir())]


def _read(folder: Path) -> AppFiles:
    file = folder / METADATA
    try:
        document = json.loads(_content(file, LARGEST_DOCUMENT))
    except ValueError as error:
        raise Refusal(f"{file} is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise Refusal(f"{file} is no JSON object")
    images = {}
    for name, place in _named_images(document):
        image = file.parent / place / name
        if image.is_file() and (content_type := IMAGE_TYPES.get(image.suffix.lower())):
            content = _content(image, LARGEST_IMAGE)
            images[name] = Upload(name=name, content_type=content_type, content=content)
    return AppFiles(document=document, images=images)


def _named_images(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The names of images in a document, and the folders in which they lie."""
    screenshots = document.get("screenshots")
    names = screenshots[:MAX_SCREENSHOTS] if isinstance(screenshots, list) else []
    for name, place in (
        (document.get("icon"), "icon"),
        *((each, "screenshots") for each in names),
    ):
        if isinstance(name, str) and name and Path(name).name == name:
            yield name, place


def _content(file: Path, most: int) -> bytes:
    """The bytes of a file. Raises :class:`Refusal` when there are too many."""
    if file.stat().st_size > most:
        raise Refusal(f"{file} is larger than {most} bytes")
    return file.read_bytes()


APP_COMMANDS: Mapping[str, Callable[[argparse.Namespace, Settings], int]] = {
    "app import": app_import,
    "app list": app_list,
}
"""What is typed, and what it does."""

"""Audio: uploaded, listened to, downloaded."""

from __future__ import annotations

import io
import wave
from pathlib import Path

from playwright.async_api import expect

from tests.browser.support import Console


def tone() -> bytes:
    """A tenth of a second of silence, as WAV."""
    file = io.BytesIO()
    with wave.open(file, "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(8000)
        audio.writeframes(bytes(1600))
    return file.getvalue()


async def test_audio_is_uploaded_played_and_downloaded(console: Console, tmp_path: Path) -> None:
    page = console.page
    sent = {"name": "Greeting", "media_source": "upload"}
    media = console.site.api("PUT", f"/accounts/{console.account.id}/media", sent)
    await console.go("media", media["id"], title="Greeting")
    await console.press("Audio")
    await expect(page.get_by_text("There is no audio yet.")).to_be_visible()
    file = tmp_path / "greeting.wav"
    file.write_bytes(tone())
    await page.get_by_label("Upload audio").set_input_files(file)
    player = page.locator("audio")
    await expect(player).to_be_visible()
    await player.evaluate("audio => audio.play()")
    await expect(player).to_have_js_property("ended", True)
    assert await player.evaluate("audio => audio.error") is None
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download").click()
    saved = tmp_path / "saved.wav"
    await (await download.value).save_as(saved)
    assert saved.read_bytes() == tone()
    stored = console.site.api("GET", f"/accounts/{console.account.id}/media/{media['id']}")
    assert stored["content_length"] == len(tone())

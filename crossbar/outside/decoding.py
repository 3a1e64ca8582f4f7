"""Makes of a file with sound what telephones play, as a program of its own.

It reads WAV, MP3, Ogg or FLAC from its input. To its output, which has to be a file, it writes a
WAV file of one channel, 8000 samples a second, 16 bits each. What cannot be heard is told on its
error output, in a line, and it ends with 1. Nothing else of the server is loaded here: who writes
a file that makes a library fail ends this program alone, and the system gives it so much memory,
and lets it write so much, and no more.
"""

from __future__ import annotations

import io
import os
import resource
import sys
import wave
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from soundfile import SoundFile

RATE = 8000
"""Samples a second of what is made."""

LONGEST = 1800
"""Seconds of a sound."""

SLOWEST, QUICKEST = 4_000, 96_000
"""Samples a second that a sound may have."""

MOST_CHANNELS = 2
BLOCK = 16_384
"""Samples of each channel that are worked on at a time."""

BEGINNINGS = (b"RIFF", b"ID3", b"\xff", b"OggS", b"fLaC")
"""How files begin that are read. The library knows stranger ones, which nobody needs it to try."""

MEMORY = 500_000_000
"""Bytes of addresses that the program may use."""


class Unplayable(Exception):
    """Nothing can be heard of this."""


def main() -> int:
    """Make the sound of what is read; 1 when that cannot be, with the reason."""
    most = 2 * RATE * (LONGEST + 60)
    told = os.fdopen(os.dup(2), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries say whatever they like there
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # each of them would take of the memory
    os.nice(10)  # calls are not to stutter meanwhile
    try:
        decode(sys.stdin.buffer.read(), sys.stdout.buffer)
    except Unplayable as error:
        why = str(error)
    except MemoryError:  # also of what the system has refused
        why = "the file is too large"
    except Exception as error:  # of libraries, which meet what nobody has thought of
        why = f"the file cannot be read: {type(error).__name__}"
    else:
        return 0
    with told:
        told.write(f"{why}\n")
    return 1


def decode(content: bytes, out: BinaryIO) -> None:
    """Write the sound of a file to another, which can be sought. Raises :class:`Unplayable`."""
    if not content.startswith(BEGINNINGS):
        raise Unplayable("this is neither WAV, MP3, Ogg nor FLAC")
    from soundfile import LibsndfileError, SoundFile  # loaded here, below the limits

    class Forward(SoundFile):  # type: ignore[misc]
        """A file that is read on and on. What seeks after each block loses a bit of MP3 there."""

        def seekable(self) -> bool:
            return False

    length = 0
    try:
        with Forward(io.BytesIO(content)) as sound, wave.open(out, "wb") as made:
            made.setnchannels(1)
            made.setsampwidth(2)
            made.setframerate(RATE)
            for samples in _samples(sound):
                length += len(samples) // 2
                if length > LONGEST * RATE:
                    raise Unplayable(f"it is longer than {LONGEST // 60} minutes")
                made.writeframes(samples)
    except LibsndfileError:
        if not length:  # else it is heard as far as it goes
            raise Unplayable("the sound in it cannot be read") from None
    if not length:
        raise Unplayable("nothing is to be heard in it")


def _samples(sound: SoundFile) -> Iterator[bytes]:
    """The samples as they are written, bit by bit: so no file takes more memory than another."""
    from soxr import ResampleStream

    rate, channels = sound.samplerate, sound.channels
    if not SLOWEST <= rate <= QUICKEST or channels > MOST_CHANNELS:
        raise Unplayable(f"{channels} channels at {rate} Hz")
    stream = ResampleStream(rate, RATE, 1, dtype="float32")
    is_over = False
    while not is_over:
        block = sound.read(BLOCK, dtype="float32", always_2d=True)
        is_over = not len(block)
        made = stream.resample_chunk(block.mean(axis=1), last=is_over)
        yield (made.clip(-1, 1) * 32_767).astype("int16").tobytes()


if __name__ == "__main__":
    sys.exit(main())

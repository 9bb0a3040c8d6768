"""Damage to bytes and to text, drawn from a seed."""

import random

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 2**40, 2**63 - 1, 2**64 - 1)
# Numbers and names that stand in tables and configs where others were.
WORDS = (
    *(b"", b"nan", b"inf", b"-1", b"0", b"1e400", b"9" * 400, b"-0.0", b"None", b"true", b"../../x", b"/etc/passwd"),
    *(b"a\x00b", b"\xed\xa0\x80", b"\xff\xfe", "\N{RIGHT-TO-LEFT OVERRIDE}".encode(), b"x" * 5000, b"2001-99-99"),
    *(b"[" * 400, b"{a: " * 400, b"&a [*a, *a]", b"!!python/object/apply:os.getcwd []", b'"', b"'", b"\n", b"\t", b","),
)


def mutate(data: bytes, rng: random.Random, others: tuple[bytes, ...] = ()) -> bytes:
    """One to three faults of those that files have: bits, cuts, holes, insertions, splices, absurd numbers."""
    found = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(len(found) + 1)
        end = min(len(found), at + rng.choice((1, 4, 16, 64, 512)))
        match rng.randrange(8):
            case 0:
                for _ in range(rng.choice((1, 2, 8))):
                    if found:
                        found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)
            case 1:
                del found[at:]
            case 2:
                del found[at:end]
            case 3:
                found[at:at] = rng.randbytes(rng.choice((1, 4, 64)))
            case 4:
                found[at:end] = bytes([rng.choice((0, 0xFF))]) * (end - at)
            case 5:  # a block of this or another such file
                other = rng.choice((data, *others))
                start = rng.randrange(len(other) + 1)
                found[at:end] = other[start : start + end - at]
            case 6:
                width, order = rng.choice((1, 2, 4, 8)), rng.choice(("little", "big"))
                value = rng.choice(EXTREMES) % (1 << 8 * width)
                found[at : at + width] = value.to_bytes(width, order)
            case _:
                found[at:end] = rng.choice(WORDS)
    return bytes(found)

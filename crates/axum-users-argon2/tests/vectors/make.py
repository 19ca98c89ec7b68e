"""Prints the tags that the C reference gives, through argon2-cffi: `python make.py > argon2-cffi.txt`, in the environment of
scripts/setup-reference. On each line algorithm, version, memory in KiB, iterations, lanes, password, salt and tag.
`python make.py NUMBER` prints so many by chance instead, each time others."""

import random
import sys

from argon2.low_level import Type, hash_secret_raw

chance = random.Random(9106) if len(sys.argv) == 1 else random.SystemRandom()


def show(kind, version, memory, iterations, lanes, password, salt, tag_bytes):
    tag = hash_secret_raw(password, salt, iterations, memory, lanes, tag_bytes, kind, version)
    name = "argon2" + kind.name.lower()
    print(name, version, memory, iterations, lanes, password.hex() or "-", salt.hex(), tag.hex())


for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 0):
    lanes = chance.randrange(1, 17)
    memory = chance.randrange(8 * lanes, 8 * lanes + chance.choice([2, 100, 1000]))
    password, salt = (chance.randbytes(chance.randrange(least, 200)) for least in (0, 8))
    kind, version = chance.choice([Type.D, Type.I, Type.ID]), chance.choice([16, 19])
    show(kind, version, memory, chance.randrange(1, 17), lanes, password, salt, chance.randrange(4, 200))
if len(sys.argv) > 1:
    sys.exit()

# What is in use: fastapi-users, OWASP's recommendations, and the largest that is verified.
for memory, iterations, lanes in [(65536, 3, 4), (19456, 2, 1), (47104, 1, 1), (262144, 1, 16)]:
    show(Type.ID, 19, memory, iterations, lanes, b"guinevere", b"sixteen bytes!!!", 32)

for kind in (Type.D, Type.I, Type.ID):
    for version in (16, 19):
        # The least memory, and one that is no multiple of four blocks for each lane, for each number of lanes.
        for lanes in range(1, 17):
            show(kind, version, 8 * lanes, 2, lanes, b"guinevere", b"8 bytes!", 32)
            show(kind, version, 8 * lanes + chance.randrange(1, 600), 2, lanes, b"guinevere", b"8 bytes!", 32)
        # Tags of every length up to that of two digests and more, and other passwords and salts.
        for tag_bytes in [*range(4, 140, 5), 32, 64, 65, 96, 1024]:
            lanes = chance.randrange(1, 6)
            memory = chance.randrange(8 * lanes, 40 * lanes)
            password = chance.randbytes(chance.choice([0, 1, 8, 63, 64, 127, 128, 129, 300]))
            salt = chance.randbytes(chance.randrange(8, 70))
            show(kind, version, memory, chance.randrange(1, 5), lanes, password, salt, tag_bytes)
    # More references than one block of them has, and more passes.
    show(kind, 19, 2500, 1, 1, b"guinevere", b"sixteen bytes!!!", 32)
    show(kind, 19, 5003, 2, 3, b"guinevere", b"sixteen bytes!!!", 32)
    show(kind, 19, 64, 16, 2, b"guinevere", b"sixteen bytes!!!", 32)

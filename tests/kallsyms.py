"""Addresses of a Linux kernel's symbols, from the kernel itself: kallsyms.py VMLINUZ NAME...

A bzImage with an ELF kernel inside, compressed by xz (Debian's i386 ones). The tables are those of scripts/kallsyms.c as it is
from Linux 4.6 to 6.3: offsets, relative_base, num_syms, names, markers, (seqs_of_names,) token_table, token_index.
"""
import lzma
import re
import struct
import sys


def unpack(path):
    image = open(path, "rb").read()
    offset, size = struct.unpack_from("<II", image, 0x248)  # payload_offset, payload_length: Documentation/x86/boot.rst
    at = (image[0x1f1] + 1) * 512 + offset
    return lzma.LZMADecompressor().decompress(image[at:at + size])


def u32(data, at):
    return struct.unpack_from("<I", data, at)[0]


def symbols(k):
    # tokens 0x30 to 0x39 are the digits themselves; before them lie 48 others, 256 there are
    for found in re.finditer(b"\0" + b"\0".join(b"%d" % n for n in range(10)) + b"\0", k):
        start = found.start()
        for _ in range(48):
            start = k.rfind(b"\0", 0, start)
        start += 1
        tokens = k[start:start + 4096].split(b"\0")[:256]
        index = (start + sum(len(t) + 1 for t in tokens) + 3) & ~3
        if struct.unpack_from("<2H", k, index) == (0, len(tokens[0]) + 1):
            break
    else:
        sys.exit("kallsyms: no token table")
    # before them, with or without a table of sequence numbers between, the markers: the place of every 256th name, from 0
    words = struct.unpack_from("<%dI" % (1 << 20), k, (start & ~3) - (4 << 20))
    for first in range(len(words) - 100):
        last = first
        while words[first] == 0 and last + 1 < len(words) and 256 < words[last + 1] - words[last] < 256 * 64:
            last += 1
        if last - first > 100:
            break
    else:
        sys.exit("kallsyms: no markers")
    markers = words[first:last + 1]
    at = (start & ~3) - (4 << 20) + 4 * first
    # names begin behind their number
    for names in range(at - markers[-1] & ~3, at - markers[-1] - 65536, -4):
        count = u32(k, names - 4)
        if (count + 255) // 256 == len(markers):
            break
    else:
        sys.exit("kallsyms: no names")
    base = u32(k, names - 8)
    offsets = names - 8 - 4 * count
    for n in range(count):
        length = k[names]
        names += 1
        if length & 0x80:
            length = length & 0x7f | k[names] << 7
            names += 1
        text = b"".join(tokens[t] for t in k[names:names + length])
        names += length
        yield text[1:].decode(), base + u32(k, offsets + 4 * n) & 0xffffffff


table = {}
for name, address in symbols(unpack(sys.argv[1])):
    table.setdefault(name, address)
for name in sys.argv[2:]:
    if name not in table:
        sys.exit("kallsyms: no symbol is called %s" % name)
    print("%#x" % table[name])

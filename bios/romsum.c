/*
 * romsum FILE: sets the last byte of an option ROM so that all bytes add up to 0 (PCI Firmware 3.0, 5.2). Status 2: those of one of its pages
 * alone do so, too. PC-MOS/386 takes such a page for an empty one, and puts memory there.
 */
#include <stdio.h>

int main(int argc, char **argv)
{
    static unsigned char rom[0x10000];
    unsigned char sum = 0;
    size_t bytes;
    FILE *f = argc == 2 ? fopen(argv[1], "r+b") : NULL;

    if (!f) {
        fprintf(stderr, "usage: romsum FILE\n");
        return 1;
    }
    bytes = fread(rom, 1, sizeof rom, f);
    if (bytes < 512 || bytes % 512 || rom[2] * 512u != bytes) {
        fprintf(stderr, "romsum: %s: %zu bytes, but its header says %u blocks of 512\n", argv[1], bytes, rom[2]);
        return 1;
    }
    for (size_t i = 0; i + 1 < bytes; i++) {
        sum += rom[i];
    }
    rom[bytes - 1] = -sum;
    rewind(f);
    fwrite(rom, 1, bytes, f);
    if (fclose(f)) {
        fprintf(stderr, "romsum: can not write %s\n", argv[1]);
        return 1;
    }
    for (size_t page = 0; page < bytes; page += 4096) {
        sum = 0;
        for (size_t i = page; i < page + 4096 && i < bytes; i++) {
            sum += rom[i];
        }
        if (sum == 0) {
            return 2;
        }
    }
    return 0;
}

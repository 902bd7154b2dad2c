/*
 * mkdisk IMAGE BYTES BOOT KERNEL FILE...: puts the demo disk together. Runs on the host.
 *
 *   sector 0        the boot sector, told the kernel's length and where the directory is
 *   1...            the kernel
 *   then            the directory: two sectors of FileInfo (abi.h), and the files, each from a sector of its own on
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"

#define SECTOR 512
#define DIRECTORY_SECTORS 2
#define BOOT_NUMBERS 4 /* offset in the boot sector: kernel's sectors, directory's sector, 16 bits each */

static unsigned char *image;
static size_t image_bytes;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "mkdisk: %s: %s\n", what, why);
    exit(1);
}

/* Read a file into the image from that sector on. Returns its bytes. */
static size_t put_file(const char *name, size_t sector)
{
    FILE *f = fopen(name, "rb");
    if (!f)
        die(name, "cannot be read");
    size_t room = image_bytes - sector * SECTOR;
    size_t bytes = fread(image + sector * SECTOR, 1, room, f);
    if (fgetc(f) != EOF)
        die(name, "the image is full");
    fclose(f);
    return bytes;
}

static size_t sectors(size_t bytes)
{
    return (bytes + SECTOR - 1) / SECTOR;
}

static void put16(size_t at, size_t value)
{
    image[at] = value;
    image[at + 1] = value >> 8;
}

int main(int argc, char **argv)
{
    if (argc < 5)
        die("usage", "mkdisk IMAGE BYTES BOOT KERNEL FILE...");
    image_bytes = strtoul(argv[2], NULL, 0);
    image = calloc(1, image_bytes);
    if (!image || put_file(argv[3], 0) != SECTOR)
        die(argv[3], "a boot sector has 512 bytes");

    size_t kernel = sectors(put_file(argv[4], 1)), directory = 1 + kernel, next = directory + DIRECTORY_SECTORS;
    put16(BOOT_NUMBERS, kernel);
    put16(BOOT_NUMBERS + 2, directory);
    FileInfo *entry = (FileInfo *)(image + directory * SECTOR);
    for (int n = 5; n < argc; n++, entry++) {
        const char *slash = strrchr(argv[n], '/'), *name = slash ? slash + 1 : argv[n];
        if (n - 5 >= (int)(DIRECTORY_SECTORS * SECTOR / sizeof *entry) - 1 || strlen(name) >= sizeof entry->name)
            die(name, "the directory has no room");
        size_t bytes = put_file(argv[n], next);
        strcpy(entry->name, name);
        entry->sector = next;
        entry->bytes = bytes;
        next += sectors(bytes);
    }
    FILE *out = fopen(argv[1], "wb");
    if (!out || fwrite(image, 1, image_bytes, out) != image_bytes || fclose(out))
        die(argv[1], "cannot be written");
    return 0;
}

/*
 * What format an image has, by its magic numbers.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Name the format from the first head_len bytes (as many as there are, 4096 will do) and the last 512 bytes (NULL if
 * there are fewer). "raw" when nothing else matches. A compressed file is named too ("gzip", "xz", "zstd", "bzip2",
 * "zip").
 */
const char *probe_format(const uint8_t *head, size_t head_len, const uint8_t *tail);

/* The command that makes a raw image of a file of that format, for messages; owned by the caller. NULL if unknown. */
char *probe_conversion(const char *format, const char *path);

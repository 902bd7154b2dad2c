/*
 * Names for addresses, from a kernel's ELF file (-symbols kernel.elf): functions in traces, explanations, the monitor.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Symbols Symbols;

/* Read path's symbol table, 32- or 64-bit little-endian ELF. NULL and error when there is none. */
Symbols *symbols_load(const char *path, GError **error);
void symbols_free(Symbols *s);

/* "name" or "name+0x12" for addr, to be freed; NULL when nothing is near (or s is NULL). */
char *symbols_name(const Symbols *s, uint64_t addr);
bool symbols_find(const Symbols *s, const char *name, uint64_t *addr);
/* Append " <name+0x12>" when there is a name. */
void symbols_append(const Symbols *s, GString *out, uint64_t addr);

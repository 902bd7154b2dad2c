/*
 * Properties: "NAME,key=value,key=value", as QEMU's options are written, against a table of the keys there are.
 *
 * A table says for each key of what kind its value is and where in a struct it goes; the same table is printed by
 * `-OPTION help`, by the man page and by the shells' completions. A doubled comma stands for a comma. A key alone
 * means key=on, "nokey" key=off, as in QEMU's short forms.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum PropKind {
    PROP_STRING,  /* char *, g_malloc()ed */
    PROP_CHOICE,  /* char *, one of values: "a|b|c" */
    PROP_BOOL,    /* bool: on, off, yes, no, true, false */
    PROP_INT,     /* int, in any of C's notations; values may bound it: "0..3" */
    PROP_SEED,    /* uint64_t, from 1 */
    PROP_MIB,     /* uint64_t bytes, given in MiB or with a suffix K, M, G; values may bound it, in MiB: "1..1024" */
    PROP_IGNORED, /* one of QEMU's that changes nothing here */
} PropKind;

typedef struct Prop {
    const char *name; /* NULL ends a table */
    PropKind kind;
    size_t offset;
    const char *values;
    const char *help;
} Prop;

/*
 * Set the fields of *into that arg names. implied is the key of a first word without "=" (NULL: there is none).
 * option is what messages begin with, "drive" for -drive. False and error for an unknown key or a wrong value; fields
 * set so far stay.
 */
bool props_parse(const Prop *table, void *into, const char *option, const char *implied, const char *arg,
                 GError **error);

/* One property. */
bool props_set(const Prop *table, void *into, const char *option, const char *key, const char *value, GError **error);

/* "a=b,c=d,,e" taken apart at single commas: "a=b", "c=d,e". Free with g_strfreev(). */
char **props_split(const char *arg);

/* A table for people, a line each. */
void props_print(const Prop *table, GString *out);

/* The nearest of names (ended by NULL) in letters to change, or NULL when none is near. */
const char *nearest_name(const char *word, const char *const *names);

/* Is value one of names? If not, an error that says which they are and which is nearest. */
bool one_of(const char *option, const char *value, const char *const *names, GError **error);

/* A message in OPTIONS_ERROR_DOMAIN; returns false. */
bool option_fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

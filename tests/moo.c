/*
 * MOO files: chunks of a 4-byte tag, a 32-bit length and a payload, little-endian, the whole gzip-compressed. A TEST chunk
 * holds an index and chunks of its own. Chunks that are not known are skipped.
 */
#include <string.h>

#include <gio/gio.h>

#include "moo.h"

typedef struct Reader {
    const uint8_t *p, *end;
} Reader;

static uint32_t get(Reader *r, unsigned size)
{
    uint32_t v = 0;
    if ((size_t)(r->end - r->p) < size) {
        r->p = r->end;
        return 0;
    }
    for (unsigned i = 0; i < size; i++)
        v |= (uint32_t)r->p[i] << 8 * i;
    r->p += size;
    return v;
}

/* The next chunk; false at the end. */
static bool chunk(Reader *r, char tag[5], Reader *payload)
{
    if (r->end - r->p < 8)
        return false;
    memcpy(tag, r->p, 4);
    tag[4] = 0;
    r->p += 4;
    uint32_t len = get(r, 4);
    payload->p = r->p;
    r->p += MIN(len, (size_t)(r->end - r->p));
    payload->end = r->p;
    return true;
}

static void read_state(Reader *r, MooState *s)
{
    char tag[5];
    Reader c;
    while (chunk(r, tag, &c)) {
        if (!strcmp(tag, "REGS")) {
            s->mask = get(&c, 2);
            for (int i = 0; i < MOO_REGS; i++)
                if (s->mask & 1u << i)
                    s->reg[i] = get(&c, 2);
        } else if (!strcmp(tag, "RAM ")) {
            s->nram = get(&c, 4);
            s->nram = MIN(s->nram, (size_t)(c.end - c.p) / 5);
            s->ram = g_new(MooRam, s->nram);
            for (unsigned i = 0; i < s->nram; i++) {
                s->ram[i].addr = get(&c, 4);
                s->ram[i].value = get(&c, 1);
            }
        }
    }
}

static void read_test(Reader *r, MooTest *t)
{
    char tag[5];
    Reader c;
    t->index = get(r, 4);
    while (chunk(r, tag, &c)) {
        if (!strcmp(tag, "NAME")) {
            size_t n = get(&c, 4);
            n = MIN(MIN(n, (size_t)(c.end - c.p)), sizeof t->name - 1);
            memcpy(t->name, c.p, n);
        } else if (!strcmp(tag, "BYTS")) {
            t->len = get(&c, 4);
            t->len = MIN(MIN(t->len, sizeof t->bytes), (size_t)(c.end - c.p));
            memcpy(t->bytes, c.p, t->len);
        } else if (!strcmp(tag, "INIT")) {
            read_state(&c, &t->init);
        } else if (!strcmp(tag, "FINA")) {
            read_state(&c, &t->final);
        } else if (!strcmp(tag, "EXCP")) {
            t->exception = true;
            t->vector = get(&c, 1);
            t->flags_addr = get(&c, 4);
        }
    }
}

static GBytes *unzip(const char *path, GError **error)
{
    GFile *file = g_file_new_for_path(path);
    GInputStream *in = G_INPUT_STREAM(g_file_read(file, NULL, error));
    GBytes *bytes = NULL;
    if (in) {
        GConverter *gz = G_CONVERTER(g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP));
        GInputStream *plain = g_converter_input_stream_new(in, gz);
        GOutputStream *out = g_memory_output_stream_new_resizable();
        if (g_output_stream_splice(out, plain, G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, NULL, error) >= 0)
            bytes = g_memory_output_stream_steal_as_bytes(G_MEMORY_OUTPUT_STREAM(out));
        g_object_unref(out);
        g_object_unref(plain);
        g_object_unref(gz);
        g_object_unref(in);
    }
    g_object_unref(file);
    return bytes;
}

static void test_free(gpointer data)
{
    MooTest *t = data;
    g_free(t->init.ram);
    g_free(t->final.ram);
    g_free(t);
}

GPtrArray *moo_read(const char *path, GError **error)
{
    GBytes *bytes = unzip(path, error);
    if (!bytes)
        return NULL;
    gsize size;
    const uint8_t *data = g_bytes_get_data(bytes, &size);
    Reader r = { data, data + size }, c;
    GPtrArray *tests = g_ptr_array_new_with_free_func(test_free);
    char tag[5];
    while (chunk(&r, tag, &c))
        if (!strcmp(tag, "TEST")) {
            MooTest *t = g_new0(MooTest, 1);
            read_test(&c, t);
            g_ptr_array_add(tests, t);
        }
    g_bytes_unref(bytes);
    return tests;
}

void moo_free(GPtrArray *tests)
{
    g_ptr_array_unref(tests);
}

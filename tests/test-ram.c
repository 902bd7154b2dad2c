/* Guest RAM: the memfd and the page watches. */
#include "config.h"
#include "softmmu/ram.h"

#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void test_memory(void)
{
    g_autoptr(GError) error = NULL;
    Ram *ram = ram_new(16 * PAGE_SIZE, &error);
    uint8_t *view;

    g_assert_no_error(error);
    g_assert_cmpuint(ram->size, ==, 16 * PAGE_SIZE);
    for (unsigned i = 0; i < ram->size; i++)
        g_assert_cmpuint(ram->host[i], ==, 0);
    /* The same pages seen through the fd, as a sandbox maps them. */
    view = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED, ram->fd, 3 * PAGE_SIZE);
    g_assert_true(view != MAP_FAILED);
    ram->host[3 * PAGE_SIZE + 5] = 0x5a;
    g_assert_cmpuint(view[5], ==, 0x5a);
    munmap(view, PAGE_SIZE);
    ram_free(ram);
    ram_free(NULL);
}

/* Much more than the host has: either refused in words, or given without touching it. */
static void test_large(void)
{
    g_autoptr(GError) error = NULL;
    Ram *ram = ram_new(1ull << 62, &error);

    g_assert_null(ram);
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error->message, "-m"));
    g_clear_error(&error);
    ram = ram_new(3584ull << 20, &error);
    g_assert_no_error(error);
    ram->host[ram->size - 1] = 1;
    ram_free(ram);
}

typedef struct Seen {
    Ram *ram;
    GString *log;
} Seen;

static void written(void *opaque, uint64_t offset, uint64_t len)
{
    Seen *s = opaque;

    g_string_append_printf(s->log, "%x+%x=%02x ", (unsigned)offset, (unsigned)len, s->ram->host[offset]);
}

static void added(void *opaque, uint64_t offset, uint64_t len)
{
    ++*(int *)opaque;
}

static void test_watch(void)
{
    Ram *ram = ram_new(16 * PAGE_SIZE, NULL);
    Seen code = { ram, g_string_new(NULL) }, table = { ram, g_string_new(NULL) };
    int count = 0;

    ram_set_watcher(ram, WATCH_CODE, written, &code);
    ram_set_watcher(ram, WATCH_TABLE, written, &table);
    ram->watch_added = added;
    ram->watch_added_opaque = &count;

    ram_watch(ram, 0x1800, 0x1000, WATCH_CODE); /* touches pages 1 and 2 */
    g_assert_cmpint(count, ==, 1);
    g_assert_cmpuint(ram->watch[0], ==, 0);
    g_assert_cmpuint(ram->watch[1], ==, WATCH_CODE);
    g_assert_cmpuint(ram->watch[2], ==, WATCH_CODE);
    g_assert_cmpuint(ram->watch[3], ==, 0);
    ram_watch(ram, 0x1000, 1, WATCH_TABLE); /* watched before: writes are slow already */
    g_assert_cmpint(count, ==, 1);
    ram_watch(ram, 0x4000, 0x1000, WATCH_CODE);
    g_assert_cmpint(count, ==, 2);
    ram_watch(ram, 0x5000, 0, WATCH_CODE);
    g_assert_cmpint(count, ==, 2);

    ram_written(ram, 0x10, 8);
    g_assert_cmpstr(code.log->str, ==, "");
    ram->host[0x1ffe] = 0x77;
    ram_written(ram, 0x1ffe, 4); /* over the page edge: one call, before the store */
    g_assert_cmpstr(code.log->str, ==, "1ffe+4=77 ");
    g_assert_cmpstr(table.log->str, ==, "1ffe+2=77 ");
    g_string_truncate(code.log, 0);
    ram_written(ram, 0, 0x5000); /* pages 1-2 and 4, not 0 and 3 */
    g_assert_cmpstr(code.log->str, ==, "1000+2000=00 4000+1000=00 ");

    ram_unwatch(ram, 0x1000, 0x1000, WATCH_CODE);
    g_assert_cmpuint(ram->watch[1], ==, WATCH_TABLE);
    g_string_truncate(code.log, 0);
    ram_written(ram, 0x1000, 0x1000);
    g_assert_cmpstr(code.log->str, ==, "");
    ram_written(ram, 0xffff, 1); /* the last byte */
    ram_written(ram, 0xffff, 0);

    g_string_free(code.log, TRUE);
    g_string_free(table.log, TRUE);
    ram_free(ram);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ram/memory", test_memory);
    g_test_add_func("/ram/large", test_large);
    g_test_add_func("/ram/watch", test_watch);
    return g_test_run();
}

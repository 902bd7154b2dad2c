/* Text screens as UTF-8. */
#include "config.h"

#include "ui/textscreen.h"
#include "vgatest.h"

#include <string.h>

/* The table against iconv's, where that has the printable characters. */
static void test_code_page(void)
{
    for (int code = 0x20; code < 0x100; code++) {
        char byte = (char)code;
        g_autofree char *utf8 = g_convert(&byte, 1, "UTF-8", "CP437", NULL, NULL, NULL);
        if (!utf8) {
            g_test_skip("iconv does not know CP437");
            return;
        }
        if (code != 0x7f) /* a control character to iconv, a house on the screen */
            g_assert_cmphex(textscreen_char((uint8_t)code), ==, g_utf8_get_char(utf8));
    }
    g_assert_cmphex(textscreen_char(0x01), ==, 0x263a);
    g_assert_cmphex(textscreen_char(0x7f), ==, 0x2302);
    g_assert_cmphex(textscreen_char(0), ==, ' ');
}

static void test_dump(HwTest *t)
{
    Vga *vga = vga_on(t);
    g_assert_null(textscreen_dump(vga_display(vga)));
    set_mode(t, &mode_3);
    g_autofree char *empty = textscreen_dump(vga_display(vga));
    g_assert_cmpstr(empty, ==, "");

    static const char line[] = "A\xc4\xbf \x01 ";
    for (unsigned i = 0; i < sizeof(line) - 1; i++)
        hw_writew(t, 0xb8000 + 160 + 2 * i, (uint16_t)(0x0700 | (uint8_t)line[i]));
    hw_writew(t, 0xb8000 + 160 * 24 + 158, 0x0700 | 'z');
    g_autofree char *dump = textscreen_dump(vga_display(vga));
    g_autofree char *expected = g_strdup_printf("\nA\u2500\u2510 \u263a\n%s%79s%s\n", "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n", "", "z");
    g_assert_cmpstr(dump, ==, expected);

    set_mode(t, &mode_13);
    g_assert_null(textscreen_dump(vga_display(vga)));
    vga_free(vga);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/textscreen/code-page", test_code_page);
    hw_test_add("/textscreen/dump", test_dump);
    return g_test_run();
}

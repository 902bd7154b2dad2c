/* Makes the BIOS fonts from bios/font.txt: mkfont HEIGHT FILE COUNT writes assembler bytes, HEIGHT 8, 14 or 16.
 *
 * Rows are repeated to reach the height; frames and blocks are drawn for each height, so that they join. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned char u8;

/* How often each of the eight rows is repeated, and the empty lines above: thin strokes lie in rows 0, 3 and 6. */
static const int repeat14[8] = { 1, 2, 1, 1, 2, 1, 1, 2 }, repeat16[8] = { 1, 2, 2, 1, 2, 2, 1, 2 };

/* The arms of B3h-DAh: up, down, left, right; 0 none, 1 single, 2 double. */
static const char arms[] =
    "1100" "1110" "1120" "2210" "0210" "0120" "2220" "2200" "0220" "2020"   /* b3-bc */
    "2010" "1020" "0110" "1001" "1011" "0111" "1101" "0011" "1111" "1102"   /* bd-c6 */
    "2201" "2002" "0202" "2022" "0222" "2202" "0022" "2222" "1022" "2011"   /* c7-d0 */
    "0122" "0211" "2001" "1002" "0102" "0201" "2211" "1122" "1010" "0101";  /* d1-da */

static void die(const char *what, const char *line)
{
    fprintf(stderr, "mkfont: %s: %s", what, line);
    exit(1);
}

static int accent_rows(const char *name, u8 out[2])
{
    static const struct { const char *name; u8 rows[2]; } known[] = {
        { "acute", { 0x0c, 0x18 } }, { "grave", { 0x60, 0x30 } }, { "circ", { 0x38, 0x6c } },
        { "diaer", { 0x6c, 0x00 } }, { "ring", { 0x38, 0x38 } }, { "tilde", { 0x76, 0xdc } },
        { "cedil", { 0, 0 } },
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!strcmp(known[i].name, name)) {
            memcpy(out, known[i].rows, 2);
            return 1;
        }
    }
    return 0;
}

static void compose(u8 glyph[8], const u8 base[8], const char *accent, const char *line)
{
    u8 top[2];

    if (!accent_rows(accent, top)) {
        die("unknown accent", line);
    }
    memcpy(glyph, base, 8);
    if (!strcmp(accent, "cedil")) {
        glyph[7] = 0x30;
    } else if (base[0] && base[1]) {        /* a capital: one row shorter under one row of accent */
        memmove(glyph + 2, base, 3);
        memcpy(glyph + 5, base + 5, 2);
        glyph[0] = top[0];
        glyph[1] = 0;
    } else {
        memcpy(glyph, top, 2);
    }
}

static void stretch(u8 *out, const u8 glyph[8], int height)
{
    const int *repeat = height == 14 ? repeat14 : repeat16;
    int at = 1;

    memset(out, 0, height);
    if (height == 8) {
        memcpy(out, glyph, 8);
        return;
    }
    for (int row = 0; row < 8; row++) {
        for (int n = 0; n < repeat[row] && at < height; n++) {
            out[at++] = glyph[row];
        }
    }
}

static void block(u8 *out, int code, int height)
{
    for (int y = 0; y < height; y++) {
        switch (code) {
        case 0xb0: out[y] = y & 1 ? 0x88 : 0x22; break;
        case 0xb1: out[y] = y & 1 ? 0xaa : 0x55; break;
        case 0xb2: out[y] = y & 1 ? 0xee : 0xbb; break;
        case 0xdb: out[y] = 0xff; break;
        case 0xdc: out[y] = y >= height / 2 ? 0xff : 0; break;
        case 0xdd: out[y] = 0xf0; break;
        case 0xde: out[y] = 0x0f; break;
        case 0xdf: out[y] = y < height / 2 ? 0xff : 0; break;
        }
    }
}

static void frame(u8 *out, const char *arm, int height)
{
    int mid = height / 2 - 1, up = arm[0] - '0', down = arm[1] - '0', left = arm[2] - '0', right = arm[3] - '0';
    int vertical = up > down ? up : down, horizontal = left > right ? left : right;
    int top = horizontal == 2 ? mid - 1 : mid, bottom = horizontal == 2 ? mid + 1 : mid;

    memset(out, 0, height);
    for (int y = 0; y < height; y++) {
        u8 bits = vertical == 2 ? 0x36 : 0x18;

        if ((up && y <= (down ? height : bottom)) || (down && y >= top)) {
            if ((y < top && !up) || (y > bottom && !down)) {
                continue;
            }
            out[y] |= bits;
        }
    }
    for (int line = 0; line < (horizontal == 2 ? 2 : horizontal); line++) {
        int y = line ? bottom : top;

        if (left) {
            out[y] |= vertical == 2 ? 0xe0 : 0xf8;
        }
        if (right) {
            out[y] |= vertical == 2 ? 0x07 : 0x1f;
        }
        if (left && right && !(vertical == 2 && up && down)) {
            out[y] |= 0xff;
        }
        if (vertical == 2 && ((line == 0 && !up) || (line == 1 && !down) || (horizontal == 1))) {
            out[y] |= left && right ? 0xff : left ? 0xf6 : 0x37;
        }
    }
    /* the hollow inside of a double corner or crossing */
    if (vertical == 2 && horizontal == 2) {
        out[mid] &= 0x36;
    }
}

int main(int argc, char **argv)
{
    u8 glyphs[256][8], out[16];
    char line[256], accent[32];
    int height, count;
    FILE *f;

    if (argc != 4 || !(f = fopen(argv[2], "r"))) {
        fprintf(stderr, "usage: mkfont 8|14|16 font.txt COUNT\n");
        return 1;
    }
    height = atoi(argv[1]);
    count = atoi(argv[3]);
    memset(glyphs, 0, sizeof glyphs);
    while (fgets(line, sizeof line, f)) {
        unsigned code, base;
        unsigned long long rows;

        if (line[0] == '#' || line[0] == '\n') {
            continue;
        }
        if (sscanf(line, "%x = %x %31s", &code, &base, accent) == 3 && code < 256 && base < 256) {
            compose(glyphs[code], glyphs[base], accent, line);
        } else if (sscanf(line, "%x %llx", &code, &rows) == 2 && code < 256 && strcspn(line + 3, "\n") == 16) {
            for (int i = 0; i < 8; i++) {
                glyphs[code][i] = rows >> (56 - 8 * i);
            }
        } else {
            die("not a glyph", line);
        }
    }
    fclose(f);
    printf("vga_font%d:\n", height);
    for (int code = 0; code < count; code++) {
        if (code >= 0xb3 && code <= 0xda) {
            frame(out, arms + (code - 0xb3) * 4, height);
        } else if (code >= 0xb0 && code <= 0xdf) {
            block(out, code, height);
        } else {
            stretch(out, glyphs[code], height);
        }
        printf(".byte ");
        for (int i = 0; i < height; i++) {
            printf("0x%02x%s", out[i], i + 1 < height ? "," : "\n");
        }
    }
    return 0;
}

/*
 * An ELF symbol table, sorted by address. See symbols.h.
 */
#include "debug/symbols.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define FAR_AWAY 0x100000 /* beyond this distance a name tells nothing */

typedef struct Symbol {
    uint64_t addr, size;
    char *name;
} Symbol;

struct Symbols {
    GArray *table;
    uint64_t end; /* of the program's last section; 0: not known */
};

static int by_addr(const void *a, const void *b)
{
    const Symbol *x = a, *y = b;
    return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static void clear_symbol(gpointer p)
{
    g_free(((Symbol *)p)->name);
}

/* What 32- and 64-bit files have in common. */
typedef struct Section {
    uint64_t type, flags, addr, offset, size, link, entsize;
} Section;

static bool section(const uint8_t *d, gsize len, bool is64, unsigned n, Section *s)
{
    if (is64) {
        const Elf64_Ehdr *h = (const void *)d;
        Elf64_Shdr sh;
        if (n >= h->e_shnum || h->e_shoff > len || len - h->e_shoff < (n + 1ull) * sizeof sh)
            return false;
        memcpy(&sh, d + h->e_shoff + n * sizeof sh, sizeof sh);
        *s = (Section){sh.sh_type, sh.sh_flags, sh.sh_addr, sh.sh_offset, sh.sh_size, sh.sh_link, sizeof(Elf64_Sym)};
    } else {
        const Elf32_Ehdr *h = (const void *)d;
        Elf32_Shdr sh;
        if (n >= h->e_shnum || h->e_shoff > len || len - h->e_shoff < (n + 1ull) * sizeof sh)
            return false;
        memcpy(&sh, d + h->e_shoff + n * sizeof sh, sizeof sh);
        *s = (Section){sh.sh_type, sh.sh_flags, sh.sh_addr, sh.sh_offset, sh.sh_size, sh.sh_link, sizeof(Elf32_Sym)};
    }
    return s->type == SHT_NOBITS || (s->offset <= len && s->size <= len - s->offset);
}

static void take_table(Symbols *s, const uint8_t *d, bool is64, const Section *tab, const Section *str)
{
    for (uint64_t at = 0; at + tab->entsize <= tab->size; at += tab->entsize) {
        Symbol sym;
        uint32_t name;
        unsigned type, shndx;
        if (is64) {
            Elf64_Sym e;
            memcpy(&e, d + tab->offset + at, sizeof e);
            name = e.st_name, sym.addr = e.st_value, sym.size = e.st_size, type = e.st_info & 0xf, shndx = e.st_shndx;
        } else {
            Elf32_Sym e;
            memcpy(&e, d + tab->offset + at, sizeof e);
            name = e.st_name, sym.addr = e.st_value, sym.size = e.st_size, type = e.st_info & 0xf, shndx = e.st_shndx;
        }
        if (type > STT_FUNC || shndx == SHN_UNDEF || shndx == SHN_ABS || name >= str->size)
            continue;
        sym.name = g_strndup((const char *)d + str->offset + name, str->size - name);
        if (*sym.name)
            g_array_append_val(s->table, sym);
        else
            g_free(sym.name);
    }
}

Symbols *symbols_load(const char *path, GError **error)
{
    char *data;
    gsize len;
    if (!g_file_get_contents(path, &data, &len, error))
        return NULL;
    const uint8_t *d = (const uint8_t *)data;
    Symbols *s = g_new0(Symbols, 1);
    s->table = g_array_new(FALSE, FALSE, sizeof(Symbol));
    g_array_set_clear_func(s->table, clear_symbol);
    if (len >= sizeof(Elf64_Ehdr) && !memcmp(d, ELFMAG, SELFMAG) && d[EI_DATA] == ELFDATA2LSB) {
        bool is64 = d[EI_CLASS] == ELFCLASS64;
        Section tab, str;
        bool there;
        for (unsigned n = 0; (there = section(d, len, is64, n, &tab)) || n < 64; n++) {
            if (!there)
                continue;
            if (tab.flags & SHF_ALLOC)
                s->end = MAX(s->end, tab.addr + tab.size);
            if (tab.type == SHT_SYMTAB && section(d, len, is64, tab.link, &str) && str.type == SHT_STRTAB)
                take_table(s, d, is64, &tab, &str);
        }
    }
    g_free(data);
    if (!s->table->len) {
        g_set_error(error, g_quark_from_static_string("symbols"), 0,
                "%s: no ELF file with a symbol table (stripped?)", path);
        symbols_free(s);
        return NULL;
    }
    g_array_sort(s->table, by_addr);
    return s;
}

void symbols_free(Symbols *s)
{
    if (!s)
        return;
    g_array_unref(s->table);
    g_free(s);
}

char *symbols_name(const Symbols *s, uint64_t addr)
{
    if (!s)
        return NULL;
    unsigned low = 0, high = s->table->len; /* the last symbol not above addr is before high */
    while (low < high) {
        unsigned mid = (low + high) / 2;
        if (g_array_index(s->table, Symbol, mid).addr <= addr)
            low = mid + 1;
        else
            high = mid;
    }
    if (!low)
        return NULL;
    const Symbol *sym = &g_array_index(s->table, Symbol, low - 1);
    uint64_t off = addr - sym->addr;
    if (off >= FAR_AWAY || (off && s->end && addr >= s->end))
        return NULL;
    return off ? g_strdup_printf("%s+0x%" G_GINT64_MODIFIER "x", sym->name, off) : g_strdup(sym->name);
}

bool symbols_find(const Symbols *s, const char *name, uint64_t *addr)
{
    for (unsigned n = 0; s && n < s->table->len; n++)
        if (!strcmp(g_array_index(s->table, Symbol, n).name, name)) {
            *addr = g_array_index(s->table, Symbol, n).addr;
            return true;
        }
    return false;
}

void symbols_append(const Symbols *s, GString *out, uint64_t addr)
{
    char *name = symbols_name(s, addr);
    if (name)
        g_string_append_printf(out, " <%s>", name);
    g_free(name);
}

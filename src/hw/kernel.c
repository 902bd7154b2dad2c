/*
 * Loading kernels for -kernel.
 *
 * Linux: Documentation/x86/boot.rst. The real-mode part goes to 10000h, the command line to 20000h, the rest to 1 MiB and
 * the initrd as high as the kernel allows. The BIOS copies them there and jumps to the real-mode part.
 *
 * Multiboot 1: the image is laid out here (ELF segments or the header's own addresses), followed by the modules, in one
 * piece that the BIOS copies. The information structure goes to 9500h, or above an image that lies in low memory itself.
 */
#include "hw/kernel.h"

#include <elf.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KERNEL_ERROR g_quark_from_static_string("x86vm-kernel")
#define REAL_ADDR 0x10000u
#define CMDLINE_ADDR 0x20000u
#define PROTECTED_ADDR 0x100000u
#define ACPI_RESERVE (128u * 1024) /* the BIOS's tables at the top of RAM */

static uint16_t get16(const uint8_t *p) { return p[0] | p[1] << 8; }
static uint32_t get32(const uint8_t *p) { return get16(p) | (uint32_t)get16(p + 2) << 16; }
static void put16(uint8_t *p, uint16_t v) { p[0] = v; p[1] = v >> 8; }
static void put32(uint8_t *p, uint32_t v) { put16(p, v); put16(p + 2, v >> 16); }

static GBytes *read_file(const char *path, const char *option, GError **error)
{
    char *data;
    gsize len;
    GError *why = NULL;
    if (!g_file_get_contents(path, &data, &len, &why)) {
        g_set_error(error, KERNEL_ERROR, 0, "%s %s: %s", option, path, why->message);
        g_error_free(why);
        return NULL;
    }
    return g_bytes_new_take(data, len);
}

static void set_shared(FwCfg *f, uint16_t addr_key, uint32_t addr, uint16_t size_key, uint16_t data_key, GBytes *bytes)
{
    fwcfg_set32(f, addr_key, addr);
    fwcfg_set32(f, size_key, g_bytes_get_size(bytes));
    fwcfg_set_shared(f, data_key, bytes);
}

/* A file that is handed on as it is: a regular one stays where it is, what comes from a pipe is held. */
typedef struct HostFile {
    GBytes *bytes; /* or NULL: in fd */
    int fd;
    uint64_t size;
} HostFile;

static void close_file(HostFile *h)
{
    if (h->fd >= 0)
        close(h->fd);
    if (h->bytes)
        g_bytes_unref(h->bytes);
}

static bool open_file(HostFile *h, const char *path, const char *option, GError **error)
{
    struct stat st;
    *h = (HostFile){ .fd = -1 };
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (h->fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0) {
        h->size = (uint64_t)st.st_size;
        return true;
    }
    h->bytes = read_file(path, option, error); /* which knows what to say, too */
    h->size = h->bytes ? g_bytes_get_size(h->bytes) : 0;
    return h->bytes != NULL;
}

/* ---- Linux ---- */

static bool load_initrd(FwCfg *f, uint8_t *setup, uint16_t protocol, uint64_t ram, uint64_t kernel_end, const char *path,
                        GError **error)
{
    HostFile initrd = { .fd = -1 };
    if (!open_file(&initrd, path, "-initrd", error))
        return false;
    uint64_t max = protocol >= 0x203 ? get32(setup + 0x22c) : 0x37ffffff;
    uint64_t size = initrd.size;
    max = MIN(max, ram - ACPI_RESERVE - 1);
    if (size > max || ((max - size) & ~0xfffull) < kernel_end) {
        g_set_error(error, KERNEL_ERROR, 0, "-initrd %s: %" G_GUINT64_FORMAT " MiB do not fit in %" G_GUINT64_FORMAT
                    " MiB of memory beside the kernel; give the machine more with -m", path, size >> 20, ram >> 20);
        close_file(&initrd);
        return false;
    }
    uint32_t addr = (max - size) & ~0xfffull;
    put32(setup + 0x218, addr);
    put32(setup + 0x21c, size);
    fwcfg_set32(f, FW_CFG_INITRD_ADDR, addr);
    fwcfg_set32(f, FW_CFG_INITRD_SIZE, size);
    if (initrd.bytes)
        fwcfg_set_shared(f, FW_CFG_INITRD_DATA, initrd.bytes);
    else
        fwcfg_set_fd(f, FW_CFG_INITRD_DATA, g_steal_fd(&initrd.fd), size);
    close_file(&initrd);
    return true;
}

static bool load_linux(FwCfg *f, uint64_t ram, const KernelFiles *files, GBytes *image, GError **error)
{
    gsize len;
    const uint8_t *data = g_bytes_get_data(image, &len);
    uint16_t protocol = get16(data + 0x206);
    unsigned setup_bytes = ((data[0x1f1] ? data[0x1f1] : 4) + 1) * 512;
    const char *cmdline = files->cmdline ? files->cmdline : "";

    if (protocol < 0x202 || !(data[0x211] & 1) || setup_bytes >= len) {
        g_set_error(error, KERNEL_ERROR, 0, "-kernel %s: boot protocol %d.%02d; a bzImage of Linux 2.4 or later is needed",
                    files->kernel, protocol >> 8, protocol & 255);
        return false;
    }
    uint8_t *setup = g_memdup2(data, setup_bytes);
    uint32_t cmdline_max = protocol >= 0x206 ? get32(data + 0x238) : 255;
    if (strlen(cmdline) > cmdline_max) {
        g_set_error(error, KERNEL_ERROR, 0, "-append: %zu characters; this kernel takes %u", strlen(cmdline), cmdline_max);
        g_free(setup);
        return false;
    }
    put32(setup + 0x228, CMDLINE_ADDR);
    setup[0x210] = 0xb0;                             /* type_of_loader: QEMU's */
    setup[0x211] |= 0x80;                            /* CAN_USE_HEAP */
    put16(setup + 0x224, CMDLINE_ADDR - REAL_ADDR - 0x200); /* heap_end_ptr */
    bool ok = true;
    if (files->initrd)
        ok = load_initrd(f, setup, protocol, ram, PROTECTED_ADDR + (len - setup_bytes), files->initrd, error);
    if (ok) {
        GBytes *setup_part = g_bytes_new(setup, setup_bytes);
        GBytes *kernel_part = g_bytes_new_from_bytes(image, setup_bytes, len - setup_bytes);
        GBytes *text = g_bytes_new(cmdline, strlen(cmdline) + 1);
        set_shared(f, FW_CFG_SETUP_ADDR, REAL_ADDR, FW_CFG_SETUP_SIZE, FW_CFG_SETUP_DATA, setup_part);
        set_shared(f, FW_CFG_KERNEL_ADDR, PROTECTED_ADDR, FW_CFG_KERNEL_SIZE, FW_CFG_KERNEL_DATA, kernel_part);
        set_shared(f, FW_CFG_CMDLINE_ADDR, CMDLINE_ADDR, FW_CFG_CMDLINE_SIZE, FW_CFG_CMDLINE_DATA, text);
        g_bytes_unref(setup_part);
        g_bytes_unref(kernel_part);
        g_bytes_unref(text);
    }
    g_free(setup);
    return ok;
}

/* ---- Multiboot 1 (the GNU Multiboot Specification 0.6.96) ---- */

#define MB_MAGIC 0x1badb002u
#define MB_SEARCH 8192
#define MB_FLAG_ADDRESSES 0x10000u
#define MB_INFO_ADDR 0x9500u
#define MB_MAP_BYTES 0x500u /* below the information: the BIOS puts the memory map there */
#define MB_INFO_BYTES 88
#define MB_MODULE_BYTES 16
#define MB_LOW_BEGIN 0x7c00u /* an image in low memory lies above the BIOS's stack, below its data area */
#define MB_LOW_END 0x9f000u

typedef struct Multiboot {
    GByteArray *image; /* kernel, then page-aligned modules */
    uint32_t start;    /* where image goes */
    uint32_t entry;
    uint32_t info; /* where the information for it goes */
} Multiboot;

static int multiboot_header(const uint8_t *data, gsize len)
{
    for (gsize at = 0; at + 12 <= MIN(len, MB_SEARCH); at += 4)
        if (get32(data + at) == MB_MAGIC && get32(data + at) + get32(data + at + 4) + get32(data + at + 8) == 0)
            return at;
    return -1;
}

static bool too_big(const char *path, GError **error)
{
    g_set_error(error, KERNEL_ERROR, 0, "-kernel %s: the kernel's addresses lie outside memory, or in the 384 KiB below 1 MiB, or on "
                "both sides of it; for the first give the machine more with -m", path);
    return false;
}

static bool image_place(Multiboot *m, uint32_t addr, const uint8_t *bytes, uint32_t len, uint32_t mem_len, uint64_t ram)
{
    uint64_t begin = m->start < PROTECTED_ADDR ? MB_LOW_BEGIN : PROTECTED_ADDR;
    uint64_t limit = m->start < PROTECTED_ADDR ? MB_LOW_END : ram - ACPI_RESERVE;
    if ((uint64_t)addr + mem_len > limit || m->start < begin || addr < m->start || mem_len < len)
        return false;
    uint32_t end = addr - m->start + mem_len;
    if (m->image->len < end) {
        guint old = m->image->len;
        g_byte_array_set_size(m->image, end);
        memset(m->image->data + old, 0, end - old);
    }
    memcpy(m->image->data + (addr - m->start), bytes, len);
    return true;
}

static bool place_elf(Multiboot *m, const uint8_t *data, gsize len, uint64_t ram, const char *path, GError **error)
{
    const Elf32_Ehdr *e = (const void *)data;
    uint64_t table = (uint64_t)e->e_phoff + (uint64_t)e->e_phnum * sizeof(Elf32_Phdr);
    if (e->e_ident[EI_CLASS] != ELFCLASS32 || e->e_machine != EM_386 || table > len || e->e_phentsize != sizeof(Elf32_Phdr)) {
        g_set_error(error, KERNEL_ERROR, 0, "-kernel %s: not a 32-bit x86 ELF file", path);
        return false;
    }
    Elf32_Phdr p;
    m->start = UINT32_MAX;
    for (unsigned n = 0; n < e->e_phnum; n++) {
        memcpy(&p, data + e->e_phoff + n * sizeof p, sizeof p);
        if (p.p_type == PT_LOAD && p.p_memsz)
            m->start = MIN(m->start, p.p_paddr);
    }
    for (unsigned n = 0; n < e->e_phnum; n++) {
        memcpy(&p, data + e->e_phoff + n * sizeof p, sizeof p);
        if (p.p_type != PT_LOAD || !p.p_memsz)
            continue;
        if ((uint64_t)p.p_offset + p.p_filesz > len || !image_place(m, p.p_paddr, data + p.p_offset, p.p_filesz, p.p_memsz, ram))
            return too_big(path, error);
    }
    if (m->start == UINT32_MAX)
        return too_big(path, error);
    /* Paging is off at the entry: of a kernel linked for virtual addresses, as GNU Mach is, the physical one is meant. */
    m->entry = e->e_entry;
    for (unsigned n = 0; n < e->e_phnum; n++) {
        memcpy(&p, data + e->e_phoff + n * sizeof p, sizeof p);
        if (p.p_type == PT_LOAD && e->e_entry >= p.p_vaddr && e->e_entry - p.p_vaddr < p.p_memsz) {
            m->entry = e->e_entry - p.p_vaddr + p.p_paddr;
            break;
        }
    }
    return true;
}

static bool place_by_header(Multiboot *m, const uint8_t *data, gsize len, int at, uint64_t ram, const char *path, GError **error)
{
    if ((gsize)at + 32 > len)
        return too_big(path, error);
    uint32_t header = get32(data + at + 12), load = get32(data + at + 16), load_end = get32(data + at + 20);
    uint32_t bss_end = get32(data + at + 24);
    uint64_t offset = (uint64_t)at - (header - load);
    if (header < load || offset > len)
        return too_big(path, error);
    uint32_t bytes = load_end ? load_end - load : len - offset;
    m->start = load;
    m->entry = get32(data + at + 28);
    if (bytes > len - offset || !image_place(m, load, data + offset, bytes, MAX(bytes, bss_end ? bss_end - load : 0), ram))
        return too_big(path, error);
    return true;
}

/* The structure being built for m->info: strings and tables follow the fixed part. */
static uint32_t info_append(const Multiboot *m, GByteArray *info, const void *bytes, gsize len)
{
    uint32_t addr = m->info + info->len;
    g_byte_array_append(info, bytes, len);
    return addr;
}

static bool place_modules(Multiboot *m, GByteArray *info, const char *list, uint64_t ram, GError **error)
{
    char **words = g_strsplit(list, ",", -1);
    unsigned count = g_strv_length(words);
    uint8_t *table = g_malloc0(count * MB_MODULE_BYTES);
    bool ok = true;
    for (unsigned n = 0; n < count && ok; n++) {
        char *path = g_strndup(words[n], strcspn(words[n], " "));
        GBytes *module = read_file(path, "-initrd", error);
        g_free(path);
        if (!module) {
            ok = false;
            break;
        }
        gsize len;
        const uint8_t *data = g_bytes_get_data(module, &len);
        uint32_t addr = (m->start + m->image->len + 0xfff) & ~0xfffu;
        ok = image_place(m, addr, data, len, len, ram) || too_big(words[n], error);
        put32(table + n * MB_MODULE_BYTES, addr);
        put32(table + n * MB_MODULE_BYTES + 4, addr + len);
        put32(table + n * MB_MODULE_BYTES + 8, info_append(m, info, words[n], strlen(words[n]) + 1));
        g_bytes_unref(module);
    }
    if (ok) {
        while (info->len % 4)
            g_byte_array_append(info, (const uint8_t *)"", 1);
        uint32_t addr = info_append(m, info, table, count * MB_MODULE_BYTES);
        put32(info->data + 20, count);
        put32(info->data + 24, addr);
        put32(info->data, get32(info->data) | 8);
    }
    g_free(table);
    g_strfreev(words);
    return ok;
}

static bool load_multiboot(FwCfg *f, uint64_t ram, const KernelFiles *files, GBytes *file, int at, GError **error)
{
    gsize len;
    const uint8_t *data = g_bytes_get_data(file, &len);
    Multiboot m = {.image = g_byte_array_new()};
    bool ok;

    if (get32(data + at + 4) & MB_FLAG_ADDRESSES)
        ok = place_by_header(&m, data, len, at, ram, files->kernel, error);
    else if (len >= sizeof(Elf32_Ehdr) && !memcmp(data, ELFMAG, SELFMAG))
        ok = place_elf(&m, data, len, ram, files->kernel, error);
    else
        ok = (g_set_error(error, KERNEL_ERROR, 0, "-kernel %s: a Multiboot header, but neither ELF nor load addresses",
                          files->kernel), false);
    /* beside a kernel in low memory */
    m.info = ok && m.start < PROTECTED_ADDR ? ((m.start + m.image->len + 0xfff) & ~0xfffu) + MB_MAP_BYTES : MB_INFO_ADDR;
    GByteArray *info = g_byte_array_new();
    g_byte_array_set_size(info, MB_INFO_BYTES);
    memset(info->data, 0, MB_INFO_BYTES);
    /* memory sizes and boot device; the memory map is the BIOS's to add */
    put32(info->data, 1 | 2 | 4 | 0x200);
    put32(info->data + 4, 640);
    put32(info->data + 8, ram / 1024 - 1024);
    put32(info->data + 12, 0x8000ffff);
    char *cmdline = g_strdup_printf("%s%s%s", files->kernel, files->cmdline ? " " : "", files->cmdline ? files->cmdline : "");
    uint32_t text = info_append(&m, info, cmdline, strlen(cmdline) + 1);
    put32(info->data + 16, text);
    text = info_append(&m, info, "x86vm", 6);
    put32(info->data + 64, text);
    g_free(cmdline);
    if (ok && files->initrd)
        ok = place_modules(&m, info, files->initrd, ram, error);
    if (ok && m.info + info->len > MB_LOW_END)
        ok = too_big(files->kernel, error);
    if (ok) {
        GBytes *image = g_bytes_new(m.image->data, m.image->len);
        GBytes *info_bytes = g_bytes_new(info->data, info->len);
        fwcfg_set32(f, FW_CFG_KERNEL_ENTRY, m.entry);
        set_shared(f, FW_CFG_KERNEL_ADDR, m.start, FW_CFG_KERNEL_SIZE, FW_CFG_KERNEL_DATA, image);
        set_shared(f, FW_CFG_INITRD_ADDR, m.info, FW_CFG_INITRD_SIZE, FW_CFG_INITRD_DATA, info_bytes);
        g_bytes_unref(image);
        g_bytes_unref(info_bytes);
    }
    g_byte_array_unref(info);
    g_byte_array_unref(m.image);
    return ok;
}

bool kernel_load(FwCfg *f, uint64_t ram, const KernelFiles *files, GError **error)
{
    GBytes *image = read_file(files->kernel, "-kernel", error);
    if (!image)
        return false;
    gsize len;
    const uint8_t *data = g_bytes_get_data(image, &len);
    int header = multiboot_header(data, len);
    bool ok;

    if (header >= 0)
        ok = load_multiboot(f, ram, files, image, header, error);
    else if (len >= 0x250 && !memcmp(data + 0x202, "HdrS", 4))
        ok = load_linux(f, ram, files, image, error);
    else
        ok = (g_set_error(error, KERNEL_ERROR, 0, "-kernel %s: neither a Linux bzImage nor a Multiboot kernel", files->kernel),
              false);
    g_bytes_unref(image);
    return ok;
}
